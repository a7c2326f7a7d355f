"""How long a print of short moves takes over a cable: what the rules of the line discipline cost. In virtual time."""

import pytest

from tests.bench.serial import plates, theory
from tests.farend.cable import Quality

CURVE = plates.curve(500)


@pytest.mark.parametrize(
    ("latency", "most"), [(0.001, 1.02), (0.004, 1.1), (0.008, 1.6)], ids=["1 ms", "4 ms", "8 ms"]
)
def test_short_moves_take_little_longer_than_the_printer_needs(latency: float, most: float):
    taken = theory.seconds(theory.Ours(CURVE), Quality(latency=latency))
    assert taken is not None
    assert taken <= most * plates.ideal(CURVE)


def test_the_whole_window_is_used():
    far = Quality(latency=0.008)
    ours, window = theory.seconds(theory.Ours(CURVE), far), theory.seconds(theory.Window(CURVE, 127), far)
    assert ours is not None
    assert window is not None
    assert ours <= 1.01 * window
