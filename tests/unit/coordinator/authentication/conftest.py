"""A authenticator whose passwords are kept by little work."""

import pytest

from coordinator.people import passwords
from tests.unit.coordinator.authentication.house import CHEAP, KEPT, House
from tests.unit.coordinator.office import Office


@pytest.fixture
def database(tmp_path) -> str:
    """SQLite: what differs between databases is tested with the desk and with `test_staff.py`."""
    return f"sqlite:///{tmp_path}/muster.db"


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch):
    """What is kept by less work, that hundreds of tries take no minutes."""
    monkeypatch.setattr(passwords, "_hasher", CHEAP)
    monkeypatch.setattr(passwords, "_nobody", KEPT)


@pytest.fixture
def house(office: Office) -> House:
    return House(office)
