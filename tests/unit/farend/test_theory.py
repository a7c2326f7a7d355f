"""What a host's rules cost over a cable, in virtual time: the aims that do not depend on the machine."""

import pytest

from tests.bench.serial import plates
from tests.bench.serial.theory import Ours, Window, seconds
from tests.farend.cable import Quality

QUICK_LINE = Quality(baud=250_000, latency=0.0005)
CURVE = plates.curve(480)
TINY = plates.curve(1000, length=plates.TINY, feed=100, precise=False)


def took(lines: list[str], quality: Quality) -> float:
    result = seconds(Ours(lines), quality)
    assert result is not None
    return result


def test_240_segments_a_second_go_through_a_good_cable_as_if_there_were_none():
    assert took(CURVE, Quality(latency=0.001)) < 1.1 * plates.ideal(CURVE)


def test_one_line_at_a_time_starves_the_planner():
    single = seconds(Window(CURVE, 0), Quality(latency=0.008))
    window = seconds(Window(CURVE, 127), Quality(latency=0.008))
    assert single is not None
    assert window is not None
    assert single > 2 * window > 2 * plates.ideal(CURVE)


@pytest.mark.parametrize("seed", range(4))
def test_bad_bytes_cost_little(seed: int):
    bad = Quality(baud=250_000, latency=0.0005, bad=25_000, seed=seed)
    assert took(TINY, bad) < 1.25 * took(TINY, QUICK_LINE)


def test_a_lost_ok_costs_less_than_two_seconds():
    loss = Quality(baud=250_000, latency=0.0005, lost_ok=600)
    assert took(TINY, loss) < took(TINY, QUICK_LINE) + 2
