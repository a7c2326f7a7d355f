"""What agents report of their attempts, applied once; and every other step of an attempt."""

from coordinator import ledger
from coordinator.records import Attempt
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
    balance = movements.balance(tx, attempt.need)
    moves = ledger.advanced(attempt.need, attempt.id, attempt.count, attempt.state, state, balance)
    movements.post(tx, moves, cause=cause, by=by, now=now)
    return attempts.move(tx, attempt, state, now, why)


def apply(tx: Tx, agent: str, report: messages.Report, now: float) -> int | None:
    """Commit the events that are new, in their order, up to the first gap.

    Events that the table of states has no place for are kept, marked as not applied: nothing that an agent
    says is lost, and nothing impossible moves a unit.

    Returns:
        The number to acknowledge; None if the report is not of the agent's current epoch.
    """
    known = agents.agents.get(tx, agent)
    if known is None or known.epoch != report.epoch:
        return None
    seq = known.seq
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
    if seq != known.seq:
        agents.agents.change(tx, agent, seq=seq)
    return seq


def presence(tx: Tx, agent: str, message: messages.Presence, now: float) -> bool:
    """An agent is born or died. False if that is old news, which changes nothing.

    A new epoch means that the agent's journal is lost: nobody knows any more what the old one held.
    """
    known = agents.agents.get(tx, agent)
    if known is None:
        return False
    same_epoch = known.epoch == message.epoch
    if not message.online and (not same_epoch or message.connection != known.connection):
        return False
    if message.online and same_epoch and message.connection < known.connection:
        return False
    if message.online and message.connection == known.connection and same_epoch and known.online:
        return False
    agents.forget(tx, agent)
    if not message.online:
        agents.agents.change(tx, agent, online=False, seen=now)
        return True
    if not same_epoch:
        _doubt_all(tx, agent, now)
        agents.new_epoch(tx, agent, message.epoch)
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


def silent(tx: Tx, now: float, patience: float) -> list[Attempt]:
    """Doubt what is under way at agents that have not been heard for `patience` seconds.

    A plate that is printed already only waits for its maker, and stays.
    """
    doubted: list[Attempt] = []
    for attempt in attempts.open_attempts(tx):
        agent = agents.agents.get(tx, attempt.agent)
        lost = agent is not None and not agent.online and agent.seen < now - patience
        if lost and attempt.state not in (State.PRINTED, State.CLEARED, State.SUSPECT):
            doubted.append(_doubt(tx, attempt, now, "its agent was not heard for too long"))
    return doubted


def _doubt_all(tx: Tx, agent: str, now: float) -> None:
    for attempt in attempts.of_agent(tx, agent):
        if lifecycle.allows(attempt.state, Step.DOUBT):
            _doubt(tx, attempt, now, "its agent lost its journal")


def _doubt(tx: Tx, attempt: Attempt, now: float, why: str) -> Attempt:
    cause = f"doubt:{attempt.id}:{now}"  # an attempt may be doubted, turn up, and be doubted again
    return advance(tx, attempt, Step.DOUBT, now, cause=cause, by="coordinator", why=why)
