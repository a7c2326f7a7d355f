"""An office on each kind of database."""

import contextlib
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.farend.postgres import Postgres
from tests.unit.coordinator.office import Office, open_office

KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.system)]


@pytest.fixture(params=KINDS)
def empty_database(request, tmp_path) -> str:
    """The URL of a database in which nothing is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/muster.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture(params=KINDS)
def database(request, tmp_path) -> Generator[str]:
    """The URL of a database for an office, which may have been prepared for it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/muster.db"
        return
    like = request.getfixturevalue("prepared_database")
    with request.getfixturevalue("postgres").database(like) as url:
        yield url


@pytest.fixture(scope="session")
def prepared_database(postgres: Postgres, tmp_path_factory) -> str:
    """The name of a database on which an office was opened."""
    name = "prepared"
    open_office(tmp_path_factory.mktemp(name), postgres.create(name)).store.close()
    return name


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
