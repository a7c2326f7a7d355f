"""Draws a plate: a part version, its parameters and a printer's profile become the body of a job.

A pure function to bytes, the same on every machine: whoever has the part version can draw again and compare.
Layers are filled by concentric loops from the outside in, all of one height, so that the text of a layer is made once
for each copy and used again.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import ceil, floor, pi, sqrt
from typing import Final

from msgspec import Struct

from gcode.machine import Machine
from gcode.material import Material
from gcode.motion import Pace
from gcode.part import Part, outline, thickness
from gcode.plate import HEADROOM, Layout, PlateError, arranged
from gcode.polygon import Point, Polygon, bounds, cleaned, shrunk, simplified
from gcode.profile import Profile
from gcode.rules import SLOWEST

LINE_WIDTH: Final = 1.125
LAYER_HEIGHT: Final = 0.5
"""Both in nozzle diameters."""
FIRST_SPEED: Final = 20.0
SPEED: Final = 50.0
TRAVEL_SPEED: Final = 150.0
RISE_SPEED: Final = 10.0
RETRACT_SPEED: Final = 35.0
"""All in mm/s, and never above what the printer's profile allows."""
RETRACTION: Final = 1.0
"""mm of filament; a body begins with none drawn back and ends with this much."""
STRINGING: Final = 2_000
"""µm of travel from which filament is drawn back first."""
MOST_LINES: Final = 1_900_000
MOST_BYTES: Final = 60_000_000
"""A little below the gate's bounds, as the scripts come on top."""
_WALL_TOLERANCE: Final = 25
_TOLERANCE: Final = 60
"""µm that a line may stray to save points: the outermost, and those that nobody sees."""
_GRID: Final = 10
"""µm; two decimals of a millimetre."""


class Plate(Struct, frozen=True, kw_only=True):
    """A job's body in canonical G-code, and what it makes: copies, grams, seconds of moving (not of heating)."""

    body: bytes
    count: int
    grams: float
    seconds: float


class _Pen(Struct, frozen=True, kw_only=True):
    """Line width and layer height in µm, mm of filament a mm of line, and feeds in mm/min."""

    width: int
    layers: int
    per_mm: float
    first: int
    normal: int
    travel: int
    rise: int
    retract: int


def render(
    part: Part, parameters: Mapping[str, float], profile: Profile, material: Material, count: int
) -> Plate:
    """Draw `count` copies.

    Raises:
        PartError: the parameters do not make this part.
        PlateError: they do not fit, or printer, part and material do not go together.
    """
    if material.name not in part.materials:
        raise PlateError(
            f"{part.name} may not be made of {material.name} (use {' or '.join(part.materials)})"
        )
    thick = thickness(part, parameters)
    if thick + HEADROOM > profile.height * 1000:
        raise PlateError(f"{part.name} is too high for this printer")
    shape = outline(part, parameters)
    plan = arranged(shape, profile, count, part.name)
    pen = _pen(profile, thick)
    loops = _ordered(_loops(_turned(shape) if plan.turned else shape, pen.width))
    if not loops:
        raise PlateError(f"{part.name} has nothing that a {profile.nozzle:g} mm nozzle can draw")
    _affordable(loops, pen, plan)
    return _written(loops, pen, plan, thick, Machine(profile, material))


def _pen(profile: Profile, thick: int) -> _Pen:
    width = round(profile.nozzle * LINE_WIDTH * 1000)
    layers = ceil(thick / (profile.nozzle * LAYER_HEIGHT * 1000))
    section = width * (thick / layers) / 1e6
    melting = floor(profile.flow / section * 60)
    if melting < SLOWEST:
        raise PlateError(f"a flow of {profile.flow:g} mm³/s is too little for a {profile.nozzle:g} mm nozzle")
    return _Pen(
        width=width,
        layers=layers,
        per_mm=section / (pi * profile.filament * profile.filament / 4),
        first=min(int(FIRST_SPEED * 60), profile.feed, melting),
        normal=min(int(SPEED * 60), profile.feed, melting),
        travel=min(int(TRAVEL_SPEED * 60), profile.feed),
        rise=min(int(RISE_SPEED * 60), profile.feed),
        retract=min(int(RETRACT_SPEED * 60), profile.feed),
    )


def _turned(shape: Sequence[Polygon]) -> list[Polygon]:
    _, _, _, depth = bounds(shape)
    return [[(depth - y, x) for x, y in polygon] for polygon in shape]


