"""What people do with a lot: count it, collect it, rule on one that is in doubt."""

from dataclasses import replace

from coordinator.errors import Conflict, Invalid, Missing
from coordinator.model import ledger
from coordinator.model.ledger import Account
from coordinator.model.records import Attempt
from coordinator.store import attempts, movements
from coordinator.store.engine import Tx
from coordinator.work import intake
from wire import lifecycle
from wire.lifecycle import State, Step, allows


def get(tx: Tx, attempt: str) -> Attempt:
    """An attempt by its name.

    Raises:
        Missing: no such attempt.
    """
    known = attempts.attempts.get(tx, attempt)
    if known is None:
        raise Missing(f"there is no attempt {attempt!r}")
    return known


def inspect(tx: Tx, attempt: str, *, good: int, scrapped: int, by: str, now: float) -> Attempt:
    """A person counted the lot; what is scrapped will be printed again.

    Raises:
        Missing: no such attempt.
        Invalid: the counts do not add up to the lot.
        Conflict: it is not off the bed yet, or has been counted already.
    """
    lot = get(tx, attempt)
    if good < 0 or scrapped < 0 or good + scrapped != lot.count:
        raise Invalid(f"good and scrapped must add up to the {lot.count} units of {attempt}")
    if not allows(lot.state, Step.INSPECT):
        raise Conflict(f"{attempt} is {lot.state}: only a lot that is off the bed can be counted, once")
    moves = ledger.inspected(lot.need, lot.id, good, scrapped)
    cause = f"inspect:{lot.id}"
    movements.post(tx, moves, cause=cause, by=by, now=now)
    intake.ease(tx, lot.need, cause=cause, by=by, now=now)
    attempts.attempts.change(tx, lot.id, good=good, scrapped=scrapped, inspected_by=by)
    moved = attempts.move(tx, lot, State.INSPECTED, now)
    return replace(moved, good=good, scrapped=scrapped, inspected_by=by)


def collect(tx: Tx, attempt: str, *, by: str, now: float) -> Attempt:
    """A lot's good units arrive at the hub.

    Raises:
        Missing: no such attempt.
        Conflict: it has no good units that are still with its maker.
    """
    lot = get(tx, attempt)
    units = movements.balance(tx, lot.need, lot.id)[Account.GOOD]
    if units == 0:
        raise Conflict(f"{attempt} has no inspected units left to collect")
    moves = ledger.carried(lot.need, lot.id, Account.GOOD, Account.AT_HUB, units)
    movements.post(tx, moves, cause=f"collect:{lot.id}", by=by, now=now)
    return lot


def vouch(tx: Tx, attempt: str, *, by: str, why: str, now: float) -> Attempt:
    """A person rules that a lot in doubt was printed and is off its bed: it can be counted.

    Raises:
        Missing: no such attempt.
        Invalid: no reason is given.
        Conflict: it is not in doubt.
    """
    lot, after = _ruled(tx, attempt, Step.VOUCH, why)
    moves = ledger.advanced(lot.need, lot.id, lot.count, lot.state, after)
    cause = f"vouch:{lot.id}"
    movements.post(tx, moves, cause=cause, by=by, now=now)
    intake.ease(tx, lot.need, cause=cause, by=by, now=now)
    return attempts.move(tx, lot, after, now, f"{by} vouched for it: {why}")


def write_off(tx: Tx, attempt: str, *, by: str, why: str, now: float) -> Attempt:
    """A person rules that a lot in doubt will bring nothing.

    Raises:
        Missing: no such attempt.
        Invalid: no reason is given.
        Conflict: it is not in doubt.
    """
    lot, after = _ruled(tx, attempt, Step.WRITE_OFF, why)
    moves = ledger.written_off(lot.need, lot.id, lot.count)
    movements.post(tx, moves, cause=f"write-off:{lot.id}", by=by, now=now)
    return attempts.move(tx, lot, after, now, f"{by} wrote it off: {why}")


_RULINGS = {Step.VOUCH: "vouched for", Step.WRITE_OFF: "written off"}


def _ruled(tx: Tx, attempt: str, ruling: Step, why: str) -> tuple[Attempt, State]:
    """The lot in doubt, and in which state a person's ruling leaves it."""
    lot = get(tx, attempt)
    if not why.strip():
        raise Invalid("say why, or how you know: it is kept with your name")
    if not allows(lot.state, ruling):
        raise Conflict(f"{attempt} is {lot.state}: only a suspect lot can be {_RULINGS[ruling]}")
    return lot, lifecycle.advance(lot.state, ruling)
