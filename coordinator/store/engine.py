"""Opening the database, and its two kinds of transaction."""

import contextlib
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from coordinator.errors import StartError

Tx = Connection
"""An open transaction; every function of the store takes one first."""

_WRITER_LOCK = 0x6D7573746572
"""The advisory lock that makes writers on PostgreSQL take turns, as they do on SQLite by themselves."""
_WRITES = {"muster_writes": True}


class Store:
    """One database, SQLite (in WAL mode) or PostgreSQL. Safe to use from any thread.

    Writers take turns: the ledger's sums, which a write checks, can't change under it. That is one planner by
    database lock, and needs no retries. Writers of one process take turns before they take a connection: SQLite
    lets those who wait sleep and try again, unfairly, and gives up on some in the end.
    """

    def __init__(self, url: str) -> None:
        """Connect, and bring the tables to this version.

        Raises:
            StartError: not a usable database URL, or the database can't be reached.
        """
        try:
            self._url = make_url(url)
            self._sqlite = self._url.get_backend_name() == "sqlite"
            options: dict[str, Any] = {} if self._sqlite else {"pool_size": 10, "pool_pre_ping": True}
            self._engine = create_engine(self._url, **options)
        except (ArgumentError, NoSuchModuleError) as error:
            raise StartError(
                f"the database setting is not a URL like sqlite:///file or postgresql+psycopg://…: {error}"
            ) from None
        if self._sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
        event.listen(self._engine, "begin", self._begin)
        self._turn = threading.Lock()
        try:
            self._migrate()
        except DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0]
            raise StartError(f"the database can't be used: {reason}") from None
        except CommandError:
            raise StartError(
                "the database was used by a newer version of Muster: install that, or name another database"
            ) from None

    @contextlib.contextmanager
    def read(self) -> Generator[Tx]:
        """One consistent look; changes nothing."""
        options = {} if self._sqlite else {"isolation_level": "REPEATABLE READ"}
        with self._engine.connect().execution_options(**options) as tx, tx.begin():
            yield tx

    @contextlib.contextmanager
    def write(self) -> Generator[Tx]:
        """All or nothing: durably committed when the block ends, undone if it raises."""
        with self._turn, self._engine.connect().execution_options(**_WRITES) as tx, tx.begin():
            yield tx

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    def _begin(self, tx: Connection) -> None:
        writes = "muster_writes" in tx.get_execution_options()
        if self._sqlite:
            tx.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
        elif writes:
            tx.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.write() as tx:
            config.attributes["connection"] = tx
            command.upgrade(config, "head")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: the driver would say it too late
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=20000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
