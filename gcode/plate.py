"""How many copies of a part fit on a bed, and where they lie."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from gcode.part import Part, outline, thickness
from gcode.polygon import Point, Polygon, bounds
from gcode.profile import Profile
from gcode.reach import MARGIN, reach

SPACING: Final = 5_000
"""µm between two copies."""
HEADROOM: Final = 10_000
"""µm that stay free above, for the nozzle to be lifted at the end."""
_GRID: Final = 10


class PlateError(ValueError):
    """This plate can't be made; the text says why."""


class Layout(Struct, frozen=True):
    """Where copies lie: `turned` by a quarter or not, each with its least corner at a spot (µm from the bed's)."""

    turned: bool
    spots: tuple[Point, ...]


def capacity(part: Part, parameters: Mapping[str, float], profile: Profile) -> int:
    """How many copies fit on the printer's bed at once; 0 if the part is too large for it.

    Raises:
        PartError: the parameters do not make this part.
    """
    if thickness(part, parameters) + HEADROOM > _micrometres(profile.height):
        return 0
    return max(across * along for across, along in _grids(_size(outline(part, parameters)), profile))


def layout(part: Part, parameters: Mapping[str, float], profile: Profile, count: int) -> Layout:
    """Spots for `count` copies, in rows, the whole in the middle of the bed.

    Raises:
        PartError: the parameters do not make this part.
        PlateError: fewer than one, or more than fit.
    """
    if thickness(part, parameters) + HEADROOM > _micrometres(profile.height):
        raise PlateError(f"{part.name} is too high for this printer")
    return arranged(outline(part, parameters), profile, count, part.name)


def arranged(shape: Sequence[Polygon], profile: Profile, count: int, name: str = "the part") -> Layout:
    """The same, for an outline."""
    size = _size(shape)
    upright, turned = _grids(size, profile)
    turn = turned[0] * turned[1] > upright[0] * upright[1]
    across, along = turned if turn else upright
    if not 1 <= count <= across * along:
        raise PlateError(f"{count} of {name} do not fit on this bed, which holds {across * along}")
    wide, deep = (size[1], size[0]) if turn else size
    if along < across:  # full rows along the side that has fewer: short plates stay together in the middle
        rows = [min(along, count - at) for at in range(0, count, along)]
        cells = [(column, row) for column, length in enumerate(rows) for row in range(length)]
    else:
        rows = [min(across, count - at) for at in range(0, count, across)]
        cells = [(column, row) for row, length in enumerate(rows) for column in range(length)]
    columns, lines = max(column for column, _ in cells) + 1, max(row for _, row in cells) + 1
    west, south, width, depth = _room(profile)
    left = west + _centred(width, columns * (wide + SPACING) - SPACING)
    low = south + _centred(depth, lines * (deep + SPACING) - SPACING)
    return Layout(turn, tuple((left + c * (wide + SPACING), low + r * (deep + SPACING)) for c, r in cells))


def _grids(size: Point, profile: Profile) -> tuple[tuple[int, int], tuple[int, int]]:
    """Columns and rows, as drawn and turned by a quarter."""
    _, _, width, depth = _room(profile)
    (a, b) = size
    return (_fit(a, width), _fit(b, depth)), (_fit(b, width), _fit(a, depth))


def _room(profile: Profile) -> tuple[int, int, int, int]:
    """Where copies may lie, as the least corner and the size: a rectangle within which every way is free."""
    west, south, east, north = (_micrometres(side) for side in reach(profile).room)
    return west, south, east - west, north - south


def _fit(length: int, room: int) -> int:
    return max(0, (room - 2 * _micrometres(MARGIN) + SPACING) // (length + SPACING))


def _centred(room: int, taken: int) -> int:
    return (room - taken) // 2 // _GRID * _GRID


def _size(shape: Sequence[Polygon]) -> Point:
    _, _, width, depth = bounds(shape)
    return width, depth


def _micrometres(millimetres: float) -> int:
    return int(millimetres * 1000)
