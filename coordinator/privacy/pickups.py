"""Going to makers for what waits there: who goes sees the address, nobody else, and no longer than that takes."""

from collections import defaultdict

from coordinator import request_context
from coordinator.errors import Conflict, Forbidden, Missing
from coordinator.ids import fresh
from coordinator.model.ledger import Account
from coordinator.model.records import Pickup
from coordinator.model.views import PickupView
from coordinator.privacy.address import AddressCipher, PickupAddress
from coordinator.store import agents, attempts, makers, movements
from coordinator.store.engine import Tx

LASTS = 48 * 3600.0
"""Seconds until a pickup that somebody has taken on is anybody's again."""
_STAY = frozenset({"viewer", "inspector"})
"""Roles that collect nothing."""


def waiting(tx: Tx, agent: str | None = None) -> dict[str, dict[str, int]]:
    """By agent: the lots that wait there, each with its units. They are off the bed, or counted and good.

    Of all agents, or of one.
    """
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for lot in attempts.cleared(tx, agent):
        found[lot.agent][lot.id] = lot.count
    if agent is None:
        good = movements.standing(tx, Account.GOOD)
    else:
        sums = movements.of_lots(tx, attempts.inspected(tx, agent))
        good = {lot: each[Account.GOOD] for lot, each in sums.items() if each[Account.GOOD]}
    for lot in attempts.named(tx, list(good)):
        found[lot.agent][lot.id] = good[lot.id]
    return dict(found)


def every(tx: Tx, now: float) -> list[PickupView]:
    """Where something waits, the most units first; the place is a cell of 0.1°, the address is not in it."""
    cells = {each.name: each.place for each in agents.agents.find(tx)}
    addressed = makers.with_address(tx)
    taken = {each.agent: each for each in makers.open_pickups(tx, now)}
    views = [
        PickupView(
            agent=agent,
            lots=sorted(lots),
            units=sum(lots.values()),
            place=cells[agent],
            has_address=agent in addressed,
            pickup=taken.get(agent),
        )
        for agent, lots in waiting(tx).items()
    ]
    return sorted(views, key=lambda view: (-view.units, view.agent))


def take(tx: Tx, agent: str, *, by: str, now: float) -> Pickup:
    """Somebody goes there; who does so already just goes on.

    Raises:
        Forbidden: not in this role.
        Conflict: nothing waits there, or somebody else goes.
    """
    _may_go()
    if agent not in waiting(tx, agent):
        raise Conflict("nothing waits to be picked up there")
    for known in makers.open_pickups(tx, now, agent):
        if known.by == by:
            return known
        raise Conflict(f"{known.by} picks it up: ask them, or wait until they give it back")
    made = Pickup(id=fresh("u"), agent=agent, by=by, taken=now, until=now + LASTS)
    makers.pickups.add(tx, made)
    return made


def give_back(tx: Tx, pickup: str, *, by: str, now: float) -> Pickup:
    """Who took it on does not go after all.

    Raises:
        Missing: this pickup is not theirs, or is over.
    """
    known = _theirs(tx, pickup, by, now)
    makers.pickups.change(tx, pickup, ended=now)
    return known


def look(
    tx: Tx, pickup: str, cipher: AddressCipher, *, by: str, now: float
) -> tuple[Pickup, PickupAddress | None]:
    """Where to go: for who has taken the pickup on only, as long as it is open. None if the maker did not say.

    Raises:
        Missing: this pickup is not theirs, or is over.
        Forbidden: not in this role.
        Unreadable: the address was sealed with another key.
    """
    _may_go()
    known = _theirs(tx, pickup, by, now)
    if known.agent not in waiting(tx, known.agent):
        raise Missing(_OVER)
    sealed = makers.of(tx, known.agent).address
    return known, None if sealed is None else cipher.open(sealed, known.agent)


def settle(tx: Tx, agent: str, now: float) -> None:
    """To be called after a lot was collected: where nothing is left, the pickup is over, and so is looking."""
    if makers.open_pickups(tx, now, agent) and agent not in waiting(tx, agent):
        makers.end_pickups(tx, agent, now)


_OVER = "you have no such pickup open: take it on first"


def _theirs(tx: Tx, pickup: str, by: str, now: float) -> Pickup:
    known = makers.pickups.get(tx, pickup)
    if known is None or known.by != by or known.ended is not None or known.until <= now:
        raise Missing(_OVER)
    return known


def _may_go() -> None:
    if (role := request_context.here().role) in _STAY:
        raise Forbidden(f"as {role} you collect nothing: a courier or a coordinator does")
