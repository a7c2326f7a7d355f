"""Parts come out of their documents as whole micrometres."""

import pytest

from gcode.document import DocumentError, decode
from gcode.part import Part, PartError, outline, settle, thickness
from gcode.polygon import area, bounds, circle, simplified
from gcode_templates import part_names, part_source


def shipped(name: str) -> Part:
    return decode(part_source(name), Part, name)


BARE = """
name = "bar"
version = "1"
title = "Bar"
purpose = "A test"
medical = "None"
materials = ["pla"]
inspection = ["Look"]
thickness = 2
[parameters.long]
default = 20
least = 10
most = 30
"""
BAR = '[[shapes]]\nkind = "polygon"\npoints = [[0, 0], ["long", 0], ["long", 10], [0, 10]]\n'


def drawn(shapes: str, **parameters: float):
    return outline(decode(BARE + shapes, Part, "bar"), parameters)


def test_an_ear_saver_measures_what_the_field_asks():
    part = shipped("ear-saver")
    shape = outline(part, {})
    assert bounds(shape) == (0, 0, 156_000, 14_000)
    assert thickness(part, {}) == 1600
    assert 3.7 < area(shape) * 1.6 * 1.27 / 1000 < 4.3


def test_an_ear_saver_has_four_hooks_a_side_at_each_end():
    shape = outline(shipped("ear-saver"), {})
    assert len(shape) == 1
    edge = [x for x, y in shape[0] if y == 14_000]
    assert len(edge) == 18  # eight slots cut the edge into nine straight pieces
    for pitch in (11, 12.5):
        assert len(outline(shipped("ear-saver"), {"pitch": pitch, "length": 150, "width": 12})) == 1


def test_a_strap_clip_has_two_slots():
    shape = outline(shipped("strap-clip"), {})
    assert bounds(shape) == (0, 0, 30_000, 15_000)
    assert thickness(shipped("strap-clip"), {}) == 3000
    holes = [bounds([hole]) for hole in shape if area([hole]) < 0]
    assert len(holes) == 2
    for left, low, right, top in holes:
        assert right - left == pytest.approx(20_000, abs=50)
        assert top - low == pytest.approx(3_000, abs=50)


@pytest.mark.parametrize("name", part_names())
def test_every_shipped_part_is_whole_over_its_whole_range(name: str):
    part = shipped(name)
    usual = len(outline(part, {}))
    for choose in ("least", "most"):
        chosen = {key: getattr(parameter, choose) for key, parameter in part.parameters.items()}
        assert len(outline(part, chosen)) == usual
    for key, parameter in part.parameters.items():
        assert len(outline(part, {key: parameter.least})) == usual
        assert len(outline(part, {key: parameter.most})) == usual


def test_shapes_are_added_cut_mirrored_and_repeated_in_order():
    assert area(drawn(BAR)) == 200
    assert area(drawn(BAR, long=30)) == 300
    hole = '[[shapes]]\nkind = "polygon"\ndo = "cut"\npoints = [[1, 1], [3, 1], [3, 3], [1, 3]]\n'
    assert area(drawn(BAR + hole)) == 196
    assert area(drawn(hole + BAR)) == 200
    assert area(drawn(BAR + hole + 'repeat = 3\nstep = ["long / 4", 0]\n')) == 188
    assert area(drawn(BAR + BAR + 'mirror = "x"\n')) == 400
    assert area(drawn(BAR + BAR + 'mirror = "xy"\n')) == 800
    disc = '[[shapes]]\nkind = "circle"\ncentre = [50, 50]\ndiameter = 10\n'
    assert 76 < area(drawn(disc)) < 78.54
    line = '[[shapes]]\nkind = "stroke"\npoints = [[0, 0], [10, 0]]\nwidth = 2\n'
    assert 22.8 < area(drawn(line)) < 23.15


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"long": 9.99}, "long must be from 10 to 30 mm"),
        ({"long": 30.01}, "long must be from 10 to 30 mm"),
        ({"long": float("nan")}, "long must be from"),
        ({"long": float("inf")}, "long must be from"),
        ({"short": 1}, "has no parameter 'short' (it has: long)"),
    ],
)
def test_parameters_keep_their_range(wrong: dict[str, float], words: str):
    part = decode(BARE + BAR, Part, "bar")
    for ask in (outline, thickness, settle):
        with pytest.raises(PartError) as caught:
            ask(part, wrong)
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("document", "line", "words"),
    [
        (BARE, 1, "`shapes` is missing"),
        (BARE + BAR.replace("polygon", "sphere"), 15, "sphere"),
        (BARE + BAR.replace("points", "pionts"), 16, "`shapes[0].pionts` is not a known setting"),
        (BARE + BAR + "colour = 1\n", 17, "`shapes[0].colour` is not a known setting"),
        (BARE + BAR.replace("0, 0]", "0]", 1), 16, "array"),
        (BARE + BAR.replace('"long", 0', '"height", 0'), 1, "names 'height'"),
        (BARE.replace("least = 10", "least = 21") + BAR, 10, "least ≤ default ≤ most"),
        (BARE.replace('"bar"', '"../bar"') + BAR, 2, "regex"),
        (BARE + BAR + BAR + 'do = "cut"\n', 1, "nothing is left"),
        (BARE + BAR.replace('"long", 10', '"long * 1000", 10'), 1, "farther than 2 m"),
    ],
)
def test_a_wrong_document_is_told_where(document: str, line: int, words: str):
    with pytest.raises(DocumentError) as caught:
        decode(document, Part, "bar")
    assert words in str(caught.value)
    assert caught.value.line == line


@pytest.mark.parametrize("radius", [1, 225, 600, 1100, 7000, 50_000])
def test_circles_are_round_and_symmetric(radius: int):
    points = circle(radius)
    assert len(set(points)) == len(points)
    assert all(abs((x * x + y * y) ** 0.5 - radius) < 1 for x, y in points)
    assert {(-y, x) for x, y in points} == set(points)
    assert {(y, x) for x, y in points} == set(points)


def test_simplifying_keeps_to_the_tolerance_and_the_corners():
    square = [(0, 0), (5000, 10), (10_000, 0), (10_000, 10_000), (5000, 9_900), (0, 10_000)]
    assert simplified(square, 25) == [(0, 0), (10_000, 0), (10_000, 10_000), (5000, 9_900), (0, 10_000)]
    assert simplified(square, 200) == [(0, 0), (10_000, 0), (10_000, 10_000), (0, 10_000)]
