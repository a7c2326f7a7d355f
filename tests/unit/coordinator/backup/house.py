"""A coordinator's data directory and database, to be backed up and restored."""

import contextlib
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from coordinator import data_directory
from coordinator.backup import archive, restore
from coordinator.backup.archive import BackupManifest
from coordinator.keys.ca import Authority
from coordinator.keys.keyring import Keyring
from coordinator.model.views import LedgerReport
from coordinator.store import schema
from coordinator.store.engine import OpenMode, Store
from coordinator.work import overview
from tests.unit.coordinator.conftest import opened
from tests.unit.coordinator.history import live
from tests.unit.coordinator.office import NOON, Office


@dataclass
class House:
    """A coordinator's data directory and database."""

    data: Path
    url: str

    def rows(self, name: str = "public") -> dict[str, list[Any]]:
        """All that the database holds, as it is kept; but for what a restore adds."""
        engine = create_engine(self.url)
        inside = None if self.url.startswith("sqlite") else name
        with engine.connect() as tx:
            known = set(inspect(tx).get_table_names(inside))
            found = {
                table: sorted(
                    map(tuple, tx.execute(text(f"select {columns(table)} from {place(table, inside)}")))
                )
                for table in schema.metadata.tables
                if table in known and table != "restoration"
            }
        engine.dispose()
        return found

    def verdict(self) -> LedgerReport:
        store = Store(self.url, OpenMode.AS_IT_IS)
        with contextlib.closing(store), store.read() as tx:
            return overview.check_ledger(tx)

    def back_up(self, target: Path, *, replace: bool = False) -> tuple[BackupManifest, LedgerReport]:
        with contextlib.closing(Store(self.url, OpenMode.AS_IT_IS)) as store:
            return archive.make(
                store, self.data, target, version="1.2.3", now=NOON, replace=replace, progress=quiet
            )

    def restore(self, source: Path, *, replace: bool = False) -> restore.Restored:
        return restore.put(self.url, self.data, source, now=NOON + 60, replace=replace, progress=quiet)

    def keys(self) -> dict[str, bytes]:
        return {name: path.read_bytes() for name, path in data_directory.keys(self.data).items()}


def quiet(_what: str, _done: int, _total: int) -> None: ...


def columns(table: str) -> str:
    return ", ".join(f'"{column.name}"' for column in schema.metadata.tables[table].columns)


def place(table: str, inside: str | None) -> str:
    return f'"{inside}"."{table}"' if inside else f'"{table}"'


@contextlib.contextmanager
def house(directory: Path, kind: str, request: pytest.FixtureRequest) -> Generator[House]:
    """An empty one."""
    data = directory / "data"
    data.mkdir(parents=True)
    with ExitStack() as closing:
        url = f"sqlite:///{data}/muster.db"
        if kind == "postgres":
            url = closing.enter_context(request.getfixturevalue("postgres").database())
        yield House(data, url)


def furnish(made: House) -> Office:
    """Keys, and a coordinator that has lived."""
    Authority(made.data / "keys", lambda: NOON)
    Keyring(made.data / "keys", lambda: NOON)
    for name in ("access", "session", "files", "addresses"):
        (made.data / f"{name}.key").write_text(name * 8)
    (made.data / "broker").mkdir()
    (made.data / "broker" / "port").write_text("8883")
    with opened(made.data, made.url) as office:
        live(office)
    return office
