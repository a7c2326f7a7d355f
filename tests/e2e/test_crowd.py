"""A crowd of light agents whose broker dies and comes back: everybody is answered. `make bench` has thousands."""

import pytest

from coordinator.mqtt import mosquitto
from tests.bench import load

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


def test_a_brokers_death_leaves_nobody_without_an_answer():
    if mosquitto.program() is None:
        pytest.skip("mosquitto is not installed (Debian: apt install mosquitto)")
    waits = load.measure(60, 2.0)[0].values
    assert len(waits) == 60
