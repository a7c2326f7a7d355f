"""Both brokers that the coordinator starts itself, real ones."""

import logging
import time

import pytest
import structlog

from coordinator import logs, settings
from coordinator.keys.ca import Authority
from coordinator.mqtt import broker
from tests.farend.broker import need_mosquitto


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ca", time.time)


@pytest.fixture(params=["embedded", pytest.param("mosquitto", marks=pytest.mark.system)])
def running(request, tmp_path, authority):
    """A running broker of each kind, on a free port."""
    if request.param == "mosquitto":
        need_mosquitto()
    child = broker.start(settings.BrokerSettings(kind=request.param), tmp_path, authority)
    yield child
    child.stop()


@pytest.fixture
def guarded(tmp_path, authority):
    """A running Mosquitto."""
    need_mosquitto()
    child = broker.start(settings.BrokerSettings(kind="mosquitto"), tmp_path, authority)
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
