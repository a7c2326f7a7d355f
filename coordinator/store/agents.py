"""Agents, their printers, and the printers that wait for work."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, exists, insert, or_, select, update

from coordinator.model.records import OpenReady, RegisteredPrinter
from coordinator.store import schema
from coordinator.store.engine import Tx
from coordinator.store.repository import Repository
from wire import messages

_agent = schema.agent
_printer = schema.printer
readies = Repository(schema.ready, OpenReady)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent as it was last heard. `seq` is the last event of `epoch` that is committed here."""

    name: str
    enrolled: float
    epoch: str | None = None
    seq: int = 0
    connection: int = 0
    online: bool = False
    seen: float = 0.0
    software: str = ""
    place: tuple[float, float] | None = None
    revoked: float | None = None
    revoked_by: str = ""
    revoked_why: str = ""


agents = Repository(_agent, Agent)


def describe(tx: Tx, agent: str, described: tuple[messages.Printer, ...]) -> None:
    """Take over the printers that an agent says it has. One that it has no more just says ready no more."""
    known = {row.name for row in tx.execute(select(_printer.c.name).where(_printer.c.agent == agent))}
    for each in {each.name: each for each in described}.values():
        values = {"driver": each.driver, "profile": each.profile, "material": each.material}
        if each.name in known:
            tx.execute(
                update(_printer).where(_printer.c.agent == agent, _printer.c.name == each.name).values(values)
            )
        else:
            tx.execute(insert(_printer).values(agent=agent, name=each.name, counter=0, **values))


def counter(tx: Tx, agent: str, printer: str) -> int | None:
    """The highest counter that a ready of this printer has carried; None for a printer nobody described."""
    return tx.execute(
        select(_printer.c.counter).where(_printer.c.agent == agent, _printer.c.name == printer)
    ).scalar()


def await_work(tx: Tx, ready: OpenReady, sequence: int) -> None:
    """This ready replaces any older one of its printer, which was granted manifests up to `sequence` at least.

    A database that was restored may have given fewer.
    """
    forget(tx, ready.agent, ready.printer)
    known = tx.execute(select(_printer.c.sequence).where(*_is(ready.agent, ready.printer))).scalar_one()
    tx.execute(
        update(_printer)
        .where(*_is(ready.agent, ready.printer))
        .values(counter=ready.counter, material=ready.material, sequence=max(known, sequence))
    )
    readies.add(tx, ready)


def next_sequence(tx: Tx, agent: str, printer: str) -> int:
    """A number for a manifest that is higher than that of any before it for this printer."""
    known = tx.execute(select(_printer.c.sequence).where(*_is(agent, printer))).scalar_one()
    tx.execute(update(_printer).where(*_is(agent, printer)).values(sequence=known + 1))
    return known + 1


def readies_of(tx: Tx, agent: str) -> list[OpenReady]:
    """The agent's printers that wait, whether a grant may answer them yet or not."""
    return readies.find(tx, schema.ready.c.agent == agent)


def is_asked(tx: Tx, nonce: str) -> bool:
    """Whether a printer waits with this nonce."""
    return bool(readies.find(tx, schema.ready.c.nonce == nonce))


def forget(tx: Tx, agent: str, printer: str | None = None) -> None:
    """The printer (or each of the agent's) no longer waits."""
    query = delete(schema.ready).where(schema.ready.c.agent == agent)
    tx.execute(query if printer is None else query.where(schema.ready.c.printer == printer))


def expire(tx: Tx, now: float) -> None:
    """Drop what waited too long: its agent has made a new nonce, or is gone."""
    tx.execute(delete(schema.ready).where(schema.ready.c.expires <= now))


def waiting(tx: Tx, now: float, agent: str | None = None, printer: str | None = None) -> list[OpenReady]:
    """The readies that a grant may answer: fresh, and all that their agent had reported is committed.

    Of every printer, or of one.
    """
    caught_up = select(_agent.c.name).where(
        _agent.c.name == schema.ready.c.agent,
        _agent.c.online,
        _agent.c.revoked.is_(None),
        _agent.c.epoch == schema.ready.c.epoch,
        _agent.c.seq >= schema.ready.c.seq,
    )
    of = [] if agent is None else [schema.ready.c.agent == agent, schema.ready.c.printer == printer]
    return readies.find(tx, schema.ready.c.expires > now, caught_up.exists(), *of)


def printers(tx: Tx, agent: str | None = None) -> list[RegisteredPrinter]:
    """Every printer of every agent, or of one, in the order of their names."""
    query = (
        select(
            _printer.c.agent,
            _printer.c.name,
            _printer.c.driver,
            _printer.c.profile,
            _printer.c.material,
            _agent.c.online,
            _agent.c.seen,
            _agent.c.place,
            _agent.c.cluster,
        )
        .join(_agent, _agent.c.name == _printer.c.agent)
        .order_by(_printer.c.agent, _printer.c.name)
    )
    if agent is not None:
        query = query.where(_printer.c.agent == agent)
    return [RegisteredPrinter(**row) for row in tx.execute(query).mappings()]


def printer(tx: Tx, agent: str, name: str) -> RegisteredPrinter | None:
    """One printer."""
    return next((each for each in printers(tx, agent) if each.name == name), None)


def gone(tx: Tx) -> dict[str, float]:
    """When the agents that are gone were seen last."""
    query = select(_agent.c.name, _agent.c.seen).where(_agent.c.online.is_(False))
    return {row.name: row.seen for row in tx.execute(query)}


def lose_touch(tx: Tx, now: float) -> None:
    """Nobody is known to be there until heard again; what waits for work goes on waiting."""
    tx.execute(update(_agent).where(_agent.c.online).values(online=False, seen=now))


def is_over(tx: Tx, agent: str, epoch: str) -> bool:
    """Whether this epoch, which is not the agent's current one, was that once: an old message, or an old disk."""
    event, attempt = schema.event.c, schema.attempt.c
    reported = exists().where(event.agent == agent, event.epoch == epoch)
    granted = exists().where(attempt.agent == agent, attempt.epoch == epoch)
    return bool(tx.execute(select(or_(reported, granted))).scalar())


def new_epoch(tx: Tx, agent: str, epoch: str) -> None:
    """The agent's journal starts anew, and its counters with it."""
    agents.change(tx, agent, epoch=epoch, seq=0, connection=0)
    tx.execute(update(_printer).where(_printer.c.agent == agent).values(counter=0))


def _is(agent: str, printer: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _printer.c.agent == agent, _printer.c.name == printer
