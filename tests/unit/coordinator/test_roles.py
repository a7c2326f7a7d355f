"""The table of roles, and what follows from it for somebody with several."""

import pytest

from coordinator.model.roles import PERMISSIONS, Permission, Role, permissions
from coordinator.people.principal import NOBODY, Principal, Via

COORDINATES = (
    "look ledger add approve file withdraw release steer inspect rule collect pack send invite revoke"
)


def test_nobody_may_anything():
    assert {act for act in Permission if NOBODY.may(act)} == {Permission.ENTER}
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
            f"{COORDINATES} privacy audit-log people",
        ),
    ],
)
def test_a_role_may_this_and_nothing_else(role, may):
    assert {str(act) for act in PERMISSIONS[role]} == set(may.split())


def test_every_role_has_a_row_and_no_row_is_for_the_machine_alone():
    assert set(PERMISSIONS) == set(Role)
    assert not any({Permission.LOCAL, Permission.SELF} & row for row in PERMISSIONS.values())


def test_roles_add_up_within_a_cluster_and_never_across():
    ines = Principal(
        name="ines",
        via=Via.SESSION,
        permissions=permissions([("west", Role.INSPECTOR), ("west", Role.COURIER), ("east", Role.VIEWER)]),
    )
    assert ines.may(Permission.INSPECT, "west")
    assert ines.may(Permission.SEND, "west")
    assert ines.may(Permission.LOOK, "east")
    assert not ines.may(Permission.SEND, "east")
    assert not ines.may(Permission.LOOK, "north")
    assert ines.within(Permission.SEND) == {"west"}
    assert ines.sees(["north", "east"])
    assert not ines.sees(["north"])


@pytest.mark.parametrize(
    ("via", "local", "own"),
    [(Via.KEY, True, False), (Via.LINK, False, True), (Via.SESSION, False, True), (Via.TOKEN, False, False)],
)
def test_the_machines_key_and_the_own_account_are_matters_of_how_one_came(via, local, own):
    principal = Principal(name="x", via=via, everywhere=True)
    assert (principal.may(Permission.LOCAL), principal.may(Permission.SELF)) == (local, own)
