"""From a printer's ready to the attempt committed to it."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType

from coordinator.ids import fresh
from coordinator.model import dispatch, ledger
from coordinator.model.records import Attempt, Need, OfferStatus, OpenReady, PlateOffer, RegisteredPrinter
from coordinator.store import agents, attempts, movements, needs, offers
from coordinator.store.engine import Tx
from coordinator.work.plates import DrawnPlate, PlateLibrary, PlateOrder
from coordinator.work.reports import settle
from gcode.profile import Profile
from wire import messages
from wire.lifecycle import State

REST = 600.0
"""Seconds for which a printer is not given a need again whose plate it refused or failed."""
WARM_UP = 600.0
"""Seconds before the first move, which a plate's time leaves out; agents refuse what ends too late with them."""


@dataclass(frozen=True, slots=True)
class GrantRound:
    """What one look at needs and printers brought: what is committed, and what must be drawn before more can be."""

    granted: list[Attempt] = field(default_factory=list[Attempt])
    undrawn: list[PlateOrder] = field(default_factory=list[PlateOrder])


def note(tx: Tx, agent: str, message: messages.Ready, now: float) -> bool:
    """A printer says that it waits. False if that is old news, which changes nothing.

    What was granted to an older ready is held against it, see `reports.settle`. A nonce that was here before
    is no nonce.
    """
    known = agents.agents.get(tx, agent)
    counter = agents.counter(tx, agent, message.printer)
    if known is None or known.revoked is not None or counter is None:
        return False
    if known.epoch != message.epoch or message.counter <= counter:
        return False
    if attempts.answered(tx, message.nonce) or agents.is_asked(tx, message.nonce):
        return False
    ready = OpenReady(
        agent=agent,
        printer=message.printer,
        nonce=message.nonce,
        counter=message.counter,
        expires=now + message.lifetime,
        window_ends=now + message.window,
        material=message.material,
        epoch=message.epoch,
        seq=message.seq,
        held=message.held,
        parts=message.parts,
        offer=message.offer,
    )
    agents.await_work(tx, ready, message.sequence)
    settle(tx, ready, known.seq, now)
    return True


def grant(
    tx: Tx, plates: PlateLibrary, now: float, *, margin: float = 0.0, only: tuple[str, str] | None = None
) -> GrantRound:
    """Commit plates to printers that wait (or to `only` one of them), the most pressing and fitting first.

    Where a plate must be drawn first, outside of this transaction, its printer and its units are left for the
    next round. A ready that is over within `margin` seconds gets nothing: the answer might come too late.
    """
    round_ = GrantRound()
    # Mostly nothing is asked for, or nobody waits: neither may cost much when thousands come back at once.
    left = movements.needed(tx)
    waiting = _waiting(tx, now + margin, only) if left else []
    if not waiting:
        return round_
    wanted = [
        dispatch.OpenNeed(need, hospital, left[need.id])
        for need, hospital in needs.open_needs(tx)
        if need.id in left
    ]
    accepted = offers.accepted(tx, now) if any(wait.ready.offer for wait in waiting) else {}
    for need, wait, order, plate in choose(tx, plates, wanted, waiting, now, accepted=accepted):
        if plate is None:
            round_.undrawn.append(order)
        else:
            round_.granted.append(_commit(tx, need, wait.ready, order, plate, now))
            if wait.ready.offer:
                offers.tell(tx, accepted[wait.ready.offer], OfferStatus.GRANTED, now)
    return round_


