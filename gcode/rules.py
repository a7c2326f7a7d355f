"""The allow-list: which codes may be sent, where, with what, and in which state. All else is refused."""

from collections.abc import Callable
from enum import StrEnum
from math import hypot, isnan, nan
from typing import Final

from gcode.arc import Arc
from gcode.machine import Machine
from gcode.motion import DRAWING, RISING
from gcode.reader import Command
from gcode.refusal import Refused, Rule


class Section(StrEnum):
    """Who wrote these lines: the owner's profile (start, end), or the job or somebody else (body, tail)."""

    START = "start"
    BODY = "body"
    END = "end"
    TAIL = "tail"
    """What comes after a strange file's last work: an end script, but nobody's own."""


DEEPEST_RETRACTION: Final = 10.0
"""mm of filament that may be drawn back in all."""
LIFT: Final = 10.0
"""mm that an end script may rise in relative mode, in all."""
SLOWEST: Final = 60.0
"""mm/min."""
LONGEST_DWELL: Final = 10_000
"""ms, of one G4."""
ROUNDING: Final = 0.00001
"""The last decimal of E, which rounding may have added to a move."""
_SETTLED: Final = 1e-9

Fields = dict[str, float]


def obey(machine: Machine, command: Command, section: Section) -> None:
    """Go where this command leads.

    Raises:
        Refused: it must not be sent in this section and state.
    """
    line = command.line
    rule = ALLOWED.get(command.code)
    if rule is None or (command.code in ARCS and not machine.profile.arcs):
        raise Refused(Rule.CODE, line, f"{command.code} is not on the list of what may be sent")
    sections, letters, act = rule
    if section not in sections:
        raise Refused(Rule.CODE, line, f"{command.code} {_ELSEWHERE[sections]}")
    fields = dict(command.fields)
    if len(fields) != len(command.fields):
        raise Refused(Rule.FIELD, line, f"{command.code} has a field twice")
    if strange := fields.keys() - letters:
        raise Refused(Rule.FIELD, line, f"{command.code} may not have {', '.join(sorted(strange))}")
    act(machine, line, fields)


def _move(machine: Machine, line: int, fields: Fields) -> None:
    if not fields:
        raise Refused(Rule.FIELD, line, "a move without a field")
    if "F" in fields:
        _feed(machine, line, fields["F"])
    if fields.keys() <= {"F"}:
        return
    _ready_to_move(machine, line)
    if machine.absolute is False:
        _lift(machine, line, fields)
        return
    x, y, z = fields.get("X", machine.x), fields.get("Y", machine.y), fields.get("Z", machine.z)
    _inside(machine, line, fields)
    _free(machine, line, x, y)
    flat = hypot(x - machine.x, y - machine.y)
    path = hypot(flat, z - machine.z)
    right, back, top = machine.extent
    machine.extent = (
        max(right, fields.get("X", 0)),
        max(back, fields.get("Y", 0)),
        max(top, fields.get("Z", 0)),
    )
    drawn = _extrude(machine, line, fields["E"], flat, path) if "E" in fields else 0.0
    _spend(machine, (x, y, z), drawn)
    machine.x, machine.y, machine.z = x, y, z


def _feed(machine: Machine, line: int, feed: float) -> None:
    if not SLOWEST <= feed <= machine.profile.feed:
        raise Refused(
            Rule.FEED, line, f"F must be from {SLOWEST:g} to {machine.profile.feed} mm/min, not {feed:g}"
        )
    machine.feed = feed


def _clockwise(machine: Machine, line: int, fields: Fields) -> None:
    _arc(machine, line, fields, -1)


def _anticlockwise(machine: Machine, line: int, fields: Fields) -> None:
    _arc(machine, line, fields, 1)


