"""Programs at the door: the access key and people's tokens."""

from coordinator import ids
from coordinator.acts import login
from coordinator.model.roles import HOME, Permission, Role
from coordinator.people import accounts
from coordinator.people.principal import Via
from coordinator.store import people
from tests.unit.coordinator.authentication.house import House
from tests.unit.coordinator.office import KEY


def given(house: House, role: Role, *, cluster: str = HOME, days: int = 1) -> str:
    with house.office.store.write() as tx:
        people.tokens.add(
            tx,
            people.Token(
                token=ids.digest("muster_t"),
                id="k-1",
                person="ines",
                label="a script",
                cluster=cluster,
                role=role,
                created=house.office.now[0],
                expires=house.office.now[0] + days * 86_400,
            ),
        )
    return "muster_t"


def test_the_access_key_is_the_machines_administrator(house: House):
    principal = house.authenticator.program(KEY, "Núria")
    assert principal is not None
    assert (principal.name, principal.via) == ("Núria", Via.KEY)
    assert principal.may(Permission.LOCAL)
    assert house.authenticator.program("wrong", "Núria") is None


def test_with_the_key_nobody_passes_for_somebody_who_has_an_account(house: House):
    house.person("ines")
    principal = house.authenticator.program(KEY, "ines")
    assert principal is not None
    assert principal.name == "ines (access key)"
    opened = login.log_in_locally(house.services, house.authenticator.once(), "ines", "")
    assert house.authenticator.browser(opened.token).name == "ines (access key)"


def test_a_token_may_what_its_role_may_as_long_as_its_person_may(house: House):
    house.person("ines", (HOME, Role.COORDINATOR), ("west", Role.COORDINATOR))
    token = given(house, Role.INSPECTOR)
    principal = house.authenticator.program(token, "somebody else")
    assert principal is not None
    assert (principal.name, principal.via) == ("ines", Via.TOKEN)
    assert principal.may(Permission.INSPECT, HOME)
    assert not principal.may(Permission.FILE, HOME)
    assert not principal.may(Permission.LOOK, "west")
    assert not principal.may(Permission.SELF)
    with house.office.store.write() as tx:
        accounts.take(tx, "ines", HOME, Role.COORDINATOR)
        accounts.give(tx, "ines", HOME, Role.VIEWER)
    principal = house.authenticator.program(token, "")
    assert principal is not None
    assert principal.may(Permission.LOOK, HOME)
    assert not principal.may(Permission.INSPECT, HOME)


def test_a_token_is_over_with_time_by_revoking_and_with_its_person(house: House):
    house.person()
    token = given(house, Role.VIEWER, days=2)
    house.goes(86_400)
    assert house.authenticator.program(token, "")
    house.goes(86_401)
    assert house.authenticator.program(token, "") is None
    with house.office.store.write() as tx:
        people.end_tokens(tx, "ines")
    token = given(house, Role.VIEWER)
    with house.office.store.write() as tx:
        assert not people.end_token(tx, "k-1", person="carl")
        assert people.end_token(tx, "k-1", person="ines")
    assert house.authenticator.program(token, "") is None
    token = given(house, Role.VIEWER)
    with house.office.store.write() as tx:
        accounts.disable(tx, "ines", now=house.office.now[0])
    assert house.authenticator.program(token, "") is None


def test_a_token_shows_when_it_was_used(house: House):
    house.person()
    token = given(house, Role.VIEWER)
    house.authenticator.program(token, "")
    with house.office.store.read() as tx:
        assert people.tokens_of(tx, "ines")[0].used is not None
