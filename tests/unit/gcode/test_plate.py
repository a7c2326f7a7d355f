"""How many fit, and where they lie."""

import pytest

from gcode.document import decode
from gcode.part import Part
from gcode.plate import PlateError, capacity, layout
from gcode.profile import Profile
from gcode_templates import part_source

EAR_SAVER = decode(part_source("ear-saver"), Part, "ear-saver")
CLIP = decode(part_source("strap-clip"), Part, "strap-clip")


@pytest.mark.parametrize(
    ("width", "depth", "count"), [(180, 180, 9), (220, 220, 11), (250, 210, 13), (210, 250, 13)]
)
def test_as_many_ear_savers_as_the_field_counts(width: int, depth: int, count: int):
    assert capacity(EAR_SAVER, {}, Profile(width=width, depth=depth)) == count


def test_what_is_too_large_does_not_fit_at_all():
    assert capacity(EAR_SAVER, {}, Profile(width=150, depth=150)) == 0
    assert capacity(EAR_SAVER, {}, Profile(width=163.9, depth=163.9)) == 0
    assert capacity(EAR_SAVER, {}, Profile(width=164, depth=22)) == 1
    assert capacity(EAR_SAVER, {}, Profile(width=164, depth=21.9)) == 0
    assert capacity(EAR_SAVER, {}, Profile(width=22, depth=164)) == 1
    assert capacity(EAR_SAVER, {}, Profile(height=11.5)) == 0
    assert capacity(EAR_SAVER, {}, Profile(height=11.6)) == 11


def test_copies_lie_in_the_middle_with_room_around():
    plan = layout(EAR_SAVER, {}, Profile(), 11)
    assert not plan.turned
    assert [y for _, y in plan.spots] == [8_000 + 19_000 * n for n in range(11)]
    assert {x for x, _ in plan.spots} == {32_000}
    one = layout(EAR_SAVER, {}, Profile(), 1)
    assert one.spots == ((32_000, 103_000),)


def test_copies_are_turned_where_that_holds_more():
    plan = layout(EAR_SAVER, {}, Profile(width=250, depth=210), 13)
    assert plan.turned
    assert {y for _, y in plan.spots} == {27_000}


@pytest.mark.parametrize("count", [1, 2, 7, 39, 40])
def test_any_number_up_to_the_capacity_has_its_spots(count: int):
    profile = Profile(width=180, depth=180)
    assert capacity(CLIP, {}, profile) == 40
    assert len(set(layout(CLIP, {}, profile, count).spots)) == count


@pytest.mark.parametrize("count", [-1, 0, 12])
def test_more_than_fit_or_none_is_an_error(count: int):
    with pytest.raises(PlateError, match="holds 11"):
        layout(EAR_SAVER, {}, Profile(), count)
    with pytest.raises(PlateError, match="too high"):
        layout(EAR_SAVER, {}, Profile(height=10), 1)
