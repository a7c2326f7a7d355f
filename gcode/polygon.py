"""Plane geometry on whole micrometres, so that it comes out the same on every machine. Only this file knows pyclipper.

No sine or cosine is taken anywhere: circles are rational points, round caps are sums with such circles, and offsets
have mitred corners, for which Clipper needs no more than a square root.
"""

from collections.abc import Iterable, Sequence
from math import isqrt
from typing import Any, Final, cast

import pyclipper  # pyright: ignore[reportMissingTypeStubs]

Point = tuple[int, int]
"""µm."""
Polygon = list[Point]
"""Closed, without its first point again; outlines run counter-clockwise, holes clockwise."""

SAGITTA: Final = 50
"""µm by which a chord may miss its circle."""
_EIGHTH: Final = (41_421, 100_000)
"""The tangent of π/8, which leads an eighth of the way round."""
MITRE: Final = 4.0
"""How far a corner may reach out when offset, in offsets; sharper ones are cut."""

_clipper = cast("Any", pyclipper)
_CLOSED: Final = True
_NothingInside = cast("type[Exception]", _clipper.ClipperException)


def circle(radius: int) -> Polygon:
    """A circle about the origin: points t → ((1-t²)/(1+t²), 2t/(1+t²)) in whole numbers alone, an eighth mirrored."""
    steps = isqrt(77 * max(radius, 0) // (1000 * SAGITTA)) + 1  # (π/4)² / 8 = 0.077 gives the sagitta
    whole = _EIGHTH[1] * steps
    eighth: Polygon = []
    for k in range(steps):
        t = _EIGHTH[0] * k
        square = whole * whole + t * t
        eighth.append(
            (_rounded(radius * (whole * whole - t * t), square), _rounded(2 * radius * t * whole, square))
        )
    diagonal = _rounded(radius * 70_711, 100_000)
    quarter = [*eighth, (diagonal, diagonal), *((y, x) for x, y in reversed(eighth[1:]))]
    turned = [
        quarter,
        [(-y, x) for x, y in quarter],
        [(-x, -y) for x, y in quarter],
        [(y, -x) for x, y in quarter],
    ]
    return [point for part in turned for point in part]


def stroke(path: Sequence[Point], width: int) -> list[Polygon]:
    """All that a round pen of this width covers on its way along an open path."""
    pen = circle(width // 2)
    if len(path) == 1:
        return [[(x + path[0][0], y + path[0][1]) for x, y in pen]]
    return union(_clipper.MinkowskiSum(pen, path, not _CLOSED))


def union(polygons: Iterable[Sequence[Point]]) -> list[Polygon]:
    """What any of these covers."""
    return _combine(polygons, [], _clipper.CT_UNION)


def difference(polygons: Iterable[Sequence[Point]], cut: Iterable[Sequence[Point]]) -> list[Polygon]:
    """What the first cover and the second do not."""
    return _combine(polygons, cut, _clipper.CT_DIFFERENCE)


def shrunk(polygons: Iterable[Sequence[Point]], by: int) -> list[Polygon]:
    """The same, less a rim of this many µm."""
    offset = _clipper.PyclipperOffset(MITRE)
    for polygon in polygons:
        offset.AddPath(polygon, _clipper.JT_MITER, _clipper.ET_CLOSEDPOLYGON)
    return _points(offset.Execute(-by))


def softened(polygons: Iterable[Sequence[Point]], radius: int) -> list[Polygon]:
    """The same with its outward corners rounded; what is narrower than two radii vanishes."""
    core = cleaned(shrunk(polygons, radius), SAGITTA)
    pen = circle(radius)
    rims = [piece for polygon in core for piece in _clipper.MinkowskiSum(pen, polygon, _CLOSED)]
    return _combine([*core, *rims], [], _clipper.CT_UNION)


def cleaned(polygons: Iterable[Sequence[Point]], tolerance: int) -> list[Polygon]:
    """The same without points that matter less than this many µm."""
    return [
        polygon for polygon in _points(_clipper.CleanPolygons(list(polygons), tolerance)) if len(polygon) > 2
    ]


def simplified(polygon: Sequence[Point], tolerance: int) -> Polygon:
    """The same with as few of its points as keep all of it within this many µm (Douglas and Peucker's way)."""
    start = polygon.index(min(polygon))
    ring = [*polygon[start:], *polygon[: start + 1]]
    ax, ay = ring[0]
    far = max(range(len(ring)), key=lambda n: (ring[n][0] - ax) ** 2 + (ring[n][1] - ay) ** 2)
    keep = {0, far}
    spans = [(0, far), (far, len(ring) - 1)]
    while spans:
        first, last = spans.pop()
        worst, where = _farthest(ring, first, last)
        if worst > tolerance * tolerance:
            keep.add(where)
            spans += [(first, where), (where, last)]
    return [ring[n] for n in sorted(keep)]


def bounds(polygons: Iterable[Sequence[Point]]) -> tuple[int, int, int, int]:
    """Least x, least y, most x, most y."""
    points = [point for polygon in polygons for point in polygon]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def area(polygons: Iterable[Sequence[Point]]) -> float:
    """What they cover, in mm², holes taken off."""
    return sum(cast("float", _clipper.Area(polygon)) for polygon in polygons) / 1e6


def _farthest(ring: Sequence[Point], first: int, last: int) -> tuple[int, int]:
    """How far the point between these two strays farthest from their line, squared and rounded down, and which."""
    (ax, ay), (bx, by) = ring[first], ring[last]
    dx, dy = bx - ax, by - ay
    span = dx * dx + dy * dy
    worst, where = 0, first
    for n in range(first + 1, last):
        x, y = ring[n][0] - ax, ring[n][1] - ay
        along = x * dx + y * dy
        if along <= 0 or span == 0:
            off = x * x + y * y
        elif along >= span:
            off = (x - dx) ** 2 + (y - dy) ** 2
        else:
            off = (x * dy - y * dx) ** 2 // span
        if off > worst:
            worst, where = off, n
    return worst, where


def _combine(
    subject: Iterable[Sequence[Point]], clip: Iterable[Sequence[Point]], how: object
) -> list[Polygon]:
    engine = _clipper.Pyclipper()
    taken = [_added(engine, polygon, _clipper.PT_SUBJECT) for polygon in subject]
    if True not in taken:
        return []
    for polygon in clip:
        _added(engine, polygon, _clipper.PT_CLIP)
    return _points(engine.Execute(how, _clipper.PFT_NONZERO, _clipper.PFT_NONZERO))


def _added(engine: Any, polygon: Sequence[Point], kind: object) -> bool:
    """Whether Clipper took it; it takes none that covers nothing."""
    try:
        return cast("bool", engine.AddPath(polygon, kind, _CLOSED))
    except _NothingInside:
        return False


def _points(paths: Any) -> list[Polygon]:
    return [[(x, y) for x, y in path] for path in paths]


def _rounded(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
