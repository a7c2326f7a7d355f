"""The owner's start and end scripts: what surrounds every job on this machine, and is never a job's to bring."""

import re
from math import floor, sqrt
from typing import Annotated, Final

from msgspec import Meta, Struct

from gcode.machine import WIDEST_LINE, Machine
from gcode.material import Material
from gcode.profile import Profile
from gcode.rules import SLOWEST

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_PURGE_FROM: Final = 5.0
_PURGE_LENGTH: Final = 60.0
_PURGE_FRONT: Final = 2.0
_PURGE_OUT: Final = 0.92
"""Of a round bed's radius, where no plate reaches."""
_PURGE_SHARE: Final = 0.6
"""Of what the gate lets a nozzle lay a mm."""

Line = Annotated[str, Meta(min_length=1, max_length=120)]


class ScriptError(ValueError):
    """A script can't be filled in for this printer and material; the text says what to change."""


class Script(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a machine is sent before and after every body, line by line, in canonical G-code with placeholders.

    `{nozzle}` and `{bed}` are the material's temperatures in °C, no hotter than the printer bears; `{travel}`,
    `{slow}` and `{retract}` feeds in mm/min; `{purge}` mm of filament for a line at Y`{front}` from X`{left}` to
    X`{right}`; `{back}` the Y to park at, at X0.
    The body begins at `start`'s end hot, homed, with G21, a feed said, and no filament drawn back.
    """

    family: Annotated[str, Meta(pattern="^[a-z0-9-]{1,32}$")]
    title: str
    start: tuple[Line, ...]
    end: tuple[Line, ...]


class Surroundings(Struct, frozen=True):
    """A script filled in for one printer and material."""

    start: bytes
    end: bytes


def fill(script: Script, profile: Profile, material: Material) -> Surroundings:
    """The script's two halves, as bytes for the gate's first and last section.

    Raises:
        ScriptError: an unknown placeholder, or a printer that the material is too hot for.
    """
    machine = Machine(profile, material)
    nozzle = min(material.nozzle, machine.hottest_nozzle)
    if nozzle < material.nozzle_least:
        needs, bears = material.nozzle_least, profile.hottest_nozzle
        raise ScriptError(f"{material.name} needs {needs} °C, this printer's nozzle bears {bears}")
    left, right, front, back = _places(profile)
    bead = min(WIDEST_LINE * profile.nozzle**2, profile.flow * 60 / SLOWEST) * _PURGE_SHARE
    values = {
        "nozzle": f"{nozzle}",
        "bed": f"{min(material.bed, machine.hottest_bed)}",
        "travel": f"{min(6000, profile.feed)}",
        "slow": f"{max(int(SLOWEST), min(900, profile.feed, int(profile.flow / bead * 60)))}",
        "retract": f"{min(2100, profile.feed)}",
        "left": f"{left:g}",
        "right": f"{right:.2f}",
        "front": f"{front:g}",
        "purge": f"{(right - left) * bead / machine.area:.5f}",
        "back": f"{floor(back):d}",
    }
    return Surroundings(_filled(script.start, values), _filled(script.end, values))


def _places(profile: Profile) -> tuple[float, float, float, float]:
    """The purge line's ends and its Y, in the margin that every plate leaves free; and the Y to park at."""
    if not profile.radius:
        right = max(_PURGE_FROM, min(_PURGE_FROM + _PURGE_LENGTH, profile.width - _PURGE_FROM))
        return _PURGE_FROM, floor(right * 100) / 100, _PURGE_FRONT, max(0.0, profile.depth - _PURGE_FROM)
    front = -floor(profile.radius * _PURGE_OUT * 100) / 100
    half = max(0.0, min(_PURGE_LENGTH / 2, sqrt(profile.radius**2 - front**2) - 1))
    half = floor(half * 100) / 100
    return -half, half, front, max(0.0, profile.radius - _PURGE_FROM)


def compose(script: Script, profile: Profile, material: Material, body: bytes) -> bytes:
    """The whole file: start, body, end.

    Raises:
        ScriptError: see `fill`.
    """
    around = fill(script, profile, material)
    return b"".join((around.start, body, around.end))


def _filled(lines: tuple[str, ...], values: dict[str, str]) -> bytes:
    def put(found: re.Match[str]) -> str:
        if found[1] not in values:
            known = ", ".join(sorted(values))
            raise ScriptError(f"{{{found[1]}}} is no placeholder of a script (there are: {known})")
        return values[found[1]]

    text = "".join(_PLACEHOLDER.sub(put, line) + "\n" for line in lines)
    return text.encode()
