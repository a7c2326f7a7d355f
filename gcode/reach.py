"""Where the head of one printer may go in the plane: its bed, without what its owner has fenced off."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise, product
from math import hypot, isnan, sqrt
from typing import Final

from gcode.profile import Profile, Zone

Rectangle = tuple[float, float, float, float]
"""Left, front, right, back; mm."""

MARGIN: Final = 4.0
"""mm that plates leave free along each edge of `room`; the start script draws its purge line in there."""
_BEYOND: Final = 1e6
_GRAZE: Final = 1e-9
"""mm by which a way may seem to be in a zone by rounding alone."""


class Reach:
    """The plane of one printer. Its edges, and those of zones, may be touched.

    `bounds` is the rectangle around the bed. `room` is the largest rectangle that lies on the bed and meets no zone:
    from anywhere in it to anywhere in it the way is free, as it is convex.
    """

    def __init__(self, profile: Profile) -> None:
        radius = profile.radius
        self.radius = radius
        self.bounds: Rectangle = (
            (-radius, -radius, radius, radius) if radius else (0.0, 0.0, profile.width, profile.depth)
        )
        self.zones = profile.zones
        self.is_fenced = bool(profile.zones or radius)
        """Whether it is more than a plain rectangle, whose every point can be reached from every other."""
        self._shapes = [(zone, _box(zone, self.bounds)) for zone in profile.zones]
        self._boxes = [box for _, box in self._shapes]
        inner = radius / sqrt(2) - _GRAZE
        self.room = _room((-inner, -inner, inner, inner) if radius else self.bounds, self._boxes)

    def holds(self, x: float, y: float) -> bool:
        """Whether the bed has such a point. Of one that is known by half (`nan`), whether it may."""
        left, front, right, back = self.bounds
        if not (isnan(x) or left <= x <= right) or not (isnan(y) or front <= y <= back):
            return False
        return not self.radius or isnan(x) or isnan(y) or hypot(x, y) <= self.radius

    def clear(self, x: float, y: float, to_x: float, to_y: float) -> bool:
        """Whether a way from a point of the bed is obviously free: it ends on the bed, its box touches no zone's."""
        if not self.holds(to_x, to_y):
            return False
        west, east = (x, to_x) if x < to_x else (to_x, x)
        south, north = (y, to_y) if y < to_y else (to_y, y)
        return not any(
            west < right and left < east and south < back and front < north
            for left, front, right, back in self._boxes
        )

    def entered(self, x: float, y: float, to_x: float, to_y: float) -> Zone | None:
        """The first zone that the straight way leads into; of a way from an unknown point, its end is looked at."""
        if isnan(to_x) or isnan(to_y):
            return None
        if isnan(x) or isnan(y):
            x, y = to_x, to_y
        return next((zone for zone, box in self._shapes if _meets(zone, box, x, y, to_x, to_y)), None)

    def encircled(self, x: float, y: float, radius: float) -> Zone | None:
        """The first zone that a circle's line or inside meets: an arc goes along some part of it."""
        return next(
            (zone for zone, box in self._shapes if _distance(zone, box, x, y) < radius - _GRAZE), None
        )

    def surrounds(self, x: float, y: float, radius: float) -> bool:
        """Whether the full circle lies on the bed."""
        left, front, right, back = self.bounds
        if self.radius:
            return hypot(x, y) + radius <= self.radius
        return left <= x - radius and x + radius <= right and front <= y - radius and y + radius <= back


@lru_cache(maxsize=256)
def reach(profile: Profile) -> Reach:
    """The reach of this printer; worked out once for each."""
    return Reach(profile)


def _box(zone: Zone, bounds: Rectangle) -> Rectangle:
    """The least rectangle around a zone. One that reaches the bed's edge goes on beyond it: nothing passes there."""
    if zone.radius:
        return (zone.x - zone.radius, zone.y - zone.radius, zone.x + zone.radius, zone.y + zone.radius)
    left, front, right, back = zone.x, zone.y, zone.x + zone.width, zone.y + zone.depth
    return (
        left if left > bounds[0] else -_BEYOND,
        front if front > bounds[1] else -_BEYOND,
        right if right < bounds[2] else _BEYOND,
        back if back < bounds[3] else _BEYOND,
    )


def _meets(zone: Zone, box: Rectangle, x: float, y: float, to_x: float, to_y: float) -> bool:
    """Whether the way has a point within the zone, beyond its edge."""
    dx, dy = to_x - x, to_y - y
    if zone.radius:
        length = dx * dx + dy * dy
        nearest = ((zone.x - x) * dx + (zone.y - y) * dy) / length if length else 0.0
        nearest = min(1.0, max(0.0, nearest))
        return hypot(x + nearest * dx - zone.x, y + nearest * dy - zone.y) < zone.radius - _GRAZE
    left, front, right, back = box
    enter, leave = 0.0, 1.0
    for at, way, low, high in ((x, dx, left, right), (y, dy, front, back)):
        if way == 0:
            if not low < at < high:
                return False
            continue
        first, last = sorted(((low - at) / way, (high - at) / way))
        enter, leave = max(enter, first), min(leave, last)
    length = hypot(dx, dy)
    return (leave - enter) * length > _GRAZE if length else enter <= leave


def _distance(zone: Zone, box: Rectangle, x: float, y: float) -> float:
    """From a point to the zone; 0 inside."""
    if zone.radius:
        return max(0.0, hypot(x - zone.x, y - zone.y) - zone.radius)
    left, front, right, back = box
    return hypot(max(left - x, 0.0, x - right), max(front - y, 0.0, y - back))


def _room(whole: Rectangle, boxes: list[Rectangle]) -> Rectangle:
    """The largest rectangle within `whole` that meets none of the boxes; with no area if there is none."""
    left, front, right, back = whole
    lefts = sorted({left, *(each[2] for each in boxes if left < each[2] < right)})
    rights = sorted({right, *(each[0] for each in boxes if left < each[0] < right)})
    found: Iterable[Rectangle] = (
        (low, south, high, north)
        for low, high in product(lefts, rights)
        if low < high
        for south, north in _gaps(front, back, [each for each in boxes if each[0] < high and low < each[2]])
    )
    nothing = (left, front, left, front)
    return max(found, key=lambda each: (each[2] - each[0]) * (each[3] - each[1]), default=nothing)


def _gaps(front: float, back: float, boxes: list[Rectangle]) -> list[tuple[float, float]]:
    """What is free of a strip from front to back."""
    marks = [front]
    for _, south, _, north in sorted(boxes, key=lambda each: each[1]):
        marks += [min(back, max(marks[-1], south)), min(back, max(marks[-1], north))]
    marks.append(max(back, marks[-1]))
    return [(a, b) for n, (a, b) in enumerate(pairwise(marks)) if n % 2 == 0 and a < b]
