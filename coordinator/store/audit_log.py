"""The audit log's rows: added in the transaction of the act, never changed (`guards.py`)."""

from collections.abc import Iterator, Mapping
from dataclasses import fields

from sqlalchemy import ColumnElement, func, insert, select

from coordinator import request_context
from coordinator.model.audit_log import BEGINNING, AuditEntry, Detail, plain, sealed
from coordinator.store import schema
from coordinator.store.engine import Tx

_t = schema.audit_log.c
_NAMES = [each.name for each in fields(AuditEntry)]
_COLUMNS = [_t[name] for name in _NAMES]


def note(
    tx: Tx, *, by: str, act: str, on: str, now: float, details: Mapping[str, Detail] | None = None
) -> AuditEntry:
    """Add what somebody does to the audit log; to be called in the very transaction that does it.

    Writers take turns (`Store.write`), so nobody comes between the last entry and this one. Role and way are those of
    `origin.here()`.

    Args:
        tx: a writing transaction.
        by: the name of a person who works here; else what the act came by, such as `hospital/h-k7m2p9xqrt`.
        act: like `need.cancel`.
        on: what it was done to, like `need/n-k7m2p9xqrt`.
        now: seconds since 1970 UTC.
        details: numbers and ids.

    Raises:
        ValueError: something in it does not belong into the audit log.
    """
    last = tx.execute(select(_t.number, _t.hash).order_by(_t.number.desc()).limit(1)).first()
    number, before = (last.number, last.hash) if last else (0, BEGINNING)
    here = request_context.here()
    entry = sealed(
        AuditEntry(
            number=number + 1,
            at=now,
            by=by[:100],
            role=here.role,
            via=here.via,
            act=act,
            subject=on,
            details=plain(details or {}),
        ),
        before,
    )
    tx.execute(insert(schema.audit_log).values({name: getattr(entry, name) for name in _NAMES}))
    return entry


def every(tx: Tx, *, since: float = 0.0) -> Iterator[AuditEntry]:
    """All entries from this moment on, oldest first, a part at a time."""
    query = select(*_COLUMNS).where(_t.at >= since).order_by(_t.number)
    for row in tx.execute(query, execution_options={"yield_per": 1000}).mappings():
        yield AuditEntry(**row)


def head(tx: Tx) -> tuple[int, str]:
    """The last entry's number and hash; 0 and `BEGINNING` of an empty audit log."""
    last = tx.execute(select(_t.number, _t.hash).order_by(_t.number.desc()).limit(1)).first()
    return (last.number, last.hash) if last else (0, BEGINNING)


def page(
    tx: Tx, *, by: str = "", act: str = "", on: str = "", before: int | None = None, most: int = 100
) -> list[AuditEntry]:
    """Entries, newest first: of one person, of acts or things that begin so, older than the entry `before`."""
    wanted: list[ColumnElement[bool]] = []
    if by:
        wanted.append(func.lower(_t.by) == by.lower())
    for column, start in ((_t.act, act), (_t.subject, on)):
        if start:
            wanted.append(column.startswith(start, autoescape=True))
    if before is not None:
        wanted.append(_t.number < before)
    query = select(*_COLUMNS).where(*wanted).order_by(_t.number.desc()).limit(most)
    return [AuditEntry(**row) for row in tx.execute(query).mappings()]
