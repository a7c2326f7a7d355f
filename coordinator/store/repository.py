"""A table whose rows are records: columns and fields have the same names."""

from dataclasses import fields
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Table, insert, select, update

from coordinator.store.engine import Tx

Record = TypeVar("Record")


class Repository(Generic[Record]):
    """Reads and writes records of one kind. A table may have columns more than the record has fields."""

    def __init__(self, table: Table, record: type[Record]) -> None:
        self._table = table
        self._record = record
        self._names = [each.name for each in fields(record)]  # pyright: ignore[reportArgumentType]  # a dataclass
        self._columns = [table.c[name] for name in self._names]

    def add(self, tx: Tx, record: Record, **more: Any) -> None:
        """Put a new record in; `more` are the columns that the record does not have."""
        values = {name: getattr(record, name) for name in self._names}
        tx.execute(insert(self._table).values(values | more))

    def get(self, tx: Tx, *key: str) -> Record | None:
        """The record of this primary key, or None."""
        row = tx.execute(select(*self._columns).where(*self._is(key))).mappings().first()
        return None if row is None else self._record(**row)

    def find(self, tx: Tx, *where: ColumnElement[bool], newest: str = "") -> list[Record]:
        """All records for which every condition holds, latest first by the column `newest`."""
        query = select(*self._columns).where(*where)
        if newest:
            query = query.order_by(self._table.c[newest].desc(), *self._table.primary_key.columns)
        return [self._record(**row) for row in tx.execute(query).mappings()]

    def change(self, tx: Tx, *key: str, **values: Any) -> None:
        """Set columns of the record of this primary key."""
        tx.execute(update(self._table).where(*self._is(key)).values(values))

    def _is(self, key: tuple[str, ...]) -> list[ColumnElement[bool]]:
        return [column == value for column, value in zip(self._table.primary_key.columns, key, strict=True)]
