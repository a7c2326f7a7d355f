"""Who is known by what they logged in with, and for how long."""

import pytest

from coordinator.errors import Forbidden, Missing, Unauthorised
from coordinator.model.roles import HOME, Permission, Role
from coordinator.people import accounts, passwords
from coordinator.people.authentication import IDLE, SESSION
from coordinator.people.principal import NOBODY, Via
from coordinator.store import restorations
from coordinator.store.restorations import Restoration
from tests.unit.coordinator.authentication.house import WORDS, House
from tests.unit.coordinator.office import KEY


def test_a_person_logs_in_and_is_known_with_their_roles(house: House):
    house.person("ines", ("west", Role.COURIER))
    principal = house.authenticator.browser(house.opens(" Ines "))
    assert (principal.name, principal.person, principal.via) == ("ines", "ines", Via.SESSION)
    assert principal.may(Permission.SEND, "west")
    assert not principal.may(Permission.FILE, "west")
    assert not principal.everywhere


def test_neither_password_nor_token_stand_in_the_database(house: House):
    house.person()
    token = house.opens()
    with house.office.store.read() as tx:
        rows = [
            str(tx.exec_driver_sql(f"SELECT * FROM {table}").all())
            for table in ("person", "session", "token", "password_link", "recovery")
        ]
    assert not any(WORDS in row or token in row for row in rows)


@pytest.mark.parametrize("made_up", ["", "x", "é", "0" * 64, KEY])
def test_a_session_cannot_be_made_up(house: House, made_up):
    house.person()
    house.opens()
    assert house.authenticator.browser(made_up) is NOBODY


def test_a_session_ends_when_it_rests_and_in_any_case(house: House):
    house.person()
    token = house.opens()
    house.goes(IDLE - 1)
    assert house.authenticator.browser(token).is_known
    house.goes(IDLE + 1)
    assert not house.authenticator.browser(token).is_known
    token = house.opens()
    for _ in range(SESSION // (IDLE // 2) - 1):
        house.goes(IDLE // 2)
        assert house.authenticator.browser(token).is_known
    house.goes(IDLE // 2)
    assert not house.authenticator.browser(token).is_known


def test_a_new_password_ends_the_other_sessions(house: House):
    house.person()
    here, there = house.opens(), house.opens()
    session = house.authenticator.browser(here).session
    with house.office.store.write() as tx:
        accounts.change(tx, "ines", passwords.keep("nine spools turn"), session=session)
    assert house.authenticator.browser(here).is_known
    assert not house.authenticator.browser(there).is_known
    with pytest.raises(Unauthorised):
        house.comes()
    house.opens(password="nine spools turn")


def test_a_role_that_is_taken_counts_at_once(house: House):
    house.person("ines", (HOME, Role.COORDINATOR))
    token = house.opens()
    with house.office.store.write() as tx:
        accounts.take(tx, "ines", HOME, Role.COORDINATOR)
    assert not house.authenticator.browser(token).may(Permission.LOOK)


def test_who_is_disabled_gets_in_by_no_way(house: House):
    house.person()
    token = house.opens()
    with house.office.store.write() as tx:
        code = accounts.welcome(tx, "ines", by="carl", now=house.office.now[0])
        accounts.disable(tx, "ines", now=house.office.now[0])
    assert not house.authenticator.browser(token).is_known
    with pytest.raises(Unauthorised):
        house.comes()
    with pytest.raises(Missing):
        house.authenticator.link(code)
    with house.office.store.write() as tx, pytest.raises(Forbidden):
        accounts.welcome(tx, "ines", by="carl", now=house.office.now[0])
    with house.office.store.write() as tx:
        accounts.enable(tx, "ines")
    house.opens()
    assert not house.authenticator.browser(token).is_known


def test_a_session_that_a_back_up_brings_back_is_over(house: House):
    house.person()
    token = house.opens()
    house.goes(10)
    with house.office.store.write() as tx:
        restorations.restorations.add(
            tx, Restoration(id="b-1", taken=house.office.now[0] - 5, restored=house.office.now[0])
        )
    house.goes(1)
    again = House(house.office)
    assert not again.authenticator.browser(token).is_known
    again.opens()