def _loops(shape: Sequence[Polygon], width: int) -> list[Polygon]:
    """The middle of each line, from the outermost in, on a grid that two decimals can say.

    A sliver that is narrower than the tolerance comes as its two ends: it is drawn once, not there and back.
    """
    loops: list[Polygon] = []
    left = shrunk(shape, width // 2)
    tolerance = _WALL_TOLERANCE
    while left:
        left = cleaned(left, _GRID)
        for polygon in left:
            slim = simplified(polygon, tolerance)
            snapped = [((x + 5) // _GRID * _GRID, (y + 5) // _GRID * _GRID) for x, y in slim]
            loop = [point for n, point in enumerate(snapped) if point != snapped[n - 1]]
            if len(loop) > 2 or (len(loop) == 2 and _distance(*loop) >= width):
                loops.append(loop)
        left = shrunk(left, width)
        tolerance = _TOLERANCE
    return loops


def _ordered(loops: list[Polygon]) -> list[Polygon]:
    """Each loop next that lies nearest, begun at its nearest point; the first begins at its own least point."""
    rest = list(loops)
    (ax, ay) = min(rest[0]) if rest else (0, 0)
    done: list[Polygon] = []
    while rest:
        _, which, start = min(
            ((x - ax) * (x - ax) + (y - ay) * (y - ay), n, k)
            for n, loop in enumerate(rest)
            for k, (x, y) in enumerate(loop)
        )
        loop = rest.pop(which)
        done.append(loop[start:] + loop[:start])
        ax, ay = _closed(done[-1])[-1]
    return done


def _affordable(loops: Sequence[Polygon], pen: _Pen, plan: Layout) -> None:
    lines = (sum(len(loop) + 4 for loop in loops) + 2) * len(plan.spots) * pen.layers
    if lines > MOST_LINES or lines * 32 > MOST_BYTES:
        raise PlateError("the plate would be too long a file (print fewer copies, or with a wider nozzle)")


def _written(loops: Sequence[Polygon], pen: _Pen, plan: Layout, thick: int, machine: Machine) -> Plate:
    points = [point for loop in loops for point in _closed(loop)]
    first, normal = _text(loops, pen, pen.first), _text(loops, pen, pen.normal)
    bottom, upper = b"", b""
    for ox, oy in plan.spots:
        numbers = tuple(number for x, y in points for number in ((x + ox) / 1000, (y + oy) / 1000))
        bottom += (first % numbers).encode()
        upper += (normal % numbers).encode()
    (x, y), (ox, oy) = points[0], plan.spots[0]
    start = (
        f"G90\nM83\nG92 E0\nM107\nG1 E-{RETRACTION:g} F{pen.retract}\n"
        f"G0 X{(x + ox) / 1000:.2f} Y{(y + oy) / 1000:.2f} F{pen.travel}\n"
    )
    layers = [
        b"G1 Z%.3f F%d\n" % (thick * n // pen.layers / 1000, pen.rise) for n in range(1, pen.layers + 1)
    ]
    body = [start.encode(), layers[0], bottom]
    if pen.layers > 1:
        body.append(b"M106 S%d\n" % machine.material.fan)
    for layer in layers[1:]:
        body += layer, upper
    filament = sum(_laid(a, b, pen) for loop in loops for a, b in _sides(loop)) * len(plan.spots) * pen.layers
    return Plate(
        body=b"".join(body),
        count=len(plan.spots),
        grams=filament * machine.area * machine.material.density / 1000,
        seconds=_seconds(loops, pen, plan),
    )


def _text(loops: Sequence[Polygon], pen: _Pen, feed: int) -> str:
    """One layer of one copy, as a template for its coordinates; filament is drawn back before it and after it."""
    push, draw = f"G1 E{RETRACTION:g} F{pen.retract}\n", f"G1 E-{RETRACTION:g} F{pen.retract}\n"
    travel = f"G0 X%.2f Y%.2f F{pen.travel}\n"
    lines = [travel, push]
    before: Polygon | None = None
    for loop in loops:
        if before:
            lines += (
                [draw, travel, push] if _distance(_closed(before)[-1], loop[0]) >= STRINGING else [travel]
            )
        sides = [f"G1 X%.2f Y%.2f E{_laid(a, b, pen):.5f}\n" for a, b in _sides(loop)]
        sides[0] = sides[0].replace("\n", f" F{feed}\n")
        lines += sides
        before = loop
    return "".join([*lines, draw])


def _seconds(loops: Sequence[Polygon], pen: _Pen, plan: Layout) -> float:
    """By the gate's own model, without writing the moves out; only the way between copies is taken as one move."""
    retraction = RETRACTION / pen.retract * 60
    layer: dict[int, float] = {}
    for feed in (pen.first, pen.normal):
        pace, at = Pace(), loops[0][0]
        pace.halt(2 * retraction)
        for loop in loops:
            if _distance(at, loop[0]) >= STRINGING:
                pace.halt(2 * retraction)
            pace.move((loop[0][0] - at[0]) / 1000, (loop[0][1] - at[1]) / 1000, pen.travel / 60)
            for (ax, ay), (bx, by) in _sides(loop):
                pace.move((bx - ax) / 1000, (by - ay) / 1000, feed / 60)
            at = _closed(loop)[-1]
        layer[feed] = pace.seconds
    between = Pace()
    (ex, ey), (sx, sy) = _closed(loops[-1])[-1], loops[0][0]
    for n, (ox, oy) in enumerate(plan.spots):
        fx, fy = plan.spots[n - 1]
        between.move((ox + sx - fx - ex) / 1000, (oy + sy - fy - ey) / 1000, pen.travel / 60)
        between.halt(0)
    copies = len(plan.spots)
    return copies * (layer[pen.first] + (pen.layers - 1) * layer[pen.normal]) + pen.layers * between.seconds


def _sides(loop: Polygon) -> Iterator[tuple[Point, Point]]:
    return pairwise(_closed(loop))


def _closed(loop: Polygon) -> Polygon:
    return [*loop, loop[0]] if len(loop) > 2 else loop


def _laid(a: Point, b: Point, pen: _Pen) -> float:
    """Filament for one side, in mm as it is written."""
    return round(_distance(a, b) / 1000 * pen.per_mm, 5)


def _distance(a: Point, b: Point) -> float:
    """The root of a whole number: correctly rounded, hence the same everywhere (`hypot` need not be)."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    return sqrt(dx * dx + dy * dy)
