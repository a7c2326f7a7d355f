"""What agents report of their attempts, applied once; and every other step of an attempt."""

from collections.abc import Mapping
from dataclasses import dataclass

from coordinator.model import ledger
from coordinator.model.records import Attempt, OpenReady
from coordinator.store import agents, attempts, movements, needs
from coordinator.store.engine import Tx
from coordinator.work import intake
from wire import lifecycle, messages
from wire.lifecycle import BY_AGENT, State, Step
from wire.manifest import Manifest
from wire.messages import Blame

PRINTED_SHARE = 0.25
"""An agent may be silent for this share of a print's estimate more: who doubts too soon prints twice."""
ON_THE_BED = 2 * 86_400.0
"""Seconds for which a lot that is printed waits for a maker of whom nothing is heard."""


def advance(
    tx: Tx,
    attempt: Attempt,
    step: Step,
    now: float,
    *,
    cause: str,
    by: str,
    why: str = "",
    blame: Blame = Blame.NOBODY,
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
    return attempts.move(tx, attempt, state, now, why, blame)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a report: the number to acknowledge, and the events that were new, applied or not."""

    seq: int
    events: list[messages.Event]


def apply(
    tx: Tx, agent: str, report: messages.Report, now: float, papers: Mapping[str, Manifest]
) -> Heard | None:
    """Commit the events that are new, in their order, up to the first gap.

    Events that the table of states has no place for are kept, marked as not applied: nothing that an agent
    says is lost, and nothing impossible moves a unit. An attempt that is not known (any more) is taken over from
    its manifest, which `papers` hold by attempt.

    Returns:
        None if the report is not of the agent's current epoch.
    """
    known = agents.agents.get(tx, agent)
    if known is None or known.revoked is not None or known.epoch != report.epoch:
        return None
    # What an agent does not keep any more, nobody will ever hear.
    seq = max(known.seq, report.since)
    heard: list[messages.Event] = []
    for event in report.events:
        if event.seq <= seq:
            continue
        if event.seq != seq + 1:
            break
        attempt = attempts.attempts.get(tx, event.attempt)
        if attempt is None and event.attempt in papers:
            attempt = _adopt(tx, report.epoch, papers[event.attempt], now)
        applies = (
            attempt is not None
            and attempt.agent == agent
            and event.step in BY_AGENT
            and lifecycle.allows(attempt.state, event.step)
        )
        attempts.heard(tx, agent, report.epoch, event, now, applied=applies)
        if attempt is not None and applies:
            cause = f"event:{agent}:{report.epoch}:{event.seq}"
            moved = advance(
                tx, attempt, event.step, now, cause=cause, by=agent, why=event.why, blame=event.blame
            )
            if moved.state in (State.REFUSED, State.FAILED):
                intake.judge(tx, moved.need, now)
        seq = event.seq
        heard.append(event)
    if seq > known.seq:
        agents.agents.change(tx, agent, seq=seq)
        for ready in agents.readies_of(tx, agent):
            settle(tx, ready, seq, now)
    if report.holding:
        _settle_all(tx, agent, report.epoch, report.holding, seq, now)
    return Heard(seq, heard)


def lacks(tx: Tx, agent: str, epoch: str, holding: messages.Holding | None) -> int | None:
    """The last event known here, if more of them were acknowledged once: this database was restored."""
    known = agents.agents.get(tx, agent)
    if holding is None or known is None or known.epoch != epoch or holding.acked <= known.seq:
        return None
    return known.seq


def settle(tx: Tx, ready: OpenReady, seq: int, now: float) -> None:
    """Hold what was granted to a printer before against its ready, once all up to `seq` is committed."""
    if seq >= ready.seq:
        before = attempts.before(tx, ready.agent, ready.epoch, ready.counter, ready.printer)
        _settle(tx, before, ready.held, now)


def _settle_all(tx: Tx, agent: str, epoch: str, holding: messages.Holding, seq: int, now: float) -> None:
    """The same for all of an agent's printers."""
    if seq >= holding.seq:
        _settle(tx, attempts.before(tx, agent, epoch, holding.counter + 1), holding.held, now)


def _settle(tx: Tx, before: list[Attempt], held: tuple[str, ...], now: float) -> None:
    """What the agent does not hold, and never said a word of, never arrived: it is void.

    Should it come after all, the agent will drop it, as its nonce is no more. What it did speak of and holds no
    more without saying how that ended is in doubt, for a person to rule on.
    """
    for attempt in before:
        if attempt.id in held:
            continue
        if not attempts.was_heard(tx, attempt.id):
            advance(tx, attempt, Step.VOID, now, cause=f"void:{attempt.id}", by="coordinator")
        elif lifecycle.allows(attempt.state, Step.DOUBT):
            _doubt(tx, attempt, now, "its agent does not hold it any more, and never said how it ended")


def _adopt(tx: Tx, epoch: str, manifest: Manifest, now: float) -> Attempt | None:
    """Take over an attempt that this coordinator granted, and then forgot: the database was restored.

    None if its need is not known either. People who did something for it since must do that once more.
    """
    need = needs.needs.get(tx, manifest.job)
    if need is None or agents.printer(tx, manifest.agent, manifest.printer) is None:
        return None
    attempt = Attempt(
        id=manifest.attempt,
        need=need.id,
        agent=manifest.agent,
        printer=manifest.printer,
        # The nonce may have been answered once more since.
        nonce=manifest.attempt if attempts.answered(tx, manifest.nonce) else manifest.nonce,
        epoch=epoch,
        counter=0,
        part=manifest.part,
        version=manifest.version,
        material=manifest.material,
        count=manifest.count,
        digest=manifest.digest,
        size=manifest.size,
        grams=manifest.grams,
        seconds=manifest.seconds,
        state=State.GRANTED,
        granted=now,
        changed=now,
        sequence=manifest.sequence,
    )
    attempts.attempts.add(tx, attempt)
    asked = movements.balance(tx, need.id)[ledger.Account.NEEDED]
    moves = ledger.adopted(need.id, attempt.id, attempt.count, asked)
    movements.post(tx, moves, cause=f"adopt:{attempt.id}", by="coordinator", now=now)
    return attempt


def presence(tx: Tx, agent: str, message: messages.Presence, now: float) -> bool:
    """An agent is born or died. False if that is old news, which changes nothing.

    A new epoch means that the agent's journal is lost: nobody knows any more what the old one held.
    """
    known = agents.agents.get(tx, agent)
    if known is None or known.revoked is not None:
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
        doubt_all(tx, agent, now, "its agent lost its journal")
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
        place=cell(message.place),
    )
    agents.describe(tx, agent, message.printers)
    if same_epoch and message.holding:
        _settle_all(tx, agent, message.epoch, message.holding, known.seq, now)
    return True


