"""The journal's one SQLite file: opened, brought up to date, and written in whole transactions."""

import contextlib
import secrets
import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from agent.errors import OwnerError
from agent.journal import schema


class JournalError(OwnerError):
    """The journal can't be read or written, or what was asked of it is not so. Says what to do."""


class JournalFile:
    """The file, behind one lock for all threads of this process.

    Raises, as does every method:
        JournalError: the file is not ours, is damaged, or its disk is full.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._path = path
        try:
            self._db = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise JournalError(f"can't open the journal {path}: {error}") from error
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise
        with self.reading() as db:
            row = db.execute("select value from fact where name = 'epoch'").fetchone()
        self.epoch = str(row[0])
        """Which journal this is: another one, after a disk died, counts its events anew."""

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """All that is done in it is committed, or nothing."""
        with self._lock:
            try:
                self._db.execute("begin immediate")
                yield self._db
                self._db.execute("commit")
            except sqlite3.Error as error:
                raise self._failure(error) from error
            finally:
                if self._db.in_transaction:
                    with contextlib.suppress(sqlite3.Error):  # then the next one says what is wrong
                        self._db.rollback()

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """The same, to look only."""
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise self._failure(error) from error

    def _prepare(self) -> None:
        try:
            # WAL lets the command line read while the agent writes; FULL syncs at each commit.
            self._db.execute("pragma journal_mode = wal").fetchone()
            self._db.execute("pragma synchronous = full")
        except sqlite3.Error as error:
            raise self._failure(error) from error
        with self.transaction() as db:
            version: int = db.execute("pragma user_version").fetchone()[0]
            if version > schema.VERSION:
                raise JournalError(f"{self._path} was written by a newer muster-agent: update this one")
            if version == schema.VERSION:
                return
            for statement in schema.statements(version):
                db.execute(statement)
            if version == 0:
                db.execute(
                    "insert into fact values ('epoch', ?), ('seq', 0), ('acked', 0), ('told', 0)",
                    (secrets.token_hex(16),),
                )
            db.execute(f"pragma user_version = {schema.VERSION}")

    def _failure(self, error: sqlite3.Error) -> JournalError:
        return JournalError(f"the journal {self._path} can't be used: {error}")
