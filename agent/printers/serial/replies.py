"""What a firmware says, as typed values; `parser.py` reads them."""

from msgspec import Struct


class Ok(Struct, frozen=True, gc=False):
    """A line is done; `warm` if temperatures stand in it: then it answers an M105.

    ADVANCED_OK sets `number`, and `places`: how many lines find room in the command queue.
    """

    number: int | None = None
    places: int = 0
    warm: bool = False


class ResendRequest(Struct, frozen=True, gc=False):
    """The firmware wants `number` again. `is_error` for the Error line that comes before the Resend."""

    number: int
    is_error: bool


class Busy(Struct, frozen=True, gc=False):
    """It works on something that takes long; `for_user` if that is a person who should do something."""

    for_user: bool = False


class Idling(Struct, frozen=True, gc=False):
    """It has nothing to do."""


class Reading(Struct, frozen=True, gc=False):
    """One heater; `target` is None where the line does not tell it."""

    actual: float
    target: float | None


class Temperatures(Struct, frozen=True, gc=False):
    """Heaters in °C; `waited` while the firmware waits for one of them."""

    nozzle: Reading | None
    bed: Reading | None
    waited: bool = False


class Position(Struct, frozen=True, gc=False):
    """Where the firmware thinks that the head is, in mm (M114)."""

    x: float
    y: float
    z: float
    e: float


class BoardIdentity(Struct, frozen=True, gc=False):
    """The first line of M115's answer; `uuid` is empty where the board has none of its own."""

    firmware: str
    machine: str = ""
    uuid: str = ""


class Capability(Struct, frozen=True, gc=False):
    """One `Cap:` line of M115's answer."""

    name: str
    on: bool


class SdCard(Struct, frozen=True, gc=False):
    """Whether it prints from its own card."""

    printing: bool


class Complaint(Struct, frozen=True, gc=False):
    """It did not do what a line said, and goes on as if it had."""

    what: str


class Restarted(Struct, frozen=True, gc=False):
    """The board came up anew: it knows nothing of what was sent before."""


class Killed(Struct, frozen=True, gc=False):
    """The firmware stopped itself; it answers nothing until it is reset."""

    why: str


class Action(Struct, frozen=True, gc=False):
    """A host action (`//action:pause`)."""

    name: str


Reply = (
    Ok
    | ResendRequest
    | Busy
    | Idling
    | Temperatures
    | Position
    | BoardIdentity
    | Capability
    | SdCard
    | Complaint
    | Restarted
    | Killed
    | Action
)
