"""Idempotency keys that were used, each with the response, for those who send the same again."""

from dataclasses import dataclass

from sqlalchemy import delete

from coordinator.store import schema
from coordinator.store.engine import Tx
from coordinator.store.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResponse:
    """A response that was given `at`, sealed, to what has the keyed digest `request`."""

    key: str
    at: float
    request: str
    response: str


responses = Repository(schema.idempotency_key, StoredResponse)


def forget(tx: Tx, before: float) -> None:
    """Forget the responses that were given before a moment."""
    tx.execute(delete(schema.idempotency_key).where(schema.idempotency_key.c.at < before))
