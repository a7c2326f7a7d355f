"""What an admin may do with people's accounts: within the own clusters, on either database."""

from collections.abc import Callable
from typing import Any

import pytest

from coordinator.acts import people as acts
from coordinator.acts.agents import place
from coordinator.errors import Conflict, Forbidden, Invalid, Missing
from coordinator.model.roles import HOME, Role, permissions
from coordinator.people.principal import Principal, Via
from tests.unit.coordinator.office import Office

MACHINE = Principal(name="root", via=Via.KEY, everywhere=True)


def admin(name: str, *clusters: str) -> Principal:
    return Principal(
        name=name,
        via=Via.SESSION,
        person=name,
        permissions=permissions([(each, Role.ADMIN) for each in clusters]),
    )


class Staff:
    """Acts on people's accounts, by who does them."""

    def __init__(self, office: Office) -> None:
        self._services = office.services
        self._names: dict[str, Callable[..., Any]] = {
            "add": acts.add_person,
            "give": acts.give_role,
            "take": acts.take_role,
            "reset": acts.reset_person,
            "disable": acts.disable_person,
            "enable": acts.enable_person,
            "place": place,
        }

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda who, *args, **more: self._names[name](self._services, who, *args, **more)

    def everybody(self, who: Principal):
        return self._services.read(acts.everybody, who)


@pytest.fixture
def staff(office: Office) -> Staff:
    return Staff(office)


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
    staff.give(MACHINE, "ines", Role.COURIER, cluster="west")
    view = staff.give(MACHINE, "ines", Role.COURIER, cluster="west")
    assert [(each.cluster, each.role) for each in view.roles] == [(HOME, Role.VIEWER), ("west", Role.COURIER)]
    staff.take(MACHINE, "ines", Role.VIEWER, cluster=HOME)
    with pytest.raises(Missing):
        staff.take(MACHINE, "ines", Role.VIEWER, cluster=HOME)
    with pytest.raises(Missing):
        staff.give(MACHINE, "nobody", Role.VIEWER, cluster=HOME)
    with pytest.raises(Invalid):
        staff.give(MACHINE, "ines", Role.VIEWER, cluster="No Cluster")


def test_an_admin_sees_the_own_clusters_people_and_only_that_of_them(staff: Staff):
    for name, cluster in (("ines", "west"), ("carl", HOME), ("both", HOME)):
        staff.add(MACHINE, name=name, shown="", cluster=cluster, role=Role.VIEWER)
    staff.give(MACHINE, "both", Role.ADMIN, cluster="west")
    wanda = admin("wanda", "west")
    assert [each.name for each in staff.everybody(wanda)] == ["both", "ines"]
    assert [(each.cluster, each.role) for each in staff.everybody(wanda)[0].roles] == [("west", Role.ADMIN)]
    assert staff.take(wanda, "ines", Role.VIEWER, cluster="west").roles == []
    assert [each.name for each in staff.everybody(MACHINE)] == ["both", "carl", "ines"]


def test_a_small_clusters_admin_does_not_hold_the_keys_to_a_big_one(staff: Staff):
    staff.add(MACHINE, name="both", shown="", cluster=HOME, role=Role.ADMIN)
    staff.give(MACHINE, "both", Role.VIEWER, cluster="west")
    wanda = admin("wanda", "west")
    for does in (
        lambda: staff.reset(wanda, "both", second_factor=True),
        lambda: staff.disable(wanda, "both"),
        lambda: staff.enable(wanda, "both"),
        lambda: staff.give(wanda, "wanda", Role.ADMIN, cluster=HOME),
        lambda: staff.take(wanda, "both", Role.ADMIN, cluster=HOME),
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
    with pytest.raises(Missing):
        staff.place(admin("wanda", "west"), "anna", "west")
    with pytest.raises(Forbidden):
        staff.place(admin("boss", "west", HOME), "anna", "east")
    staff.place(admin("boss", "west", HOME), "anna", "west")
    assert [view.printer.cluster for view in office.desk.printers()] == ["west"]
    with pytest.raises(Missing):
        staff.place(MACHINE, "nobody", "west")
