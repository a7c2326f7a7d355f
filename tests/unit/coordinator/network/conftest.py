"""An office on each kind of database, and both brokers that the coordinator starts itself: real ones all."""

import logging
import os
import time

import pytest
import structlog

from coordinator import broker, logs, mosquitto, settings
from coordinator.ca import Authority
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


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ca", time.time)


def need_mosquitto():
    if mosquitto.program() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "Mosquitto is not installed: sudo apt install mosquitto"
        )


@pytest.fixture(params=["embedded", pytest.param("mosquitto", marks=pytest.mark.system)])
def running(request, tmp_path, authority):
    """A running broker of each kind, on a free port."""
    if request.param == "mosquitto":
        need_mosquitto()
    child = broker.start(settings.Broker(kind=request.param), tmp_path, authority)
    yield child
    child.stop()


@pytest.fixture
def guarded(tmp_path, authority):
    """A running Mosquitto."""
    need_mosquitto()
    child = broker.start(settings.Broker(kind="mosquitto"), tmp_path, authority)
    yield child
    child.stop()


@pytest.fixture(autouse=True)
def _logs_as_they_are_in_earnest():
    """Structlog's own default draws a whole page for each traceback."""
    handlers, level = logging.root.handlers[:], logging.root.level
    logs.configure("json", "info")
    yield
    logging.root.handlers[:], logging.root.level = handlers, level
    structlog.reset_defaults()
