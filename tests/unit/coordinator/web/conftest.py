"""A house on SQLite: what differs between databases is tested at the desk."""

import pytest

from tests.unit.coordinator.web.house import open_house


@pytest.fixture
def database(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/muster.db"


@pytest.fixture
def house(office):
    with open_house(office) as house:
        yield house
