"""Plates: drawn once, kept by their digest, and refused if they can't be."""

import hashlib
import threading
from pathlib import Path

import pytest

from coordinator.errors import Invalid, Missing
from coordinator.keys.keyring import Keyring
from coordinator.store.engine import Store
from coordinator.work import catalogue
from coordinator.work.catalogue import Approved
from coordinator.work.plates import PlateLibrary, PlateOrder
from gcode.profile import Profile
from tests.unit.coordinator.office import NOON


def approved(folder: Path) -> list[Approved]:
    keyring, store = Keyring(folder / "keys", lambda: NOON), Store(f"sqlite:///{folder}/muster.db")
    with store.write() as tx:
        found = catalogue.stock(tx, keyring, NOON)
    store.close()
    return found


@pytest.fixture
def plates(tmp_path) -> PlateLibrary:
    return PlateLibrary(tmp_path / "plates", approved(tmp_path))


def order(
    plates: PlateLibrary, *, profile: Profile | None = None, material: str = "petg", count: int = 2
) -> PlateOrder:
    name = "strap-clip"
    parameters = tuple(sorted(plates.parameters(name, {}).items()))
    return PlateOrder(name, plates.part(name).version, parameters, profile or Profile(), material, count)


def test_a_plates_file_is_what_its_digest_says(plates: PlateLibrary):
    drawn = plates.draw(order(plates))
    body = plates.path(drawn.digest).read_bytes()
    assert (hashlib.sha256(body).hexdigest(), len(body)) == (drawn.digest, drawn.size)


def test_a_plate_is_known_only_when_it_is_drawn(plates: PlateLibrary):
    wanted = order(plates)
    assert plates.drawn(wanted) is None
    assert plates.draw(wanted) == plates.drawn(wanted)


def test_another_process_draws_the_same_bytes(plates: PlateLibrary, tmp_path):
    assert plates.draw(order(plates)) == PlateLibrary(tmp_path / "elsewhere", approved(tmp_path)).draw(
        order(plates)
    )


def test_threads_that_want_the_same_plate_get_the_same(plates: PlateLibrary):
    wanted, drawn = order(plates, count=1), []
    threads = [threading.Thread(target=lambda: drawn.append(plates.draw(wanted))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert drawn == [drawn[0]] * 4


@pytest.mark.parametrize("changes", [{"count": 1000}, {"material": "lead"}, {"profile": Profile(flow=0.02)}])
def test_what_can_not_be_drawn_is_refused_and_remembered(plates: PlateLibrary, changes):
    wanted = order(plates, **changes)
    with pytest.raises(Invalid):
        plates.draw(wanted)
    assert plates.can_not(wanted)
    assert not plates.can_not(order(plates))


def test_a_part_that_nobody_released_has_no_room_on_any_plate(plates: PlateLibrary):
    assert plates.capacity("crown", "1", {}, Profile()) == 0
    assert plates.capacity("strap-clip", "0.0.0-old", {}, Profile()) == 0
    with pytest.raises(Missing, match="strap-clip"):
        plates.part("crown")


def test_parameters_are_settled_within_their_bounds(plates: PlateLibrary):
    assert plates.parameters("ear-saver", {"length": 155.0})["length"] == 155.0
    for wrong in ({"length": 1000.0}, {"colour": 1.0}, {"length": float("nan")}, {"length": float("inf")}):
        with pytest.raises(Invalid):
            plates.parameters("ear-saver", wrong)
