"""A part version: what it is for, what may be changed on it, and its shape, as one document of data."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from gcode.expression import Expression, ExpressionError, value
from gcode.polygon import Point, Polygon, bounds, circle, cleaned, difference, softened, stroke, union

Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{0,31}$")]
Pair = tuple[Expression, Expression]
GRID: Final = 10
"""µm; what an outline is rounded to."""


class PartError(ValueError):
    """These parameters do not make this part; the text says which and what is allowed."""


class Parameter(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One measure that may be chosen, in `unit`, from `least` to `most`."""

    default: float
    least: float
    most: float
    unit: Literal["mm"] = "mm"
    about: str = ""

    def __post_init__(self) -> None:
        if not self.least <= self.default <= self.most:
            raise ValueError("least ≤ default ≤ most does not hold (mend one of them)")


class Shape(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """Something added to the part or cut from it, in order. Expressions are mm.

    `mirror` adds its images over the x axis, the y axis, or both; `repeat` sets `count` of it, each moved on by `step`.
    """

    do: Literal["add", "cut"] = "add"
    mirror: Literal["", "x", "y", "xy"] = ""
    repeat: Annotated[int, Meta(ge=1, le=100)] = 1
    step: Pair = (0.0, 0.0)


class Stroke(Shape, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="stroke"):
    """What a round pen of `width` covers along `points`."""

    points: Annotated[tuple[Pair, ...], Meta(min_length=1, max_length=1000)]
    width: Expression


class Outline(Shape, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="polygon"):
    """The polygon through `points`, closed by itself."""

    points: Annotated[tuple[Pair, ...], Meta(min_length=3, max_length=1000)]


class Disc(Shape, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="circle"):
    """A circle of `diameter` about `centre`."""

    centre: Pair
    diameter: Expression


class Part(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of a part, flat and of one thickness.

    `medical` says what it is under the law and what must not be claimed of it. `soften` is the radius that rounds
    all outward corners. `inspection` is what a person looks at before a unit counts as good.
    """

    name: Name
    version: Annotated[str, Meta(pattern="^[0-9]+([.][0-9]+)*$", max_length=16)]
    title: str
    purpose: str
    medical: str
    materials: Annotated[tuple[Name, ...], Meta(min_length=1)]
    inspection: Annotated[tuple[str, ...], Meta(min_length=1)]
    thickness: Expression
    soften: Expression = 0.0
    parameters: dict[Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,31}$")], Parameter] = {}
    shapes: Annotated[tuple[Stroke | Outline | Disc, ...], Meta(min_length=1, max_length=200)]

    def __post_init__(self) -> None:
        try:
            outline(self, {})
        except PartError as error:
            raise ValueError(f"with its default parameters: {error}") from None


def settle(part: Part, parameters: Mapping[str, float]) -> dict[str, float]:
    """Every parameter's value: the one chosen, else the default.

    Raises:
        PartError: one is unknown or out of its range.
    """
    chosen: dict[str, float] = {}
    for name, parameter in part.parameters.items():
        number = parameters.get(name, parameter.default)
        if not parameter.least <= number <= parameter.most:
            span = f"{parameter.least:g} to {parameter.most:g} {parameter.unit}"
            raise PartError(f"{part.name}: {name} must be from {span}, not {number:g}")
        chosen[name] = float(number)
    if strange := sorted(parameters.keys() - chosen.keys()):
        known = ", ".join(sorted(chosen)) or "none"
        raise PartError(f"{part.name} has no parameter {strange[0]!r} (it has: {known})")
    return chosen


def thickness(part: Part, parameters: Mapping[str, float]) -> int:
    """How high it is printed, in µm.

    Raises:
        PartError: a parameter is wrong, or nothing is left of it.
    """
    thick = _micrometres(part, part.thickness, settle(part, parameters))
    if thick <= 0:
        raise PartError(f"{part.name}: the thickness is not above zero")
    return thick


def outline(part: Part, parameters: Mapping[str, float]) -> list[Polygon]:
    """The part from above in µm, its least x and y at 0; the same integers on every machine.

    Raises:
        PartError: a parameter is wrong, an expression has no value, or nothing is left.
    """
    names = settle(part, parameters)
    covered: list[Polygon] = []
    for shape in part.shapes:
        pieces = _placed(part, shape, names)
        covered = union([*covered, *pieces]) if shape.do == "add" else difference(covered, pieces)
    if soft := _micrometres(part, part.soften, names):
        covered = softened(covered, soft)
    covered = _gridded(cleaned(covered, GRID))
    if not covered:
        raise PartError(f"{part.name}: nothing is left of it with these parameters")
    left, low, _, _ = bounds(covered)
    return [[(x - left, y - low) for x, y in polygon] for polygon in covered]


def _placed(part: Part, shape: Shape, names: Mapping[str, float]) -> list[Polygon]:
    """The shape itself, its repetitions, and their images."""
    dx, dy = _point(part, shape.step, names)
    once = _drawn(part, shape, names)
    pieces = [[(x + dx * n, y + dy * n) for x, y in piece] for n in range(shape.repeat) for piece in once]
    if "x" in shape.mirror:
        pieces += [[(x, -y) for x, y in reversed(piece)] for piece in pieces]
    if "y" in shape.mirror:
        pieces += [[(-x, y) for x, y in reversed(piece)] for piece in pieces]
    return pieces


def _drawn(part: Part, shape: Shape, names: Mapping[str, float]) -> list[Polygon]:
    match shape:
        case Stroke(points=points, width=width):
            return stroke([_point(part, point, names) for point in points], _micrometres(part, width, names))
        case Outline(points=points):
            return union([[_point(part, point, names) for point in points]])
        case Disc(centre=centre, diameter=diameter):
            x, y = _point(part, centre, names)
            return [[(x + a, y + b) for a, b in circle(_micrometres(part, diameter, names) // 2)]]
        case _:
            raise AssertionError(shape)


def _gridded(polygons: list[Polygon]) -> list[Polygon]:
    """Rounded to the grid; what that turns over or joins is sorted out by one more union."""
    half = GRID // 2
    return union([[((x + half) // GRID * GRID, (y + half) // GRID * GRID) for x, y in p] for p in polygons])


def _point(part: Part, pair: Pair, names: Mapping[str, float]) -> Point:
    return _micrometres(part, pair[0], names), _micrometres(part, pair[1], names)


def _micrometres(part: Part, expression: Expression, names: Mapping[str, float]) -> int:
    try:
        size = round(value(expression, names) * 1000)
    except ExpressionError as error:
        raise PartError(f"{part.name}: {error}") from None
    if abs(size) > 2_000_000:
        raise PartError(f"{part.name}: {expression!r} is farther than 2 m")
    return size
