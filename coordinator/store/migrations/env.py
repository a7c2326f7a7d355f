"""Run by Alembic, within the transaction that `engine.Store` opened."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import TypeDecorator

from coordinator.store.schema import metadata


def _as_plain(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """A migration must not change when our own column types do, so it names what they are kept as."""
    return f"sa.{item.impl!r}" if kind == "type" and isinstance(item, TypeDecorator) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=_as_plain,
    render_as_batch=True,
    transactional_ddl=False,  # the caller's transaction holds it all
)
context.run_migrations()
