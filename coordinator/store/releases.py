"""The part versions that this hub has approved, with the signatures of its release key."""

from dataclasses import dataclass

from sqlalchemy import delete, func, select

from coordinator.store import schema
from coordinator.store.engine import Tx
from coordinator.store.repository import Repository
from wire import release
from wire.manifest import Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """One version of a part: its document, and who signed it at `signed`; `signature` is in hex."""

    part: str
    version: str
    document: str
    key: str
    signature: str
    signed: float

    @property
    def release(self) -> Release:
        """As manifests carry it."""
        document = self.document.encode()
        return Release(release.definition(document), len(document), self.key, bytes.fromhex(self.signature))


releases = Repository(schema.release, Released)


def put(tx: Tx, released: Released) -> None:
    """Keep a version, in the place of what was signed before as the same."""
    _row = schema.release.c
    tx.execute(delete(schema.release).where(_row.part == released.part, _row.version == released.version))
    releases.add(tx, released)


def latest(tx: Tx) -> tuple[int, float]:
    """How many there are, and when the latest was signed: other figures mean other releases."""
    count, signed = tx.execute(select(func.count(), func.max(schema.release.c.signed))).one()
    return int(count), float(signed or 0.0)
