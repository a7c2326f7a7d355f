"""Whole databases, copied: into an SQLite file, from there into PostgreSQL, whichever way they are kept.

An SQLite file is the form that serves both. Rows are copied as they are kept, not as we read them.
"""

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    MetaData,
    String,
    Table,
    TableClause,
    TypeDecorator,
    create_engine,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from coordinator.errors import StartError
from coordinator.store import engine, guards, schema
from coordinator.store.engine import OpenMode, Store, Tx

Progress = Callable[[int, int], None]
"""Called with how much is done, and of how much."""

_PAGES = 2000
"""Of an SQLite file, that are copied between two calls of progress: 8 MB."""
_ROWS = 1000
_OURS = frozenset(schema.metadata.tables) | schema.FORMER


def save(store: Store, path: Path, progress: Progress) -> None:
    """Copy the database as it is at this moment into a new SQLite file; writers need not wait for it."""
    if store.is_sqlite:
        _save_pages(store, path, progress)
    else:
        with _opened(path, OpenMode.MIGRATED) as target, store.read() as there, target.write() as here:
            total = sum(count(there).values())
            with guards.lowered(here):
                _copy(there, lambda table, rows: _insert(here, table, rows), progress, total)


def check(path: Path) -> tuple[str, dict[str, int]]:
    """The revision of the tables in a copy, and their rows.

    Raises:
        StartError: it is damaged, or a newer version's.
    """
    with _opened(path, OpenMode.BARE) as copy, told(), copy.read() as tx:
        verdict = tx.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
        if verdict != "ok":
            raise StartError(f"the database in it is damaged: {verdict}")
        found = engine.revision(tx)
        if found is None or found not in engine.revisions():
            raise StartError("a newer version of Muster made it: install that first")
        return found, count(tx)


def rows_in(store: Store) -> int:
    """How many rows a database holds; 0 where nobody has used it yet."""
    with store.read() as tx:
        return sum(count(tx).values())


def count(tx: Tx) -> dict[str, int]:
    """Rows by table, of our tables that are there, also of an older version's."""
    return {
        name: int(tx.execute(select(func.count()).select_from(TableClause(name))).scalar_one())
        for name in sorted(set(inspect(tx).get_table_names()) & _OURS)
    }


def others_on(store: Store) -> int:
    """How many connections of Muster there are to a PostgreSQL database, beside our own."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = :application AND pid <> pg_backend_pid()"
    )
    with store.read() as tx:
        return int(tx.execute(query, {"application": engine.APPLICATION}).scalar_one())


def fill(tx: Tx, path: Path, aside: str, progress: Progress) -> bool:
    """Put a copy that is of this version into a PostgreSQL database; the tables that are there go into schema `aside`.

    All within the caller's transaction: until that is committed, nothing has happened.

    Returns:
        Whether there were tables.

    Raises:
        StartError: the database can't take it; the message says why.
    """
    with _opened(path, OpenMode.AS_IT_IS) as copy, copy.read() as there, told():
        tx.execute(text("SET LOCAL lock_timeout = '10s'"))
        here = set(inspect(tx).get_table_names()) & {*_OURS, "alembic_version"}
        if here:
            tx.execute(text(f'CREATE SCHEMA "{aside}"'))
            for name in sorted(here):
                tx.execute(text(f'ALTER TABLE "{name}" SET SCHEMA "{aside}"'))
        engine.migrate(tx)
        rows = count(there)
        with guards.lowered(tx):
            _copy(there, lambda table, rows: _stream(tx, table, rows), progress, sum(rows.values()))
        for table in schema.metadata.sorted_tables:
            if (column := table.autoincrement_column) is not None:
                _go_on_counting(tx, table, column)
        if count(tx) != rows:
            raise StartError("not all rows arrived in the database; nothing was changed")
    return bool(here)


def sqlite(path: Path) -> URL:
    """The URL of an SQLite file."""
    return URL.create("sqlite", database=str(path))


def _opened(path: Path, mode: OpenMode) -> contextlib.closing[Store]:
    return contextlib.closing(Store(sqlite(path), mode))


@contextlib.contextmanager
def told() -> Generator[None]:
    """What a database says against something becomes a StartError of one line."""
    try:
        yield
    except DBAPIError as error:
        raise StartError(f"the database can't be used: {engine.reason(error)}") from None


def _save_pages(store: Store, path: Path, progress: Progress) -> None:
    def noted(_status: int, left: int, total: int) -> None:
        progress(total - left, total)

    target = create_engine(sqlite(path))
    made = target.raw_connection()
    try:
        with store.read() as tx:
            # The look is pinned first: else the copying would begin anew whenever somebody writes.
            tx.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
            source: Any = tx.connection.driver_connection
            source.backup(made.driver_connection, pages=_PAGES, progress=noted)
    finally:
        made.close()
        target.dispose()


def _copy(
    there: Tx, put: Callable[[Table, Iterable[tuple[Any, ...]]], None], progress: Progress, total: int
) -> None:
    done = 0

    def read(table: Table) -> Iterator[tuple[Any, ...]]:
        nonlocal done
        query = select(table).order_by(*table.primary_key.columns)
        for part in there.execute(query, execution_options={"yield_per": _ROWS}).partitions():
            yield from part  # rows are tuples
            done += len(part)
            progress(done, total)

    for table in schema.metadata.sorted_tables:
        plain = _plain(table)
        put(plain, read(plain))


def _plain(table: Table) -> Table:
    """The table without our own types: its rows are taken over as they are kept."""

    def kept(column: Column[Any]) -> Any:
        return column.type.impl if isinstance(column.type, TypeDecorator) else column.type

    columns = [Column(each.name, kept(each), primary_key=each.primary_key) for each in table.columns]
    return Table(table.name, MetaData(), *columns)


def _insert(tx: Tx, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    names = [column.name for column in table.columns]
    part: list[dict[str, Any]] = []
    for row in rows:
        part.append(dict(zip(names, row, strict=True)))
        if len(part) == _ROWS:
            tx.execute(insert(table), part)
            part = []
    if part:
        tx.execute(insert(table), part)


def _stream(tx: Tx, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """By PostgreSQL's COPY. What it can't keep, a NUL, is shown as missing, as `schema.Said` does."""
    quoted = tx.dialect.identifier_preparer.quote
    names = ", ".join(quoted(column.name) for column in table.columns)
    driver: Any = tx.connection.driver_connection
    texts = [isinstance(column.type, String) for column in table.columns]
    try:
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY {quoted(table.name)} ({names}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(
                    [
                        each.replace("\0", "\N{REPLACEMENT CHARACTER}") if is_text and each else each
                        for each, is_text in zip(row, texts, strict=True)
                    ]
                )
    except driver_error(tx) as error:
        first = str(error).strip().splitlines()[0]
        raise StartError(f"the database does not take the rows of {table.name}: {first}") from None


def driver_error(tx: Tx) -> Any:
    """What the driver raises where SQLAlchemy is not in between."""
    return tx.dialect.loaded_dbapi.Error


def _go_on_counting(tx: Tx, table: Table, column: Column[Any]) -> None:
    tx.execute(
        text("SELECT setval(pg_get_serial_sequence(:table, :column), :next, false)"),
        {
            "table": table.name,
            "column": column.name,
            "next": (tx.execute(select(func.max(column))).scalar() or 0) + 1,
        },
    )
