"""Links that open a door: the first account's, a welcome, and the machine's own."""

import pytest

from coordinator.errors import Conflict, Invalid, Missing
from coordinator.model.roles import HOME, Act
from coordinator.people import accounts
from coordinator.people.authentication import ONCE, Link, Opened
from coordinator.people.principal import Via
from tests.unit.coordinator.porter.house import WORDS, House


def test_the_first_account_is_made_by_a_link_and_only_one(house: House):
    code = house.porter.first()
    assert code
    assert house.porter.link(code)[0] is Link.FIRST
    with pytest.raises(Invalid):
        house.porter.enter_first(code, name="ines", shown="Inès", password="short", browser="")
    with pytest.raises(Invalid):
        house.porter.enter_first(code, name="no good name", shown="", password=WORDS, browser="")
    opened = house.porter.enter_first(code, name="Ines", shown="Inès", password=WORDS, browser="")
    assert isinstance(opened, Opened)
    assert house.porter.browser(opened.token).may(Act.PEOPLE, HOME)
    with pytest.raises(Missing):
        house.porter.link(code)
    assert house.porter.first() is None


def test_two_links_make_no_two_first_accounts(house: House):
    one, two = house.porter.first(), house.porter.first()
    assert one
    assert two
    house.porter.enter_first(one, name="ines", shown="", password=WORDS, browser="")
    with pytest.raises(Conflict):
        house.porter.enter_first(two, name="carl", shown="", password=WORDS, browser="")


def test_a_welcome_is_good_once_for_three_days_and_the_newest_only(house: House):
    house.person()
    with house.office.store.write() as tx:
        older = accounts.welcome(tx, "ines", by="carl", now=house.office.now[0])
        code = accounts.welcome(tx, "ines", by="carl", now=house.office.now[0])
    with pytest.raises(Missing):
        house.porter.link(older)
    assert house.porter.link(code) == (Link.WELCOME, "ines")
    token = house.opens()
    house.porter.choose(code, "nine spools turn", "")
    assert not house.porter.browser(token).is_known
    with pytest.raises(Missing):
        house.porter.choose(code, "ten spools turn", "")
    with house.office.store.write() as tx:
        late = accounts.welcome(tx, "ines", by="carl", now=house.office.now[0])
    house.goes(accounts.WELCOME + 1)
    with pytest.raises(Missing):
        house.porter.choose(late, "ten spools turn", "")


def test_a_link_alone_does_not_go_round_the_second_factor(house: House):
    house.person()
    totp, _ = house.factor()
    with house.office.store.write() as tx:
        code = accounts.reset(tx, "ines", by="carl", now=house.office.now[0], second_factor=False)
    ticket = house.porter.choose(code, "nine spools turn", "")
    assert house.porter.browser(house.second(ticket, house.code(totp)).token).is_known
    with house.office.store.write() as tx:
        code = accounts.reset(tx, "ines", by="carl", now=house.office.now[0], second_factor=True)
    assert isinstance(house.porter.choose(code, "ten spools turn", ""), Opened)


def test_a_local_link_opens_an_administrators_session_once(house: House):
    code = house.porter.once()
    opened = house.porter.enter_locally(code, "Núria", "")
    asker = house.porter.browser(opened.token)
    assert (asker.by, asker.via, asker.everywhere) == ("Núria", Via.LINK, True)
    with pytest.raises(Missing):
        house.porter.enter_locally(code, "Núria", "")
    late = house.porter.once()
    house.goes(ONCE + 1)
    with pytest.raises(Missing):
        house.porter.enter_locally(late, "Núria", "")