def choose(
    tx: Tx,
    plates: PlateLibrary,
    wanted: list[dispatch.OpenNeed],
    waiting: list[dispatch.WaitingPrinter],
    now: float,
    *,
    accepted: Mapping[str, PlateOffer] = MappingProxyType({}),
    but: AbstractSet[tuple[str, str, str]] = frozenset(),
) -> Iterator[tuple[Need, dispatch.WaitingPrinter, PlateOrder, DrawnPlate | None]]:
    """What each printer should get, the most pressing and fitting first; without a plate if that is not drawn yet.

    Only parts that its owner lets it print; one that waits for an offer gets what was `accepted`, and no more of it.
    `but` are (agent, printer, need) that are left out, beside those that came to nothing lately.
    """
    left = {want.need.id: want.units for want in wanted}
    setbacks = attempts.setbacks(tx, now - REST) | but
    taken: set[tuple[str, str]] = set()
    # Among many printers there are few kinds: what fits is worked out once for each of them.
    profiles: dict[Profile, int] = {}
    kinds = {
        (wait.ready.agent, wait.ready.printer): profiles.setdefault(wait.printer.profile, len(profiles))
        for wait in waiting
    }
    fits: dict[tuple[str, int, str], bool] = {}

    def feasible(want: dispatch.OpenNeed, wait: dispatch.WaitingPrinter) -> bool:
        place, need, material = (wait.ready.agent, wait.ready.printer), want.need, wait.ready.material
        if place in taken or (*place, need.id) in setbacks or not _is_allowed(need, wait.ready, accepted):
            return False
        kind = (need.id, kinds[place], material)
        if kind not in fits:
            released = _capacity(plates, need, wait.printer) > 0
            fits[kind] = released and material in plates.approved(need.part, need.version).part.materials
        return fits[kind]

    for want, wait in dispatch.rank(wanted, waiting, feasible):
        place, need = (wait.ready.agent, wait.ready.printer), want.need
        if place in taken or not left[need.id]:
            continue
        offer = accepted.get(wait.ready.offer or "")
        most = min(left[need.id], offer.count) if offer else left[need.id]
        order, plate = _fitting(plates, need, most, wait, now)
        if order is None:
            continue
        yield need, wait, order, plate
        taken.add(place)
        left[need.id] -= order.count
        if len(taken) == len(waiting):
            break


def _is_allowed(need: Need, ready: OpenReady, accepted: Mapping[str, PlateOffer]) -> bool:
    """Whether this printer's owner lets it print this."""
    if ready.offer is None:
        return need.part in ready.parts
    offer = accepted.get(ready.offer)
    return (
        offer is not None
        and (offer.agent, offer.printer) == (ready.agent, ready.printer)
        and (offer.need, offer.version) == (need.id, need.version)
    )


def _waiting(tx: Tx, until: float, only: tuple[str, str] | None) -> list[dispatch.WaitingPrinter]:
    """The printers that a grant may go to. One that has an attempt under way gets no second, whatever it says."""
    readies = agents.waiting(tx, until, *(only or ()))
    if not readies:
        return []
    busy = attempts.busy(tx)
    printers = {(each.agent, each.name): each for each in agents.printers(tx, only and only[0])}
    return [
        dispatch.WaitingPrinter(ready, printers[ready.agent, ready.printer])
        for ready in readies
        if (ready.agent, ready.printer) not in busy
    ]


def _capacity(plates: PlateLibrary, need: Need, printer: RegisteredPrinter) -> int:
    return plates.capacity(need.part, need.version, need.parameters, printer.profile)


def _fitting(
    plates: PlateLibrary, need: Need, units: int, wait: dispatch.WaitingPrinter, now: float
) -> tuple[PlateOrder | None, DrawnPlate | None]:
    """The largest plate that ends before the owner's quiet hours: (None, None) if none does."""
    window = wait.ready.window_ends - now - WARM_UP
    count = min(units, _capacity(plates, need, wait.printer)) if window > 0 else 0
    while count > 0:
        order = PlateOrder(
            need.part,
            need.version,
            tuple(sorted(need.parameters.items())),
            wait.printer.profile,
            wait.ready.material,
            count,
        )
        if plates.can_not(order):
            count -= 1
            continue
        plate = plates.drawn(order)
        if plate is None or plate.seconds <= window:
            return order, plate
        count = min(count - 1, int(count * window / plate.seconds))
    return None, None


def _commit(
    tx: Tx, need: Need, ready: OpenReady, order: PlateOrder, plate: DrawnPlate, now: float
) -> Attempt:
    attempt = Attempt(
        id=fresh("a"),
        need=need.id,
        agent=ready.agent,
        printer=ready.printer,
        nonce=ready.nonce,
        epoch=ready.epoch,
        counter=ready.counter,
        part=order.part,
        version=order.version,
        material=order.material,
        count=order.count,
        digest=plate.digest,
        size=plate.size,
        grams=plate.grams,
        seconds=plate.seconds,
        state=State.GRANTED,
        granted=now,
        changed=now,
        sequence=agents.next_sequence(tx, ready.agent, ready.printer),
    )
    attempts.attempts.add(tx, attempt)
    promised = ledger.granted(need.id, attempt.id, attempt.count)
    movements.post(tx, promised, cause=f"grant:{attempt.id}", by="coordinator", now=now)
    agents.forget(tx, ready.agent, ready.printer)
    return attempt
