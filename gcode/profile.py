"""A machine as renderer and gate see it."""

import hashlib
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

Millimetres = Annotated[float, Meta(gt=0, le=2000)]
Celsius = Annotated[int, Meta(ge=0, le=400)]
Place = Annotated[float, Meta(ge=-2000, le=2000)]
Span = Annotated[float, Meta(ge=0, le=2000)]


class Zone(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the head must not go at any height: a clip, a purge bucket. mm, in the printer's own coordinates.

    Either a rectangle, `width` by `depth` from its least corner (x, y), or a circle of `radius` around (x, y).
    """

    x: Place
    y: Place
    width: Span = 0.0
    depth: Span = 0.0
    radius: Span = 0.0

    def __post_init__(self) -> None:
        if bool(self.radius) == bool(self.width and self.depth) or bool(self.width) != bool(self.depth):
            raise ValueError("a zone has `width` and `depth`, or else a `radius`")


class Profile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one printer can do; its owner's word, never widened from outside.

    `family` names the start and end scripts in `gcode_templates/machines`. Lengths are mm, temperatures °C,
    `feed` is the highest F that a line may carry in mm/min, `flow` the most plastic a second in mm³,
    `filament` the diameter of what the extruder is fed.
    A `radius` other than 0 makes the bed round, with X0 Y0 in its middle, as on deltas; `width` and `depth` say nothing
    then. `zones` are fenced off, and `home` is where G28 leaves the head (on a round bed its middle, if nothing else
    is said), so that the way from there is judged too. `arcs` lets G2 and G3 pass.
    """

    family: Annotated[str, Meta(pattern="^[a-z0-9-]{1,32}$")] = "marlin"
    width: Millimetres = 220.0
    depth: Millimetres = 220.0
    height: Millimetres = 250.0
    nozzle: Annotated[float, Meta(ge=0.1, le=1.2)] = 0.4
    hottest_nozzle: Celsius = 250
    hottest_bed: Celsius = 100
    feed: Annotated[int, Meta(ge=600, le=60_000)] = 12_000
    flow: Annotated[float, Meta(gt=0, le=60)] = 12.0
    filament: Annotated[float, Meta(ge=1.5, le=3.1)] = 1.75
    radius: Annotated[float, Meta(ge=0, le=1000)] = 0.0
    zones: Annotated[tuple[Zone, ...], Meta(max_length=32)] = ()
    home: tuple[Place, Place] | None = None
    arcs: bool = False

    def __post_init__(self) -> None:
        if self.zones and self.home is None and not self.radius:
            raise ValueError(
                "`zones` need `home`, where G28 leaves the head, so that the way from there is judged too"
            )

    @property
    def digest(self) -> str:
        """SHA-256 in hex of all of it: what a job was drawn for, so that it runs on nothing else."""
        said = {
            name: _exact(value)
            for name, value in msgspec.structs.asdict(self).items()
            if name not in _LATER or value != _DEFAULTS[name]
        }
        return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


_LATER: Final = frozenset({"radius", "zones", "home", "arcs"})
"""What older profiles did not have: at its default it says nothing, so that these keep their digests."""
_DEFAULTS: Final = {field.name: field.default for field in msgspec.structs.fields(Profile)}


def _exact(value: Any) -> Any:
    """A whole number may be an int here and a float where it has been sent to: both must name the same machine."""
    match value:
        case bool() | str() | None:
            return value
        case int() | float():
            return float(value)
        case Zone():
            return _exact(msgspec.structs.astuple(value))
        case _:
            return [_exact(each) for each in value]