def _arc(machine: Machine, line: int, fields: Fields, turn: int) -> None:
    if not {"X", "Y"} <= fields.keys() or not fields.keys() & {"I", "J"}:
        raise Refused(Rule.FIELD, line, "an arc needs X and Y, and I or J")
    if "F" in fields:
        _feed(machine, line, fields["F"])
    _ready_to_move(machine, line)
    if machine.absolute is False or isnan(machine.x + machine.y):
        raise Refused(Rule.STATE, line, "an arc needs absolute mode and a beginning that is known")
    arc = Arc(
        (machine.x, machine.y), (fields["X"], fields["Y"]), (fields.get("I", 0.0), fields.get("J", 0.0)), turn
    )
    if not arc.is_clear:
        raise Refused(
            Rule.FIELD,
            line,
            "an arc whose radius is near 0 or differs at its ends, or whose ends nearly meet",
        )
    (x, y), radius = arc.centre, arc.radius
    if not machine.reach.surrounds(x, y, radius):
        raise Refused(Rule.VOLUME, line, "the arc's full circle leaves the bed")
    if zone := machine.reach.encircled(x, y, radius):
        raise Refused(
            Rule.ZONE, line, f"the arc's circle meets the zone at X{zone.x:g} Y{zone.y:g} that is fenced off"
        )
    right, back, top = machine.extent
    machine.extent = (max(right, x + radius), max(back, y + radius), top)
    drawn = _extrude(machine, line, fields["E"], arc.chords, arc.chords) if "E" in fields else 0.0
    speed, pace = machine.feed / 60, machine.pace
    began = pace.seconds
    pace.turn(arc.length, arc.leave, arc.arrive, speed)
    pace.seconds = max(pace.seconds, began + drawn / min(speed, DRAWING))
    machine.x, machine.y = fields["X"], fields["Y"]


def _ready_to_move(machine: Machine, line: int) -> None:
    if not machine.homed:
        raise Refused(Rule.STATE, line, "moves before G28 has homed the printer")
    if not machine.millimetres:
        raise Refused(Rule.STATE, line, "moves before G21 has said millimetres")
    if machine.absolute is None:
        raise Refused(Rule.STATE, line, "moves before G90 has said absolute")
    if machine.feed == 0:
        raise Refused(Rule.STATE, line, "moves before an F has said how fast")


def _lift(machine: Machine, line: int, fields: Fields) -> None:
    if fields.keys() - {"Z", "F"}:
        raise Refused(Rule.FIELD, line, "in relative mode only Z may move")
    machine.lifted += fields["Z"]
    if fields["Z"] < 0 or machine.lifted > LIFT:
        raise Refused(Rule.VOLUME, line, f"in relative mode Z may only rise, by {LIFT:g} mm in all")
    z = machine.z + fields["Z"]
    if not z <= machine.profile.height:
        raise Refused(
            Rule.VOLUME, line, "rises above the printer's height, or from a height that is not known"
        )
    machine.pace.halt(fields["Z"] / machine.feed * 60)
    machine.z = z


def _inside(machine: Machine, line: int, fields: Fields) -> None:
    left, front, right, back = machine.reach.bounds
    for axis, least, most in (("X", left, right), ("Y", front, back), ("Z", 0.0, machine.profile.height)):
        if axis in fields and not least <= fields[axis] <= most:
            raise Refused(
                Rule.VOLUME, line, f"{axis} must be from {least:g} to {most:g} mm, not {fields[axis]:g}"
            )


def _free(machine: Machine, line: int, x: float, y: float) -> None:
    """The whole way is on the bed and outside the zones: both ends on a convex bed, and no zone between."""
    if not machine.reach.holds(x, y):
        raise Refused(
            Rule.VOLUME, line, f"X{x:g} Y{y:g} is off the round bed of radius {machine.reach.radius:g} mm"
        )
    if zone := machine.reach.entered(machine.x, machine.y, x, y):
        raise Refused(
            Rule.ZONE, line, f"the way leads into the zone at X{zone.x:g} Y{zone.y:g} that is fenced off"
        )


