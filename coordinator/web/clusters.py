"""Of all that is known here, what somebody's clusters let them see."""

from coordinator.model.records import Attempt, Hospital
from coordinator.model.views import AgentView, NeedView, PickupView, PrinterView
from coordinator.people.principal import Principal
from coordinator.store import people
from coordinator.store.engine import Store


def hospitals(principal: Principal, known: list[Hospital]) -> list[Hospital]:
    """The hospitals of their clusters."""
    return [each for each in known if principal.sees([each.cluster])]


def needs(principal: Principal, views: list[NeedView]) -> list[NeedView]:
    """What the hospitals of their clusters need."""
    return [each for each in views if principal.sees([each.hospital.cluster])]


def printers(principal: Principal, views: list[PrinterView]) -> list[PrinterView]:
    """The printers of their clusters."""
    return [each for each in views if principal.sees([each.printer.cluster])]


def agents(principal: Principal, views: list[AgentView], store: Store) -> list[AgentView]:
    """The agents of their clusters."""
    if principal.everywhere:
        return views
    with store.read() as tx:
        _, of_agent = people.belongings(tx)
    return [each for each in views if principal.sees([of_agent[each.name]])]


def attempts(principal: Principal, known: list[Attempt], store: Store) -> list[Attempt]:
    """The attempts for their clusters' hospitals, and those on their clusters' printers."""
    if principal.everywhere:
        return known
    with store.read() as tx:
        of_need, of_agent = people.belongings(tx)
    return [each for each in known if principal.sees([of_need[each.need], of_agent[each.agent]])]


def pickups(principal: Principal, views: list[PickupView], store: Store) -> list[PickupView]:
    """What waits at the homes of their clusters' makers."""
    if principal.everywhere:
        return views
    with store.read() as tx:
        _, of_agent = people.belongings(tx)
    return [each for each in views if principal.sees([of_agent[each.agent]])]
