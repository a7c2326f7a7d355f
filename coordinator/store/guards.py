"""What stands in the database itself against a ledger that is changed: triggers, made by migrations 0003 and 0011.

They refuse to change or delete what agents reported, what was moved and what people did, to add a movement twice or
an entry of the audit log anywhere but at its end, and to draw more from an account than stands there, whoever asks and
by whatever way.
"""

import contextlib
from collections.abc import Generator

from sqlalchemy import text

from coordinator.store.engine import Tx

_NAMES = {
    "sqlite": {
        "movement_never_update",
        "movement_never_delete",
        "movement_is_new",
        "movement_has_cover",
        "movement_is_asked_for",
        "event_never_update",
        "event_never_delete",
        "event_is_new",
        "audit_log_never_update",
        "audit_log_never_delete",
        "audit_log_follows",
    },
    "postgresql": {
        "movement_never_changes",
        "movement_never_emptied",
        "movement_has_cover",
        "event_never_changes",
        "event_never_emptied",
        "audit_log_never_changes",
        "audit_log_never_emptied",
        "audit_log_follows",
    },
}
_STANDING = {
    "sqlite": "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": (
        "SELECT tgname, cast(cast(tgrelid AS regclass) AS text), '' FROM pg_trigger"
        " WHERE NOT tgisinternal AND tgenabled = 'A'"
        " AND tgrelid IN (to_regclass('movement'), to_regclass('event'), to_regclass('audit_log'))"
    ),
}


def missing(tx: Tx) -> list[str]:
    """The guards that somebody has taken away."""
    return sorted(_NAMES[tx.dialect.name] - {name for name, _, _ in _standing(tx)})


@contextlib.contextmanager
def lowered(tx: Tx) -> Generator[None]:
    """Without guards until the block ends, within its transaction: to copy a whole ledger, which is checked after."""
    standing = _standing(tx)
    if tx.dialect.name == "sqlite":
        for name, _, _ in standing:
            tx.exec_driver_sql(f"DROP TRIGGER {name}")
        yield
        for _, _, made in standing:
            tx.exec_driver_sql(made)
        return
    for name, table, _ in standing:
        tx.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    yield
    for name, table, _ in standing:
        tx.exec_driver_sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


def _standing(tx: Tx) -> list[tuple[str, str, str]]:
    """Name, table and (on SQLite) definition of each guard that is in force."""
    wanted = _NAMES[tx.dialect.name]
    rows = tx.execute(text(_STANDING[tx.dialect.name]))
    return [(name, table, made) for name, table, made in rows if name in wanted]