def _extrude(machine: Machine, line: int, e: float, flat: float, path: float) -> float:
    """Push or draw filament; the mm that lay no plastic, so that no path sets their time."""
    if machine.relative_e is None:
        raise Refused(Rule.STATE, line, "E before M82 or M83 (and again after each G90 or G91)")
    if not machine.hot:
        raise Refused(Rule.COLD, line, "E before M109 has waited for a nozzle that melts the material")
    pushed = e if machine.relative_e else e - machine.e
    machine.e = machine.e + e if machine.relative_e else e
    repaid = min(max(pushed, 0.0), machine.debt)
    machine.debt += max(-pushed, 0.0) - repaid
    if machine.debt < _SETTLED:
        machine.debt = 0.0
    if machine.debt > DEEPEST_RETRACTION:
        raise Refused(Rule.EXTRUSION, line, f"draws back more than {DEEPEST_RETRACTION:g} mm of filament")
    laid = pushed - repaid
    if laid <= 0:
        return abs(pushed)
    machine.extruded = True
    machine.filament += laid
    if isnan(path):
        raise Refused(Rule.STATE, line, "lays plastic before X, Y and Z are known after homing")
    if laid - ROUNDING > machine.thickest * flat:
        raise Refused(
            Rule.EXTRUSION, line, f"lays more than {machine.thickest:.3g} mm of filament a mm of path"
        )
    if (laid - ROUNDING) * machine.area * machine.feed / 60 > machine.profile.flow * path:
        raise Refused(Rule.FLOW, line, f"lays more than {machine.profile.flow:g} mm³ a second")
    return repaid


def _spend(machine: Machine, to: tuple[float, float, float], drawn: float) -> None:
    """Add the time of a move; also of its slower axes, whatever the feed says."""
    speed, profile, pace = machine.feed / 60, machine.profile, machine.pace
    dx = _way(machine.x, to[0], profile.width)
    dy = _way(machine.y, to[1], profile.depth)
    dz = _way(machine.z, to[2], profile.height)
    least = max(abs(dz) / min(speed, RISING), drawn / min(speed, DRAWING))
    if dx or dy:
        began = pace.seconds
        pace.move(dx, dy, speed)
        pace.seconds = max(pace.seconds, began + least)
    elif least:
        pace.halt(least)


def _way(now: float, to: float, most: float) -> float:
    """How far an axis goes; from where homing left it, unknown, as far as it can."""
    if isnan(to):
        return 0.0
    return most if isnan(now) else to - now


def _dwell(machine: Machine, line: int, fields: Fields) -> None:
    wait = _only(line, "G4", fields, "P")
    if not 0 <= wait <= LONGEST_DWELL:
        raise Refused(Rule.DWELL, line, f"G4 may wait up to {LONGEST_DWELL} ms")
    machine.dwell += wait / 1000
    machine.pace.halt(wait / 1000)


def _zero_e(machine: Machine, line: int, fields: Fields) -> None:
    if _only(line, "G92", fields, "E") != 0:
        raise Refused(Rule.FIELD, line, "G92 may only say E0")
    machine.e = 0.0


def _home(machine: Machine, line: int, _: Fields) -> None:
    if machine.extruded:
        raise Refused(Rule.STATE, line, "homes after plastic was laid: the nozzle would go through it")
    machine.homed = True
    (machine.x, machine.y), machine.z = machine.home, nan


def _probe(machine: Machine, line: int, _: Fields) -> None:
    if not machine.homed or machine.extruded:
        raise Refused(Rule.STATE, line, "G29 belongs after G28 and before the first plastic")
    machine.x = machine.y = machine.z = nan


def _heat_nozzle(machine: Machine, line: int, fields: Fields) -> None:
    target = _only(line, "M104", fields, "S")
    if target != 0 and not machine.material.nozzle_least <= target <= machine.hottest_nozzle:
        span = f"{machine.material.nozzle_least} to {machine.hottest_nozzle}"
        raise Refused(Rule.TEMPERATURE, line, f"the nozzle may have 0 or {span} °C, not {target:g}")
    machine.nozzle = target
    machine.hot = machine.hot and target >= machine.material.coldest_extrusion


def _await_nozzle(machine: Machine, line: int, fields: Fields) -> None:
    if fields.get("S") == 0:
        raise Refused(Rule.TEMPERATURE, line, "M109 must not wait for 0")
    _heat_nozzle(machine, line, fields)
    machine.hot = fields["S"] >= machine.material.coldest_extrusion


def _heat_bed(machine: Machine, line: int, fields: Fields) -> None:
    target = _only(line, "M140", fields, "S")
    if not 0 <= target <= machine.hottest_bed:
        raise Refused(
            Rule.TEMPERATURE, line, f"the bed may have 0 to {machine.hottest_bed} °C, not {target:g}"
        )
    machine.bed = target


def _fan(_: Machine, line: int, fields: Fields) -> None:
    if not 0 <= _only(line, "M106", fields, "S") <= 255:
        raise Refused(Rule.FIELD, line, "M106 takes S from 0 to 255")


