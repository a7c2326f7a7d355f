"""An office on each kind of database."""

import contextlib
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.unit.coordinator.office import Office, open_office


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.system)])
def database(request, tmp_path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/muster.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def office(tmp_path, database):
    """An open office; whatever a test did there, the ledger must add up after it."""
    opened: Office = open_office(tmp_path, database)
    yield opened
    assert opened.desk.ledger().objections == []
    opened.store.close()


@contextlib.contextmanager
def opened(directory: Path, database: str) -> Generator[Office]:
    """An open office whose ledger nobody looks at in the end."""
    made = open_office(directory, database)
    try:
        yield made
    finally:
        made.store.close()
