"""From a printer's ready to the attempt committed to it."""

from coordinator import dispatch, ledger
from coordinator.ids import fresh
from coordinator.plates import Order, Plate, Plates
from coordinator.records import Attempt, Need, Printer, Ready
from coordinator.reports import advance
from coordinator.store import agents, attempts, movements, needs
from coordinator.store.engine import Tx
from wire import messages
from wire.lifecycle import State, Step, allows

REST = 600.0
"""Seconds for which a printer is not given a need again whose plate it refused or failed."""


def note(tx: Tx, agent: str, message: messages.Ready, now: float) -> bool:
    """A printer says that it waits. False if that is old news, which changes nothing.

    What was granted to an older ready and never arrived is void: the agent, which now holds it not, will
    drop it should it come after all, as its nonce is no more.
    """
    known = agents.agents.get(tx, agent)
    counter = agents.counter(tx, agent, message.printer)
    if known is None or counter is None or known.epoch != message.epoch or message.counter <= counter:
        return False
    ready = Ready(
        agent=agent,
        printer=message.printer,
        nonce=message.nonce,
        counter=message.counter,
        expires=now + message.lifetime,
        window_ends=now + message.window,
        material=message.material,
        epoch=message.epoch,
        seq=message.seq,
    )
    agents.await_work(tx, ready)
    if known.seq >= message.seq:
        for attempt in attempts.unheard(tx, ready):
            if attempt.id not in message.held and allows(attempt.state, Step.VOID):
                advance(tx, attempt, Step.VOID, now, cause=f"void:{attempt.id}", by="coordinator")
    return True


def grant(tx: Tx, plates: Plates, now: float, only: tuple[str, str] | None = None) -> Attempt | Order | None:
    """Commit one attempt to the most fitting of the printers that wait (or to `only` one of them).

    Returns:
        The attempt; or a plate that must be drawn first, outside of this transaction; or None: no work fits.
    """
    waiting = [
        dispatch.Waiting(ready, printer)
        for ready in agents.waiting(tx, now)
        if only in (None, (ready.agent, ready.printer))
        and (printer := agents.printer(tx, ready.agent, ready.printer))
    ]
    if not waiting:
        return None
    wanted = [
        dispatch.Wanted(need, hospital, movements.balance(tx, need.id)[ledger.Account.NEEDED])
        for need, hospital in needs.open_needs(tx)
    ]
    setbacks = attempts.setbacks(tx, now - REST)

    def feasible(want: dispatch.Wanted, wait: dispatch.Waiting) -> bool:
        place = (wait.ready.agent, wait.ready.printer, want.need.id)
        return (
            place not in setbacks
            and _materials_fit(plates, want.need, wait.ready)
            and _capacity(plates, want.need, wait.printer) > 0
        )

    for want, wait in dispatch.rank(wanted, waiting, feasible):
        order, plate = _fitting(plates, want, wait, now)
        if order is None:
            continue
        if plate is None:
            return order
        return _commit(tx, want.need, wait.ready, order, plate, now)
    return None


def _materials_fit(plates: Plates, need: Need, ready: Ready) -> bool:
    return ready.material in plates.part(need.part).materials


def _capacity(plates: Plates, need: Need, printer: Printer) -> int:
    return plates.capacity(need.part, need.version, need.parameters, printer.profile)


def _fitting(
    plates: Plates, want: dispatch.Wanted, wait: dispatch.Waiting, now: float
) -> tuple[Order | None, Plate | None]:
    """The largest plate that ends before the owner's quiet hours: (None, None) if none does."""
    window = wait.ready.window_ends - now
    count = min(want.units, _capacity(plates, want.need, wait.printer))
    while count > 0:
        order = Order(
            want.need.part,
            want.need.version,
            tuple(sorted(want.need.parameters.items())),
            wait.printer.profile,
            wait.ready.material,
            count,
        )
        plate = plates.drawn(order)
        if plate is None or plate.seconds <= window:
            return order, plate
        count = min(count - 1, int(count * window / plate.seconds))
    return None, None


def _commit(tx: Tx, need: Need, ready: Ready, order: Order, plate: Plate, now: float) -> Attempt:
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
    )
    attempts.attempts.add(tx, attempt)
    promised = ledger.granted(need.id, attempt.id, attempt.count)
    movements.post(tx, promised, cause=f"grant:{attempt.id}", by="coordinator", now=now)
    agents.forget(tx, ready.agent, ready.printer)
    return attempt
