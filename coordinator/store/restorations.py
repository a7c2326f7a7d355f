"""When the database came out of a back-up: what was done after that was taken, agents know and we don't."""

from dataclasses import dataclass

from coordinator.store import schema
from coordinator.store.engine import Tx
from coordinator.store.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """The back-up was `taken` then, and `restored` then, in seconds since 1970 UTC.

    Since `settled`, if then, plates are given out again: whoever was given one in the lost time had time to say so.
    """

    id: str
    taken: float
    restored: float
    settled: float | None = None


restorations = Repository(schema.restoration, Restoration)


def latest(tx: Tx) -> Restoration | None:
    """The last time that this database was restored; None for one that never was."""
    found = restorations.find(tx, newest="restored")
    return found[0] if found else None


def settle(tx: Tx, restoration: Restoration, now: float) -> None:
    """Agents have been heard since: the next start need not wait for them again."""
    restorations.change(tx, restoration.id, settled=now)
