"""Hospitals and what they need."""

from coordinator.model.records import Hospital, Need
from coordinator.store import schema
from coordinator.store.engine import Tx
from coordinator.store.repository import Repository

hospitals = Repository(schema.hospital, Hospital)
needs = Repository(schema.need, Need)


def by_token(tx: Tx, digest: str, now: float) -> Need | None:
    """The need whose tracking token has this SHA-256, if the link still holds."""
    found = needs.find(tx, schema.need.c.token == digest, schema.need.c.token_expires > now)
    return found[0] if found else None


def open_needs(tx: Tx) -> list[tuple[Need, Hospital]]:
    """Needs that are neither cancelled nor held, of hospitals that somebody has vetted."""
    vetted = {each.id: each for each in hospitals.find(tx, schema.hospital.c.approved.is_not(None))}
    asked = needs.find(tx, schema.need.c.cancelled.is_(None), schema.need.c.held.is_(None))
    return [(each, vetted[each.hospital]) for each in asked if each.hospital in vetted]


def all_needs(tx: Tx) -> list[tuple[Need, Hospital]]:
    """Every need and who asks, newest first."""
    known = {each.id: each for each in hospitals.find(tx)}
    return [(each, known[each.hospital]) for each in needs.find(tx, newest="created")]
