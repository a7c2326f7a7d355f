"""Opening the database, and its two kinds of transaction."""

import contextlib
import functools
import threading
from collections.abc import Generator
from contextvars import ContextVar
from enum import Enum
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from coordinator.errors import StartError

Tx = Connection
"""An open transaction; every function of the store takes one first."""

_WRITER_LOCK = 0x6D7573746572
"""The advisory lock that makes writers on PostgreSQL take turns, as they do on SQLite by themselves."""
_WRITES = {"muster_writes": True}

APPLICATION = "muster"
"""What PostgreSQL knows our connections as."""


class OpenMode(Enum):
    """What is done with a database that is opened."""

    MIGRATED = "made if there is none, and brought to this version"
    AS_IT_IS = "must be there, and of this version: it is looked at beside a coordinator that runs"
    BARE = "whatever is there, for whoever moves databases"


class Store:
    """One database, SQLite (in WAL mode) or PostgreSQL. Safe to use from any thread.

    Writers take turns: the ledger's sums, which a write checks, can't change under it. That is one planner by
    database lock, and needs no retries. Writers of one process take turns before they take a connection: SQLite
    lets those who wait sleep and try again, unfairly, and gives up on some in the end.
    """

    def __init__(self, url: str | URL, mode: OpenMode = OpenMode.MIGRATED) -> None:
        """Connect.

        Raises:
            StartError: not a usable database URL, or the database can't be reached or is not what it should be.
        """
        self.url = read_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        try:
            options: dict[str, Any] = {}
            if not self.is_sqlite:
                connection = {"application_name": APPLICATION}
                options = {"pool_size": 10, "pool_pre_ping": True, "connect_args": connection}
            self.engine = create_engine(self.url, **options)
        except (ArgumentError, NoSuchModuleError) as error:
            raise _no_url(error) from None
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
        event.listen(self.engine, "begin", self._begin)
        self._turn = threading.Lock()
        try:
            self._open(mode)
        except DBAPIError as error:
            self.close()
            raise StartError(f"the database can't be used: {reason(error)}") from None
        except CommandError:
            self.close()
            raise StartError(
                "the database was used by a newer version of Muster: install that, or name another database"
            ) from None

    @contextlib.contextmanager
    def read(self) -> Generator[Tx]:
        """One consistent look; changes nothing. Inside a write of this thread, a look at what it has done."""
        if (around := self._around()) is not None:
            yield around
            return
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self.engine.connect().execution_options(**options) as tx, tx.begin():
            yield tx

    @contextlib.contextmanager
    def write(self) -> Generator[Tx]:
        """All or nothing: durably committed when the block ends, undone if it raises.

        Inside another write of this thread it is a part of it: undone by itself if it raises, else committed with it.
        """
        if (around := self._around()) is not None:
            with around.begin_nested():
                yield around
            return
        with self._turn, self.engine.connect().execution_options(**_WRITES) as tx, tx.begin():
            before = _writing.set((self, tx))
            try:
                yield tx
            finally:
                _writing.reset(before)

    def _around(self) -> Tx | None:
        writing = _writing.get()
        return writing[1] if writing is not None and writing[0] is self else None

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    def _begin(self, tx: Connection) -> None:
        writes = "muster_writes" in tx.get_execution_options()
        if self.is_sqlite:
            tx.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
        elif writes:
            tx.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")

    def _open(self, mode: OpenMode) -> None:
        if mode is OpenMode.MIGRATED:
            with self.write() as tx:
                migrate(tx)
        elif mode is OpenMode.AS_IT_IS:
            if (file := file_of(self.url)) and not file.exists():
                raise StartError(f"there is no database at {file} yet")
            with self.read() as tx:
                found = revision(tx)
            if found is None:
                raise StartError("the database is empty: no coordinator has used it yet")
            if found not in revisions():
                raise CommandError
            if found != revisions()[0]:
                raise StartError(
                    "the database is an older version's: start the coordinator once, then try again"
                )


_writing: ContextVar[tuple[Store, Tx] | None] = ContextVar("writing", default=None)
"""The write that this thread is in."""


def read_url(url: str | URL) -> URL:
    """A database's URL.

    Raises:
        StartError: it is none.
    """
    try:
        return make_url(url)
    except ArgumentError as error:
        raise _no_url(error) from None


def file_of(url: str | URL) -> Path | None:
    """Where an SQLite database lies; None for PostgreSQL."""
    known = read_url(url)
    return Path(known.database) if known.get_backend_name() == "sqlite" and known.database else None


def migrate(tx: Tx) -> None:
    """Bring the tables to this version.

    Raises:
        CommandError: they are a newer version's.
    """
    if revision(tx) == revisions()[0]:
        return
    config = _config()
    config.attributes["connection"] = tx
    command.upgrade(config, "head")


def revision(tx: Tx) -> str | None:
    """Which version's tables these are; None if there are none."""
    return MigrationContext.configure(tx).get_current_revision()


@functools.cache
def revisions() -> tuple[str, ...]:
    """Every version of the tables that we know, the newest first."""
    return tuple(each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions())


def reason(error: DBAPIError) -> str:
    """What a database says, in one line."""
    return str(error.orig).strip().splitlines()[0]


def _no_url(error: Exception) -> StartError:
    return StartError(
        f"the database setting is not a URL like sqlite:///file or postgresql+psycopg://…: {error}"
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: the driver would say it too late
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=20000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
