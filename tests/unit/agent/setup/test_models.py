import pytest

from agent.setup.models import UNKNOWN, model


@pytest.mark.parametrize(
    ("name", "size", "family"),
    [
        ("Prusa i3 MK3S", (250, 210, 210), "prusa-mk3"),
        ("Original Prusa i3 MK3S+", (250, 210, 210), "prusa-mk3"),
        ("Prusa i3 MK2.5S", (250, 210, 210), "prusa-mk3"),
        ("Prusa-MK4", (250, 210, 220), "marlin"),
        ("Original Prusa MK3.9", (250, 210, 220), "marlin"),
        ("Prusa-mini", (180, 180, 180), "marlin"),
        ("Ender-3 V2", (220, 220, 250), "marlin"),
        ("Ender-3 Max", (300, 300, 340), "marlin"),
        ("Creality CR-10 S5", (300, 300, 400), "marlin"),
        ("ENDER 5 Plus", (350, 350, 400), "marlin"),
    ],
)
def test_printers_that_people_have_are_known(name: str, size: tuple[float, float, float], family: str):
    found = model(name)
    assert ((found.width, found.depth, found.height), found.family) == (size, family)


@pytest.mark.parametrize("name", ["", "3D Printer", "RepRap", "Administrator"])
def test_who_is_not_known_is_taken_for_a_small_one(name: str):
    assert model(name) == UNKNOWN
