"""Of all that the desk knows, what somebody's clusters let them see."""

from coordinator.errors import Forbidden
from coordinator.model.records import Attempt, Hospital
from coordinator.model.roles import HOME, Act
from coordinator.model.views import AgentView, NeedView, PickupView, PrinterView
from coordinator.people import accounts
from coordinator.people.principal import Asker
from coordinator.store import people
from coordinator.store.engine import Store
from coordinator.web.access import refusal


def hospitals(asker: Asker, known: list[Hospital]) -> list[Hospital]:
    """The hospitals of their clusters."""
    return [each for each in known if asker.sees([each.cluster])]


def needs(asker: Asker, views: list[NeedView]) -> list[NeedView]:
    """What the hospitals of their clusters need."""
    return [each for each in views if asker.sees([each.hospital.cluster])]


def printers(asker: Asker, views: list[PrinterView]) -> list[PrinterView]:
    """The printers of their clusters."""
    return [each for each in views if asker.sees([each.printer.cluster])]


def agents(asker: Asker, views: list[AgentView], store: Store) -> list[AgentView]:
    """The agents of their clusters."""
    if asker.everywhere:
        return views
    with store.read() as tx:
        _, of_agent = people.belongings(tx)
    return [each for each in views if asker.sees([of_agent[each.name]])]


def attempts(asker: Asker, known: list[Attempt], store: Store) -> list[Attempt]:
    """The attempts for their clusters' hospitals, and those on their clusters' printers."""
    if asker.everywhere:
        return known
    with store.read() as tx:
        of_need, of_agent = people.belongings(tx)
    return [each for each in known if asker.sees([of_need[each.need], of_agent[each.agent]])]


def pickups(asker: Asker, views: list[PickupView], store: Store) -> list[PickupView]:
    """What waits at the homes of their clusters' makers."""
    if asker.everywhere:
        return views
    with store.read() as tx:
        _, of_agent = people.belongings(tx)
    return [each for each in views if asker.sees([of_agent[each.agent]])]


def home_of(asker: Asker, act: Act, wanted: str | None) -> str:
    """The cluster in which somebody does `act`: the one that they name, else the one that they have, else home.

    Raises:
        Forbidden: they may not do that there.
        Invalid: this can't be a cluster's name.
    """
    own = asker.within(act)
    if wanted is None:
        wanted = HOME if own is None or HOME in own else next(iter(sorted(own)), HOME)
    if not asker.may(act, accounts.cluster_name(wanted)):
        raise Forbidden(refusal(act))
    return wanted
