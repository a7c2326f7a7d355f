"""Houses on either database: one with a history, one where nobody has been, and a back-up."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.unit.coordinator.backup.house import House, furnish, house
from tests.unit.coordinator.conftest import KINDS


@pytest.fixture(params=KINDS)
def lived(request, tmp_path) -> Generator[House]:
    """A house with a history."""
    with house(tmp_path / "lived", request.param, request) as made:
        furnish(made)
        yield made


@pytest.fixture(params=KINDS)
def empty(request, tmp_path) -> Generator[House]:
    """A house where nobody has been."""
    with house(tmp_path / "empty", request.param, request) as made:
        yield made


@pytest.fixture(scope="package")
def good(tmp_path_factory) -> Path:
    """A back-up."""
    directory = tmp_path_factory.mktemp("good")
    made = House(directory / "data", f"sqlite:///{directory}/data/muster.db")
    made.data.mkdir()
    furnish(made)
    made.back_up(directory / "muster.backup")
    return directory / "muster.backup"
