"""Both brokers that the coordinator starts itself, real ones."""

import os
import time

import pytest

from coordinator import broker, mosquitto, settings
from coordinator.ca import Authority


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