def cell(place: tuple[float, float] | None) -> tuple[float, float] | None:
    """A place as exactly as it is ever kept: in a cell of 0.1°, whatever an agent says."""
    return None if place is None else (round(place[0], 1), round(place[1], 1))


def _dies(tx: Tx, agent: str, connection: int, now: float) -> bool:
    """Also of a newer connection than we know: then its birth passed us by."""
    agents.forget(tx, agent)
    agents.agents.change(tx, agent, online=False, seen=now, connection=connection)
    return True


def silent(tx: Tx, now: float, patience: float) -> list[Attempt]:
    """Doubt what is under way at agents that have not been heard for `patience` seconds, and more for long prints.

    And what was granted that long ago and never taken up, though its agent is there: the grant was lost, and
    the printer did not say ready again since.
    """
    gone = agents.gone(tx)
    doubted: list[Attempt] = []
    for attempt in attempts.under_way(tx):
        if attempt.agent in gone:
            if now - gone[attempt.agent] > _patience(attempt, patience):
                doubted.append(_doubt(tx, attempt, now, "its agent was not heard for too long"))
        elif attempt.state is State.GRANTED and attempt.granted < now - patience:
            doubted.append(_doubt(tx, attempt, now, "its agent never took it up"))
    return doubted


def _patience(attempt: Attempt, least: float) -> float:
    """Seconds of silence until an attempt is in doubt."""
    if attempt.state is State.PRINTED:
        return ON_THE_BED
    moves = attempt.state in (State.STARTING, State.PRINTING, State.PAUSED)
    return least + (PRINTED_SHARE * attempt.seconds if moves else 0.0)


def doubt_all(tx: Tx, agent: str, now: float, why: str) -> None:
    """All that an agent holds is in doubt."""
    for attempt in attempts.of_agent(tx, agent):
        if lifecycle.allows(attempt.state, Step.DOUBT):
            _doubt(tx, attempt, now, why)


def _doubt(tx: Tx, attempt: Attempt, now: float, why: str) -> Attempt:
    cause = f"doubt:{attempt.id}:{now}"  # an attempt may be doubted, turn up, and be doubted again
    return advance(tx, attempt, Step.DOUBT, now, cause=cause, by="coordinator", why=why)
