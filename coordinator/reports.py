"""What agents report of their attempts, applied once; and every other step of an attempt."""

from dataclasses import dataclass

from coordinator import intake, ledger
from coordinator.records import Attempt, Ready
from coordinator.store import agents, attempts, movements
from coordinator.store.engine import Tx
from wire import lifecycle, messages
from wire.lifecycle import BY_AGENT, State, Step


def advance(
    tx: Tx, attempt: Attempt, step: Step, now: float, *, cause: str, by: str, why: str = ""
) -> Attempt:
    """Take an attempt one step on, and its units with it.

    Raises:
        RemoteError: the table of states has no such step.
    """
    state = lifecycle.advance(attempt.state, step)
    moves = ledger.advanced(attempt.need, attempt.id, attempt.count, attempt.state, state)
    movements.post(tx, moves, cause=cause, by=by, now=now)
    if moves:
        intake.ease(tx, attempt.need, cause=cause, by=by, now=now)
    return attempts.move(tx, attempt, state, now, why)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a report: the number to acknowledge, and the events that were new, applied or not."""

    seq: int
    events: list[messages.Event]


def apply(tx: Tx, agent: str, report: messages.Report, now: float) -> Heard | None:
    """Commit the events that are new, in their order, up to the first gap.

    Events that the table of states has no place for are kept, marked as not applied: nothing that an agent
    says is lost, and nothing impossible moves a unit.

    Returns:
        None if the report is not of the agent's current epoch.
    """
    known = agents.agents.get(tx, agent)
    if known is None or known.epoch != report.epoch:
        return None
    seq = known.seq
    heard: list[messages.Event] = []
    for event in report.events:
        if event.seq <= seq:
            continue
        if event.seq != seq + 1:
            break
        attempt = attempts.attempts.get(tx, event.attempt)
        applies = (
            attempt is not None
            and attempt.agent == agent
            and event.step in BY_AGENT
            and lifecycle.allows(attempt.state, event.step)
        )
        attempts.heard(tx, agent, report.epoch, event, now, applied=applies)
        if attempt is not None and applies:
            cause = f"event:{agent}:{report.epoch}:{event.seq}"
            advance(tx, attempt, event.step, now, cause=cause, by=agent, why=event.why)
        seq = event.seq
        heard.append(event)
    if heard:
        agents.agents.change(tx, agent, seq=seq)
        for ready in agents.readies_of(tx, agent):
            settle(tx, ready, seq, now)
    return Heard(seq, heard)


def settle(tx: Tx, ready: Ready, seq: int, now: float) -> None:
    """Hold what was granted to a printer before against its ready, once all up to `seq` is committed.

    What the agent does not hold, and never said a word of, never arrived: it is void, and should it come after
    all, the agent will drop it, as its nonce is no more. What it did speak of and holds no more without saying
    how that ended is in doubt, for a person to rule on.
    """
    if seq < ready.seq:
        return
    for attempt in attempts.before(tx, ready):
        if attempt.id in ready.held:
            continue
        if not attempts.was_heard(tx, attempt.id):
            advance(tx, attempt, Step.VOID, now, cause=f"void:{attempt.id}", by="coordinator")
        elif lifecycle.allows(attempt.state, Step.DOUBT):
            _doubt(tx, attempt, now, "its agent does not hold it any more, and never said how it ended")


def presence(tx: Tx, agent: str, message: messages.Presence, now: float) -> bool:
    """An agent is born or died. False if that is old news, which changes nothing.

    A new epoch means that the agent's journal is lost: nobody knows any more what the old one held.
    """
    known = agents.agents.get(tx, agent)
    if known is None:
        return False
    same_epoch = known.epoch == message.epoch
    if same_epoch and message.connection < known.connection:
        return False
    as_known = same_epoch and message.connection == known.connection
    if as_known and message.online == known.online:
        return False
    if not message.online:
        return same_epoch and _dies(tx, agent, message.connection, now)
    if not same_epoch:
        if agents.is_over(tx, agent, message.epoch):
            return False
        _doubt_all(tx, agent, now)
        agents.new_epoch(tx, agent, message.epoch)
    if not as_known:
        agents.forget(tx, agent)
    agents.agents.change(
        tx,
        agent,
        online=True,
        seen=now,
        connection=message.connection,
        software=message.software,
        place=message.place,
    )
    agents.describe(tx, agent, message.printers)
    return True


def _dies(tx: Tx, agent: str, connection: int, now: float) -> bool:
    """Also of a newer connection than we know: then its birth passed us by."""
    agents.forget(tx, agent)
    agents.agents.change(tx, agent, online=False, seen=now, connection=connection)
    return True


def silent(tx: Tx, now: float, patience: float) -> list[Attempt]:
    """Doubt what is under way at agents that have not been heard for `patience` seconds.

    And what was granted that long ago and never taken up, though its agent is there: the grant was lost, and
    the printer did not say ready again since. A plate that is printed already only waits for its maker, and
    stays.
    """
    long_ago = now - patience
    lost = agents.unheard(tx, long_ago)
    doubted: list[Attempt] = []
    for attempt in attempts.under_way(tx):
        if attempt.state is State.PRINTED:
            continue
        if attempt.agent in lost:
            doubted.append(_doubt(tx, attempt, now, "its agent was not heard for too long"))
        elif attempt.state is State.GRANTED and attempt.granted < long_ago:
            doubted.append(_doubt(tx, attempt, now, "its agent never took it up"))
    return doubted


def _doubt_all(tx: Tx, agent: str, now: float) -> None:
    for attempt in attempts.of_agent(tx, agent):
        if lifecycle.allows(attempt.state, Step.DOUBT):
            _doubt(tx, attempt, now, "its agent lost its journal")


def _doubt(tx: Tx, attempt: Attempt, now: float, why: str) -> Attempt:
    cause = f"doubt:{attempt.id}:{now}"  # an attempt may be doubted, turn up, and be doubted again
    return advance(tx, attempt, Step.DOUBT, now, cause=cause, by="coordinator", why=why)
