"""Attempts, and the events that agents reported of them."""

from dataclasses import replace

from sqlalchemy import insert, select

from coordinator.model.records import Attempt
from coordinator.store import schema
from coordinator.store.engine import Tx
from coordinator.store.repository import Repository
from wire.lifecycle import FINAL, State
from wire.messages import Blame, Event

attempts = Repository(schema.attempt, Attempt)
_at = schema.attempt.c

# Named one by one, not as what is not over, so that the index serves: most attempts are over.
_OPEN = [state for state in State if state not in FINAL]
_ON_A_BED = [state for state in _OPEN if state not in (State.CLEARED, State.SUSPECT)]


def open_attempts(tx: Tx) -> list[Attempt]:
    """Those that are not over, newest first."""
    return attempts.find(tx, _at.state.in_(_OPEN), newest="granted")


def under_way(tx: Tx) -> list[Attempt]:
    """From granted to printed: those that have a printer to themselves."""
    return attempts.find(tx, _at.state.in_(_ON_A_BED), newest="granted")


def busy(tx: Tx) -> set[tuple[str, str]]:
    """(agent, printer) of all that are under way."""
    query = select(_at.agent, _at.printer).where(_at.state.in_(_ON_A_BED))
    return {(row.agent, row.printer) for row in tx.execute(query)}


def of_need(tx: Tx, need: str) -> list[Attempt]:
    """A need's attempts, newest first."""
    return attempts.find(tx, _at.need == need, newest="granted")


def cleared(tx: Tx, agent: str | None = None) -> list[Attempt]:
    """Those that are off the bed, for somebody to count; of one agent, or all."""
    of = [] if agent is None else [_at.agent == agent]
    return attempts.find(tx, _at.state == State.CLEARED, *of, newest="changed")


def inspected(tx: Tx, agent: str) -> list[str]:
    """The lots of an agent that somebody has counted."""
    return list(tx.execute(select(_at.id).where(_at.agent == agent, _at.state == State.INSPECTED)).scalars())


def named(tx: Tx, names: list[str]) -> list[Attempt]:
    """The attempts of these names."""
    return attempts.find(tx, _at.id.in_(names)) if names else []


def by_agent(tx: Tx, agent: str, most: int) -> list[Attempt]:
    """An agent's latest attempts, newest first."""
    query = select(_at.id).where(_at.agent == agent).order_by(_at.granted.desc()).limit(most)
    return attempts.find(tx, _at.id.in_(query), newest="granted")


def all_attempts(tx: Tx) -> list[Attempt]:
    """Every attempt, newest first."""
    return attempts.find(tx, newest="granted")


def before(tx: Tx, agent: str, epoch: str, counter: int, printer: str | None = None) -> list[Attempt]:
    """What was granted to readies before `counter` (of one printer), and is under way or in doubt."""
    return attempts.find(
        tx,
        _at.agent == agent,
        _at.epoch == epoch,
        _at.counter < counter,
        _at.state.in_([*_ON_A_BED, State.SUSPECT]),
        *([] if printer is None else [_at.printer == printer]),
    )


def was_heard(tx: Tx, attempt: str) -> bool:
    """Whether its agent ever reported anything of it."""
    query = select(schema.event.c.seq).where(schema.event.c.attempt == attempt).limit(1)
    return tx.execute(query).first() is not None


def answered(tx: Tx, nonce: str) -> bool:
    """Whether an attempt was granted to this nonce."""
    return bool(attempts.find(tx, _at.nonce == nonce))


def of_agent(tx: Tx, agent: str) -> list[Attempt]:
    """An agent's attempts that are not over."""
    return attempts.find(tx, _at.agent == agent, _at.state.in_(_OPEN))


def setbacks(tx: Tx, since: float) -> set[tuple[str, str, str]]:
    """(agent, printer, need) wherever a printer refused or failed a need's plate since then."""
    query = select(_at.agent, _at.printer, _at.need).where(
        _at.state.in_([State.REFUSED, State.FAILED]), _at.changed > since
    )
    return {(row.agent, row.printer, row.need) for row in tx.execute(query)}


def since(tx: Tx, need: str, moment: float) -> list[Attempt]:
    """A need's attempts that came to their state after `moment`, the latest first."""
    return attempts.find(tx, _at.need == need, _at.changed > moment, newest="changed")


def move(
    tx: Tx, attempt: Attempt, state: State, now: float, why: str = "", blame: Blame = Blame.NOBODY
) -> Attempt:
    """Keep an attempt's new state; an empty `why` leaves the old one."""
    moved = replace(attempt, state=state, changed=now, why=why or attempt.why, blame=blame)
    attempts.change(tx, attempt.id, state=state, changed=now, why=moved.why, blame=blame)
    return moved


def heard(tx: Tx, agent: str, epoch: str, event: Event, now: float, *, applied: bool) -> None:
    """Keep an event as it was reported; `applied` is whether the table of states had a place for it."""
    tx.execute(
        insert(schema.event).values(
            agent=agent,
            epoch=epoch,
            seq=event.seq,
            attempt=event.attempt,
            step=event.step,
            at=event.at,
            why=event.why,
            heard=now,
            applied=applied,
        )
    )


def applied(tx: Tx) -> dict[str, str]:
    """The attempt of every event that moved one, by the cause that its movements name."""
    event = schema.event.c
    query = select(event.agent, event.epoch, event.seq, event.attempt).where(event.applied)
    return {f"event:{agent}:{epoch}:{seq}": attempt for agent, epoch, seq, attempt in tx.execute(query)}
