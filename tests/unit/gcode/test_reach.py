"""Where a head may go in the plane, and how arcs run."""

from math import nan, pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcode.arc import Arc
from gcode.document import decode
from gcode.draw import render
from gcode.gate import judge
from gcode.material import material
from gcode.part import Part
from gcode.plate import capacity, layout
from gcode.profile import Profile, Zone
from gcode.reach import Reach
from gcode.refusal import Rule
from gcode.script import Script, fill
from gcode_templates import machine_source, part_source

CLIP = Zone(x=0, y=90, width=12, depth=30)
BUCKET = Zone(x=205, y=205, radius=15)
FENCED = Profile(zones=(CLIP, BUCKET), home=(0, 0))
ROUND = Profile(radius=100)
EAR_SAVER = decode(part_source("ear-saver"), Part, "ear-saver")
STRAP_CLIP = decode(part_source("strap-clip"), Part, "strap-clip")
MARLIN = decode(machine_source("marlin"), Script, "marlin")
PETG = material("petg")

places = st.floats(-20, 240)
zones = st.one_of(
    st.builds(Zone, x=places, y=places, width=st.floats(1, 80), depth=st.floats(1, 80)),
    st.builds(Zone, x=places, y=places, radius=st.floats(1, 40)),
)


def test_without_zones_the_room_is_the_bed():
    assert Reach(Profile()).room == (0, 0, 220, 220)
    assert not Reach(Profile()).is_fenced


def test_the_room_is_the_largest_rectangle_beside_the_zones():
    assert Reach(FENCED).room == (12, 0, 220, 190)
    assert Reach(Profile(zones=(Zone(x=0, y=0, width=220, depth=220),), home=(0, 0))).room[2:] == (0, 0)


@given(st.lists(zones, max_size=5), st.tuples(*[st.floats(0, 1)] * 4))
def test_every_way_within_the_room_is_free(fences: list[Zone], shares: tuple[float, ...]):
    reach = Reach(Profile(zones=tuple(fences), home=(0, 0)))
    west, south, east, north = reach.room
    x, to_x = (west + share * (east - west) for share in shares[:2])
    y, to_y = (south + share * (north - south) for share in shares[2:])
    if west < east and south < north:
        assert reach.entered(x, y, to_x, to_y) is None
        assert reach.holds(x, y)


@given(st.lists(zones, max_size=5), places, places, places, places)
def test_what_is_obviously_free_is_free(fences: list[Zone], x: float, y: float, to_x: float, to_y: float):
    reach = Reach(Profile(zones=tuple(fences), home=(0, 0)))
    if reach.clear(x, y, to_x, to_y):
        assert reach.entered(x, y, to_x, to_y) is None


def test_of_a_way_from_nowhere_the_end_is_looked_at():
    reach = Reach(FENCED)
    assert reach.entered(nan, nan, 5, 100) == CLIP
    assert reach.entered(nan, 5, 50, 100) is None
    assert reach.entered(0, 0, nan, 100) is None


def test_on_a_round_bed_half_a_place_may_be_known():
    reach = Reach(ROUND)
    assert reach.holds(nan, 100)
    assert not reach.holds(nan, 100.1)
    assert not reach.holds(80, 80)


def test_plates_lie_in_the_room():
    assert capacity(STRAP_CLIP, {}, Profile(radius=20)) == 0
    for profile in (FENCED, ROUND, Profile(radius=120, zones=(Zone(x=0, y=0, radius=10),))):
        count = capacity(STRAP_CLIP, {}, profile)
        reach = Reach(profile)
        west, south, east, north = (1000 * side for side in reach.room)
        plan = layout(STRAP_CLIP, {}, profile, count)
        wide, deep = (15_000, 30_000) if plan.turned else (30_000, 15_000)
        assert all(west <= x and x + wide <= east and south <= y and y + deep <= north for x, y in plan.spots)


@pytest.mark.parametrize("profile", [ROUND, Profile(radius=60), FENCED])
def test_what_is_drawn_for_round_and_fenced_beds_passes_with_the_scripts(profile: Profile):
    around = fill(MARLIN, profile, PETG)
    body = render(STRAP_CLIP, {}, profile, PETG, min(4, capacity(STRAP_CLIP, {}, profile))).body
    verdict = judge(around.start, body, around.end, profile, PETG)
    assert verdict.accepted, verdict


def test_a_body_can_not_begin_from_an_unknown_place_beside_zones():
    start = b"G21\nG90\nM83\nG28\nG29\nM109 S230\nG1 Z5 F3000\n"
    end = b"M104 S0\nM140 S0\n"
    assert judge(start, b"G1 X50 Y50\n", end, Profile(), PETG).accepted
    refused = judge(start, b"G1 X50 Y50\n", end, FENCED, PETG)
    assert (refused.code, refused.line) == (Rule.STATE, 8)
    assert judge(start + b"G1 X50 Y50\n", b"G1 X60 Y50\n", end, FENCED, PETG).accepted


@pytest.mark.parametrize(
    ("end", "turn", "angle"),
    [
        ((0, 0), 1, 2 * pi),
        ((0, 0), -1, 2 * pi),
        ((10, 0), 1, pi),
        ((5, 5), -1, pi / 2),
        ((5, 5), 1, 3 * pi / 2),
    ],
)
def test_how_far_an_arc_goes_round(end: tuple[float, float], turn: int, angle: float):
    arc = Arc((0, 0), end, (5, 0), turn)
    assert arc.is_clear
    assert arc.angle == pytest.approx(angle)
    assert arc.length == pytest.approx(5 * angle)
    assert arc.chords < arc.length


def test_the_directions_at_an_arcs_ends():
    arc = Arc((0, 0), (10, 0), (5, 0), -1)
    assert arc.leave == pytest.approx((0, 1))
    assert arc.arrive == pytest.approx((0, -1))


def test_a_tiny_circle_has_no_room_for_plastic():
    assert Arc((0, 0), (0, 0), (0.1, 0), 1).chords == pytest.approx(0)
