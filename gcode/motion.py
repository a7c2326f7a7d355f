"""How long moves take, by one simple model that renderer and gate share."""

from math import hypot, sqrt
from typing import Final

ACCELERATION: Final = 1000.0
"""mm/s²; what bed-slingers of the time are set to, within a factor of two."""

RISING: Final = 5.0
"""mm/s that a Z axis makes at most: bed-slingers' firmware holds it there, whatever F says."""
DRAWING: Final = 50.0
"""mm/s at which filament is drawn or pushed at most."""


Direction = tuple[float, float]


class Pace:
    """Adds up the time of moves, in order.

    A move costs its length at full speed, and each change of velocity what `ACCELERATION` adds: |Δv| / 2a, which
    gives v/a more for a move from stop to stop. Short moves never cost more than from stop to stop.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.vx = 0.0
        self.vy = 0.0

    def move(self, dx: float, dy: float, speed: float) -> None:
        """A straight move in the plane, by mm, at mm/s."""
        length = hypot(dx, dy)
        if length == 0:
            return
        vx, vy = dx / length * speed, dy / length * speed
        cost = length / speed + hypot(vx - self.vx, vy - self.vy) / (2 * ACCELERATION)
        if length * ACCELERATION < speed * speed:
            cost = min(cost, 2 * sqrt(length / ACCELERATION))
        self.seconds += cost
        self.vx, self.vy = vx, vy

    def turn(self, length: float, leave: Direction, arrive: Direction, speed: float) -> None:
        """An arc in the plane, of `length` mm along it, at mm/s; directions are unit vectors at its two ends."""
        vx, vy = leave[0] * speed, leave[1] * speed
        self.seconds += length / speed + hypot(vx - self.vx, vy - self.vy) / (2 * ACCELERATION)
        self.vx, self.vy = arrive[0] * speed, arrive[1] * speed

    def halt(self, seconds: float) -> None:
        """Anything that stands still in the plane: a Z move, a retraction, a dwell."""
        self.seconds += seconds
        self.vx = self.vy = 0.0
