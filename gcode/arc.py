"""An arc in the plane, as G2 and G3 say it."""

from math import atan2, floor, hypot, pi, sin
from typing import Final

Point = tuple[float, float]

LEAST: Final = 0.01
"""mm: of a radius, and between two ends that are not the same."""
UNEVEN: Final = 0.05
"""mm by which the radius at its end may differ: rounding in the file, and more than that is another arc."""
CHORD: Final = 1.0
"""mm of the chords that the coarsest firmware draws arcs with (MM_PER_ARC_SEGMENT of Marlin 1)."""


class Arc:
    """From `start` to `end` around `start + offset`; `turn` is 1 anticlockwise (G3), -1 clockwise (G2).

    Ends that are the same make a full circle. `radius` is the larger of the two at its ends, `length` mm along it,
    `leave` and `arrive` are the directions at its ends.
    """

    def __init__(self, start: Point, end: Point, offset: Point, turn: int) -> None:
        i, j = offset
        self.centre: Point = (start[0] + i, start[1] + j)
        x, y = end[0] - self.centre[0], end[1] - self.centre[1]
        first, last = hypot(i, j), hypot(x, y)
        chord = hypot(end[0] - start[0], end[1] - start[1])
        self.radius = max(first, last)
        self.is_clear = (
            min(first, last) >= LEAST and abs(first - last) <= UNEVEN and (chord == 0 or chord >= LEAST)
        )
        """Whether all firmware sees the same arc in it."""
        angle = (atan2(y, x) - atan2(-j, -i)) * turn % (2 * pi)
        self.angle = angle if chord else 2 * pi
        self.length = self.radius * self.angle
        self.leave = self._along(-i, -j, turn)
        self.arrive = self._along(x, y, turn)

    @property
    def chords(self) -> float:
        """Its length as the coarsest firmware draws it: what is laid on it has no more room than that."""
        count = max(1, floor(self.length / CHORD))
        return 2 * count * self.radius * sin(self.angle / (2 * count))

    @staticmethod
    def _along(x: float, y: float, turn: int) -> Point:
        length = hypot(x, y) or 1.0
        return (-turn * y / length, turn * x / length)
