"""An owner's own scripts before the gate while there is no job yet: whether one could pass between them at all."""

from typing import Final

from msgspec import Struct

from gcode.gate import Verdict, judge
from gcode.machine import Machine
from gcode.material import Material
from gcode.profile import Profile
from gcode.reach import MARGIN, reach
from gcode.rules import SLOWEST
from gcode.script import Script, Surroundings, fill

_FEED: Final = 6000
_LINES: Final = 3
"""Of the stand-in for a job."""


class Objection(Struct, frozen=True, kw_only=True):
    """Why jobs will be refused on a printer, for its owner: all of them if `always`, else those of some places."""

    why: str
    always: bool


def rehearse(script: Script, profile: Profile, material: Material) -> Objection | None:
    """What the gate has against jobs between these scripts; None where nothing is wrong with them.

    Stands in for a job by laying a little plastic in the middle of where plates may lie, and in each of its corners.

    Raises:
        ScriptError: the scripts can't be filled in.
    """
    around = fill(script, profile, material)
    refused: list[Objection] = []
    spots = _spots(profile)
    bead = Machine(profile, material).densest(SLOWEST) / 2
    for x, y in spots:
        body = (
            f"M83\nG1 X{x:.2f} Y{y:.2f} F{min(_FEED, profile.feed)}\n"
            f"G1 X{x + 1:.2f} Y{y:.2f} E{bead:.5f} F{SLOWEST:g}\n"
        ).encode()
        verdict = judge(around.start, body, around.end, profile, material)
        if not verdict.accepted:
            refused.append(Objection(why=_told(verdict, around, f"X{x:g} Y{y:g}"), always=False))
    if not refused:
        return None
    return Objection(why=refused[0].why, always=len(refused) == len(spots))


def _spots(profile: Profile) -> list[tuple[float, float]]:
    left, front, right, back = reach(profile).room
    middle = ((left + right) / 2, (front + back) / 2)
    if min(right - left, back - front) <= 2 * MARGIN:
        return [middle]
    wide, deep = (left + MARGIN, right - MARGIN), (front + MARGIN, back - MARGIN)
    return [middle, *((round(x, 2), round(y, 2)) for x in wide for y in deep)]


def _told(verdict: Verdict, around: Surroundings, spot: str) -> str:
    """Which of the owner's lines it is, or which way between them and a job."""
    before = around.start.splitlines()
    after = around.end.splitlines()
    number, own = verdict.line, verdict.line - len(before) - _LINES
    if number <= len(before):
        return f"line {number} of the start script ({before[number - 1].decode()}): {verdict.reason}"
    if own < 1:
        return f"on the way from where the start script ends to a plate at {spot}: {verdict.reason}"
    own = min(own, len(after))
    line = after[own - 1].decode() if after else ""
    return f"line {own} of the end script ({line}), for a plate that ends at {spot}: {verdict.reason}"
