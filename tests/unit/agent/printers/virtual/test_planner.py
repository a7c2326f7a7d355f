"""The planner takes as long as a real one: ramps, corners, look-ahead, and what a starved queue costs."""

from itertools import pairwise
from math import isclose

import pytest

from agent.printers.virtual.planner import FIRST_MOVE_DELAY, MotionLimits, Planner, Point

LIMITS = MotionLimits(printing=1000.0, travel=1000.0)


def line(length: float, pieces: int) -> list[tuple[Point, Point]]:
    points: list[Point] = [(length * index / pieces, 0.0, 0.0, index * 0.01) for index in range(pieces + 1)]
    return list(pairwise(points))


def seconds(moves: list[tuple[Point, Point]], feed: float, *, every: float = 0.0) -> float:
    """How long the moves take from the first motion; `every` is how long the host needs for one."""
    planner, now = Planner(LIMITS), 0.0
    for start, end in moves:
        planner.advance(now)
        while not planner.free:
            now = planner.next_at
            planner.advance(now)
        planner.add(start, end, feed, now)
        now += every
    while not planner.is_idle:
        now = max(now, planner.next_at)
        planner.advance(now)
    return now


def test_one_move_speeds_up_and_slows_down():
    assert isclose(seconds(line(100, 1), 50) - FIRST_MOVE_DELAY, 100 / 50 + 50 / 1000, rel_tol=0.01)


def test_a_short_move_never_reaches_its_speed():
    assert isclose(seconds(line(1, 1), 100) - FIRST_MOVE_DELAY, 2 * (1 / 1000) ** 0.5, rel_tol=0.02)


def test_a_straight_line_in_pieces_takes_no_longer_than_whole():
    assert isclose(seconds(line(100, 40), 50), 100 / 50 + 50 / 1000, rel_tol=0.05)


def test_pieces_too_short_to_stop_in_at_full_speed_are_slow_but_even():
    """15 moves of 0.1 mm ahead: 1.4 mm to stop in, which is good for 53 mm/s."""
    assert 100 / 55 < seconds(line(100, 1000), 100) < 100 / 45


def test_a_host_that_is_too_slow_starves_it():
    fed = seconds(line(50, 200), 50)
    assert fed < 1.2
    assert seconds(line(50, 200), 50, every=0.02) > 200 * 0.02
    assert seconds(line(50, 200), 50, every=0.004) < 1.2 * fed


def test_a_reversal_comes_to_rest():
    there: tuple[Point, Point] = ((0.0, 0.0, 0.0, 0.0), (10.0, 0.0, 0.0, 1.0))
    back: tuple[Point, Point] = (there[1], there[0])
    once = seconds([there, back, there, back], 50)
    assert isclose(once, 4 * (10 / 50 + 50 / 1000), rel_tol=0.02)


def test_no_axis_does_more_than_it_can():
    up: list[tuple[Point, Point]] = [((0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 12.0, 0.0))]
    assert seconds(up, 300) > 1.0
    push: list[tuple[Point, Point]] = [((0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 50.0))]
    assert seconds(push, 300) > 1.0


@pytest.mark.parametrize("at", [0.02, 0.3, 1.0, 1.9, 2.04])
def test_a_stop_finds_the_head_where_it_is(at: float):
    planner = Planner(LIMITS)
    start, end = line(100, 1)[0]
    planner.add(start, end, 50, -FIRST_MOVE_DELAY)
    place = planner.stop(at)
    assert place is not None
    speed = min(50.0, 1000 * at)
    expected = speed * speed / 2000 + 50 * max(0.0, at - 0.05) - 500 * max(0.0, at - 2.0) ** 2
    assert isclose(place[0], expected, abs_tol=0.1)
    assert planner.is_idle
