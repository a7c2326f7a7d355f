"""A machine as renderer and gate see it."""

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

Millimetres = Annotated[float, Meta(gt=0, le=2000)]
Celsius = Annotated[int, Meta(ge=0, le=400)]


class Profile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one printer can do; its owner's word, never widened from outside.

    `family` names the start and end scripts in `gcode_templates/machines`. Lengths are mm, temperatures °C,
    `feed` is the highest F that a line may carry in mm/min, `flow` the most plastic a second in mm³,
    `filament` the diameter of what the extruder is fed.
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

    @property
    def digest(self) -> str:
        """SHA-256 in hex of all of it: what a job was drawn for, so that it runs on nothing else."""
        # A whole number may be an int here and a float where it has been sent to: both must name the same machine.
        exact = {
            name: float(value) if isinstance(value, int) else value
            for name, value in msgspec.structs.asdict(self).items()
        }
        return hashlib.sha256(msgspec.json.encode(exact, order="sorted")).hexdigest()
