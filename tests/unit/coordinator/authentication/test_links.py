"""Links that open a door: the first account's, a welcome, and the machine's own."""

import pytest

from coordinator.acts import login
from coordinator.errors import Conflict, Invalid, Missing
from coordinator.model.roles import HOME, Permission
from coordinator.people import accounts
from coordinator.people.authentication import ONCE, OneTimeLink, Opened
from coordinator.people.principal import Via
from tests.unit.coordinator.authentication.house import WORDS, House


def test_the_first_account_is_made_by_a_link_and_only_one(house: House):
    code = house.authenticator.first()
    assert code
    assert house.authenticator.link(code)[0] is OneTimeLink.FIRST
    with pytest.raises(Invalid):
        login.make_first_account(
            house.services, code, name="ines", shown="Inès", password="short", browser=""
        )
    with pytest.raises(Invalid):
        login.make_first_account(
            house.services, code, name="no good name", shown="", password=WORDS, browser=""
        )
    opened = login.make_first_account(
        house.services, code, name="Ines", shown="Inès", password=WORDS, browser=""
    )
    assert isinstance(opened, Opened)
    assert house.authenticator.browser(opened.token).may(Permission.PEOPLE, HOME)
    with pytest.raises(Missing):
        house.authenticator.link(code)
    assert house.authenticator.first() is None


def test_two_links_make_no_two_first_accounts(house: House):
    one, two = house.authenticator.first(), house.authenticator.first()
    assert one
    assert two
    login.make_first_account(house.services, one, name="ines", shown="", password=WORDS, browser="")
    with pytest.raises(Conflict):
        login.make_first_account(house.services, two, name="carl", shown="", password=WORDS, browser="")


def test_a_welcome_is_good_once_for_three_days_and_the_newest_only(house: House):
    house.person()
    with house.office.store.write() as tx:
        older = accounts.welcome(tx, "ines", by="carl", now=house.office.now[0])
        code = accounts.welcome(tx, "ines", by="carl", now=house.office.now[0])
    with pytest.raises(Missing):
        house.authenticator.link(older)
    assert house.authenticator.link(code) == (OneTimeLink.WELCOME, "ines")
    token = house.opens()
    login.choose_password(house.services, code, "nine spools turn", "")
    assert not house.authenticator.browser(token).is_known
    with pytest.raises(Missing):
        login.choose_password(house.services, code, "ten spools turn", "")
    with house.office.store.write() as tx:
        late = accounts.welcome(tx, "ines", by="carl", now=house.office.now[0])
    house.goes(accounts.WELCOME + 1)
    with pytest.raises(Missing):
        login.choose_password(house.services, late, "ten spools turn", "")


def test_a_link_alone_does_not_go_round_the_second_factor(house: House):
    house.person()
    totp, _ = house.factor()
    with house.office.store.write() as tx:
        code = accounts.reset(tx, "ines", by="carl", now=house.office.now[0], second_factor=False)
    ticket = login.choose_password(house.services, code, "nine spools turn", "")
    assert house.authenticator.browser(house.second(ticket, house.code(totp)).token).is_known
    with house.office.store.write() as tx:
        code = accounts.reset(tx, "ines", by="carl", now=house.office.now[0], second_factor=True)
    assert isinstance(login.choose_password(house.services, code, "ten spools turn", ""), Opened)


def test_a_local_link_opens_an_administrators_session_once(house: House):
    code = house.authenticator.once()
    opened = login.log_in_locally(house.services, code, "Núria", "")
    principal = house.authenticator.browser(opened.token)
    assert (principal.name, principal.via, principal.everywhere) == ("Núria", Via.LINK, True)
    with pytest.raises(Missing):
        login.log_in_locally(house.services, code, "Núria", "")
    late = house.authenticator.once()
    house.goes(ONCE + 1)
    with pytest.raises(Missing):
        login.log_in_locally(house.services, late, "Núria", "")
