"""A house on SQLite: what differs between databases is tested at the desk."""

import pytest

from tests.unit.coordinator.office import open_office
from tests.unit.coordinator.web.house import open_house


@pytest.fixture
def house(tmp_path):
    office = open_office(tmp_path, f"sqlite:///{tmp_path}/muster.db")
    with open_house(office) as house:
        yield house
    assert office.desk.ledger().objections == []
    office.store.close()


@pytest.fixture(scope="module")
def quiet_house(tmp_path_factory):
    """One house for all the tests of a module that are refused everything, and so change nothing."""
    directory = tmp_path_factory.mktemp("quiet")
    office = open_office(directory, f"sqlite:///{directory}/muster.db")
    with open_house(office) as house:
        yield house
    office.store.close()