def _release(machine: Machine, _line: int, _fields: Fields) -> None:
    machine.homed = False
    machine.x = machine.y = machine.z = nan


def _millimetres(machine: Machine, _line: int, _fields: Fields) -> None:
    machine.millimetres = True


def _absolute(machine: Machine, _line: int, _fields: Fields) -> None:
    # Marlin 2 lets G90 and G91 change the extruder's mode too, others do not: it is known where both come to the same.
    machine.absolute, machine.relative_e = True, False if machine.relative_e is False else None


def _relative(machine: Machine, _line: int, _fields: Fields) -> None:
    machine.absolute, machine.relative_e = False, True if machine.relative_e is True else None


def _absolute_e(machine: Machine, _line: int, _fields: Fields) -> None:
    machine.relative_e = False


def _relative_e(machine: Machine, _line: int, _fields: Fields) -> None:
    machine.relative_e = True


def _nothing(machine: Machine, _line: int, _fields: Fields) -> None:
    """A code that changes nothing that the gate follows."""


def _levelling(_: Machine, line: int, fields: Fields) -> None:
    _within(line, "M420", fields, {"S": (0, 1), "Z": (0, 100)})


def _accelerations(_: Machine, line: int, fields: Fields) -> None:
    _within(line, "M204", fields, dict.fromkeys("PRST", (10, 20_000)))


def _advance(_: Machine, line: int, fields: Fields) -> None:
    _within(line, "M900", fields, {"K": (0, 10)})


def _only(line: int, code: str, fields: Fields, letter: str) -> float:
    if letter not in fields:
        raise Refused(Rule.FIELD, line, f"{code} needs {letter}")
    return fields[letter]


def _within(line: int, code: str, fields: Fields, spans: dict[str, tuple[float, float]]) -> None:
    for letter, value in fields.items():
        least, most = spans[letter]
        if not least <= value <= most:
            raise Refused(
                Rule.FIELD, line, f"{code} takes {letter} from {least:g} to {most:g}, not {value:g}"
            )


ARCS: Final = frozenset({"G2", "G3"})
_ANYWHERE: Final = frozenset(Section)
_OWNER: Final = frozenset({Section.START, Section.END})
_LAST: Final = frozenset({Section.END, Section.TAIL})
_BARE: Final = ""
_ELSEWHERE: Final = {
    _OWNER: "may stand in the owner's own scripts only",
    _LAST: "may stand at the end only, where nothing is heated, homed or extruded any more",
}

ALLOWED: Final[dict[str, tuple[frozenset[Section], str, Callable[[Machine, int, Fields], None]]]] = {
    "G0": (_ANYWHERE, "XYZEF", _move),
    "G1": (_ANYWHERE, "XYZEF", _move),
    "G2": (_ANYWHERE, "XYIJEF", _clockwise),
    "G3": (_ANYWHERE, "XYIJEF", _anticlockwise),
    "G4": (_ANYWHERE, "P", _dwell),
    "G21": (_ANYWHERE, _BARE, _millimetres),
    "G28": (_ANYWHERE, _BARE, _home),
    "G29": (_OWNER, _BARE, _probe),
    "G90": (_ANYWHERE, _BARE, _absolute),
    "G91": (_LAST, _BARE, _relative),
    "G92": (_ANYWHERE, "E", _zero_e),
    "M82": (_ANYWHERE, _BARE, _absolute_e),
    "M83": (_ANYWHERE, _BARE, _relative_e),
    "M84": (_LAST, _BARE, _release),
    "M104": (_ANYWHERE, "S", _heat_nozzle),
    "M106": (_ANYWHERE, "S", _fan),
    "M107": (_ANYWHERE, _BARE, _nothing),
    "M109": (_ANYWHERE, "S", _await_nozzle),
    "M140": (_ANYWHERE, "S", _heat_bed),
    "M190": (_ANYWHERE, "S", _heat_bed),
    "M204": (_OWNER, "PRST", _accelerations),
    "M400": (_ANYWHERE, _BARE, _nothing),
    "M420": (_OWNER, "SZ", _levelling),
    "M900": (_OWNER, "K", _advance),
}
"""By code: the sections it may stand in, the fields it may have, and what it does to the machine."""
