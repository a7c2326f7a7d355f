"""Progress is time, whatever the lines are."""

import pytest

from agent.printers.serial.progress import STEP, PrintProgress


def part(done: int, *lines: bytes) -> float:
    """The part of the time that the first `done` lines take."""
    course = PrintProgress(iter([list(lines)]))
    while not course.is_known:
        course.study()
    return course.part(done) or 0.0


@pytest.mark.parametrize(
    ("there", "back"),
    [
        (b"G2 X20 Y0 I10 J0", b"G2 X0 Y0 I-10 J0"),  # each is half a circle of radius 10
        (b"G3 X20 Y0 I10 J0 F600", b"G3 X0 Y0 I-10 J0"),
        (b"G2 X0 Y0 I2.5", b"G3 X0 Y0 J2.5 E1"),  # each is a circle of radius 2.5
    ],
    ids=["clockwise", "anticlockwise", "full circles"],
)
def test_an_arc_counts_by_its_length(there: bytes, back: bytes):
    ways = [b"G1 X31.416", b"G1 X0"] if b"X20" in there else [b"G1 X15.708", b"G1 X0"]
    lines = [b"G1 X0 Y0 F600", *[there, back] * STEP, *ways * STEP]
    assert part(2 * STEP, *lines) == pytest.approx(0.5, abs=0.03)


def test_a_line_that_is_no_arc_is_no_reason_to_stop():
    assert part(1, b"G2 X5", b"G3", b"G1 X9 F600") == pytest.approx(1 / 3)
