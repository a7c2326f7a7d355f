"""What an admin may do with people's accounts: within the own clusters, on either database."""

import pytest

from coordinator.errors import Conflict, Forbidden, Invalid, Missing
from coordinator.model.roles import HOME, Role, permissions
from coordinator.people.authentication import Authenticator
from coordinator.people.principal import Principal, Via
from coordinator.people.staff import Staff
from tests.unit.coordinator.office import Office

MACHINE = Principal(name="root", via=Via.KEY, everywhere=True)


def admin(name: str, *clusters: str) -> Principal:
    return Principal(
        name=name,
        via=Via.SESSION,
        person=name,
        permissions=permissions([(each, Role.ADMIN) for each in clusters]),
    )


@pytest.fixture
def staff(office: Office) -> Staff:
    return Staff(Authenticator(office.store, office.desk.check_key, lambda: office.now[0], b"s" * 32))


def test_people_come_with_a_role_and_a_link(staff: Staff):
    view, code = staff.add(MACHINE, name=" Ines ", shown="Inès  Puig", cluster=HOME, role=Role.ADMIN)
    assert (view.name, view.shown, view.ready, len(code)) == ("ines", "Inès Puig", False, 32)
    assert [(each.cluster, each.role) for each in view.roles] == [(HOME, Role.ADMIN)]
    with pytest.raises(Conflict):
        staff.add(MACHINE, name="ines", shown="", cluster=HOME, role=Role.VIEWER)


@pytest.mark.parametrize("name", ["", "-x", "x-", "two words", "inès", "x" * 33, "a/b", "../x"])
def test_a_log_in_name_is_plain(staff: Staff, name):
    with pytest.raises(Invalid):
        staff.add(MACHINE, name=name, shown="", cluster=HOME, role=Role.VIEWER)


def test_roles_are_given_once_and_taken_once(staff: Staff):
    staff.add(MACHINE, name="ines", shown="", cluster=HOME, role=Role.VIEWER)
    staff.give(MACHINE, "ines", "west", Role.COURIER)
    view = staff.give(MACHINE, "ines", "west", Role.COURIER)
    assert [(each.cluster, each.role) for each in view.roles] == [(HOME, Role.VIEWER), ("west", Role.COURIER)]
    staff.take(MACHINE, "ines", HOME, Role.VIEWER)
    with pytest.raises(Missing):
        staff.take(MACHINE, "ines", HOME, Role.VIEWER)
    with pytest.raises(Missing):
        staff.give(MACHINE, "nobody", HOME, Role.VIEWER)
    with pytest.raises(Invalid):
        staff.give(MACHINE, "ines", "No Cluster", Role.VIEWER)


def test_an_admin_sees_the_own_clusters_people_and_only_that_of_them(staff: Staff):
    for name, cluster in (("ines", "west"), ("carl", HOME), ("both", HOME)):
        staff.add(MACHINE, name=name, shown="", cluster=cluster, role=Role.VIEWER)
    staff.give(MACHINE, "both", "west", Role.ADMIN)
    wanda = admin("wanda", "west")
    assert [each.name for each in staff.everybody(wanda)] == ["both", "ines"]
    assert [(each.cluster, each.role) for each in staff.everybody(wanda)[0].roles] == [("west", Role.ADMIN)]
    assert staff.take(wanda, "ines", "west", Role.VIEWER).roles == []
    assert [each.name for each in staff.everybody(MACHINE)] == ["both", "carl", "ines"]


def test_a_small_clusters_admin_does_not_hold_the_keys_to_a_big_one(staff: Staff):
    staff.add(MACHINE, name="both", shown="", cluster=HOME, role=Role.ADMIN)
    staff.give(MACHINE, "both", "west", Role.VIEWER)
    wanda = admin("wanda", "west")
    for does in (
        lambda: staff.reset(wanda, "both", second_factor=True),
        lambda: staff.disable(wanda, "both"),
        lambda: staff.enable(wanda, "both"),
        lambda: staff.give(wanda, "wanda", HOME, Role.ADMIN),
        lambda: staff.take(wanda, "both", HOME, Role.ADMIN),
        lambda: staff.add(wanda, name="new", shown="", cluster=HOME, role=Role.VIEWER),
    ):
        with pytest.raises(Forbidden):
            does()
    staff.reset(admin("boss", "west", HOME), "both", second_factor=True)


def test_whom_an_admin_does_not_see_is_not_there(staff: Staff):
    staff.add(MACHINE, name="carl", shown="", cluster=HOME, role=Role.VIEWER)
    wanda = admin("wanda", "west")
    with pytest.raises(Missing):
        staff.disable(wanda, "carl")
    with pytest.raises(Missing):
        staff.disable(wanda, "nobody")


def test_an_agent_is_moved_by_an_admin_of_both_clusters(staff: Staff, office: Office):
    office.agent("anna")
    with pytest.raises(Forbidden):
        staff.place(admin("wanda", "west"), "anna", "west")
    staff.place(admin("boss", "west", HOME), "anna", "west")
    assert [view.printer.cluster for view in office.desk.printers()] == ["west"]
    with pytest.raises(Missing):
        staff.place(MACHINE, "nobody", "west")
