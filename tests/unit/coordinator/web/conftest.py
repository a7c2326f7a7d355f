"""A house on SQLite: what differs between databases is tested at the desk."""

import pytest

from tests.unit.coordinator.office import open_office
from tests.unit.coordinator.web.house import open_house


@pytest.fixture
def database(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/muster.db"


@pytest.fixture
def house(office):
    with open_house(office) as house:
        yield house


@pytest.fixture(scope="module")
def quiet_house(tmp_path_factory):
    """One house for all the tests of a module that are refused everything, and so change nothing."""
    directory = tmp_path_factory.mktemp("quiet")
    office = open_office(directory, f"sqlite:///{directory}/muster.db")
    with open_house(office) as house:
        yield house
    office.store.close()
