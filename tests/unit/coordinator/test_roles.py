"""The table of roles, and what follows from it for somebody with several."""

import pytest

from coordinator.model.roles import ACTS, Act, Role, acts
from coordinator.people.principal import NOBODY, Asker, Via

COORDINATES = (
    "look audit add approve file withdraw release steer inspect rule collect pack send invite revoke"
)


def test_nobody_may_anything():
    assert not any(NOBODY.may(act) for act in Act)
    assert not NOBODY.sees(["home"])


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.VIEWER, "look"),
        (Role.INSPECTOR, "look inspect collect"),
        (Role.COURIER, "look collect pack send"),
        (
            Role.COORDINATOR,
            COORDINATES,
        ),
        (
            Role.ADMIN,
            f"{COORDINATES} privacy trail people",
        ),
    ],
)
def test_a_role_may_this_and_nothing_else(role, may):
    assert {str(act) for act in ACTS[role]} == set(may.split())


def test_every_role_has_a_row_and_no_row_is_for_the_machine_alone():
    assert set(ACTS) == set(Role)
    assert not any({Act.LOCAL, Act.SELF} & row for row in ACTS.values())


def test_roles_add_up_within_a_cluster_and_never_across():
    ines = Asker(
        by="ines",
        via=Via.SESSION,
        acts=acts([("west", Role.INSPECTOR), ("west", Role.COURIER), ("east", Role.VIEWER)]),
    )
    assert ines.may(Act.INSPECT, "west")
    assert ines.may(Act.SEND, "west")
    assert ines.may(Act.LOOK, "east")
    assert not ines.may(Act.SEND, "east")
    assert not ines.may(Act.LOOK, "north")
    assert ines.within(Act.SEND) == {"west"}
    assert ines.sees(["north", "east"])
    assert not ines.sees(["north"])


@pytest.mark.parametrize(
    ("via", "local", "own"),
    [(Via.KEY, True, False), (Via.LINK, False, True), (Via.SESSION, False, True), (Via.TOKEN, False, False)],
)
def test_the_machines_key_and_the_own_account_are_matters_of_how_one_came(via, local, own):
    asker = Asker(by="x", via=via, everywhere=True)
    assert (asker.may(Act.LOCAL), asker.may(Act.SELF)) == (local, own)
