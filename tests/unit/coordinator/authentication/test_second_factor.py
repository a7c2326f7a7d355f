"""The second factor: codes, recovery codes, tickets, and who must have one."""

import pytest

from coordinator.errors import Slow, Unauthorised
from coordinator.model.roles import HOME, Permission, Role
from coordinator.people import accounts, passwords
from coordinator.people.authentication import TICKET, Rules, Ticket
from coordinator.people.factor import RECOVERY
from coordinator.rate_limit import PAIR
from tests.unit.coordinator.authentication.house import House


def test_with_a_second_factor_the_password_alone_opens_nothing(house: House):
    house.person()
    totp, _ = house.factor()
    ticket = house.comes()
    assert isinstance(ticket, Ticket)
    assert not house.authenticator.browser(ticket.value).is_known
    with pytest.raises(Unauthorised):
        house.second(ticket, "000000")
    assert house.authenticator.browser(house.second(ticket, house.code(totp)).token).is_known


def test_a_code_is_never_good_twice(house: House):
    house.person()
    totp, _ = house.factor()
    code = house.code(totp)
    house.second(house.comes(), code)
    with pytest.raises(Unauthorised):
        house.second(house.comes(), code)
    house.goes(30)
    with pytest.raises(Unauthorised):
        house.second(house.comes(), code)
    house.second(house.comes(), house.code(totp))


def test_a_recovery_code_is_good_once(house: House):
    house.person()
    _, codes = house.factor()
    assert len(codes) == RECOVERY
    house.second(house.comes(), codes[3].upper())
    with pytest.raises(Unauthorised):
        house.second(house.comes(), codes[3])
    house.second(house.comes(), codes[4])


def test_codes_are_guessed_slowly(house: House):
    house.person()
    totp, _ = house.factor()
    ticket = house.comes()
    for _ in range(PAIR.free):
        with pytest.raises(Unauthorised):
            house.second(ticket, "000000")
    with pytest.raises(Slow):
        house.second(ticket, house.code(totp))


@pytest.mark.parametrize(
    "spoilt", [lambda t: t + "0", lambda t: "A" + t[1:], lambda t: "", lambda t: "é.é", lambda t: "."]
)
def test_a_ticket_cannot_be_made_up(house: House, spoilt):
    house.person()
    totp, _ = house.factor()
    ticket = house.comes()
    assert isinstance(ticket, Ticket)
    with pytest.raises(Unauthorised):
        house.second(Ticket(spoilt(ticket.value)), house.code(totp))


def test_a_ticket_is_over_with_time_and_with_the_password(house: House):
    house.person()
    totp, _ = house.factor()
    late, stale = house.comes(), house.comes()
    with house.office.store.write() as tx:
        accounts.change(tx, "ines", passwords.keep("nine spools turn"))
    with pytest.raises(Unauthorised):
        house.second(stale, house.code(totp))
    late = house.comes(password="nine spools turn")
    house.goes(TICKET + 1)
    with pytest.raises(Unauthorised):
        house.second(late, house.code(totp))


def test_an_admin_must_have_a_second_factor_after_the_grace(house: House):
    house.person("ines", (HOME, Role.ADMIN))
    token = house.opens()
    fresh = house.authenticator.browser(token)
    assert fresh.may(Permission.PEOPLE)
    assert fresh.due == pytest.approx(house.office.now[0] + Rules().grace)
    house.goes(Rules().grace + 1)
    house.opens()  # a second log-in begins no second grace
    late = house.authenticator.browser(house.opens())
    assert late.confined
    assert not any(late.may(act) for act in Permission if act not in (Permission.SELF, Permission.ENTER))
    assert late.may(Permission.SELF)
    token = house.opens()
    house.factor()
    assert house.authenticator.browser(token).may(Permission.PEOPLE)


def test_others_need_none_unless_the_house_wants_it(house: House):
    house.person("ines", (HOME, Role.COORDINATOR))
    assert house.authenticator.browser(house.opens()).due is None
    house.authenticator.rules = Rules(everyone=True, grace=0)
    token = house.opens()
    house.goes(1)
    principal = house.authenticator.browser(token)
    assert principal.confined
