"""What was answered to whom, for those who ask the same again."""

from dataclasses import dataclass

from sqlalchemy import delete

from coordinator.store import schema
from coordinator.store.engine import Tx
from coordinator.store.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResponse:
    """An answer that was given `at`, to what has the keyed digest `asked`."""

    key: str
    at: float
    asked: str
    answer: str


responses = Repository(schema.answer, StoredResponse)


def forget(tx: Tx, before: float) -> None:
    """Forget the answers that were given before a moment."""
    tx.execute(delete(schema.answer).where(schema.answer.c.at < before))
