"""What comes out of a conversation with a printer."""

from msgspec import Struct

from agent.printers.serial.replies import (
    Action,
    BoardIdentity,
    Busy,
    Capability,
    Complaint,
    Killed,
    Position,
    Restarted,
    SdCard,
    Temperatures,
)


class Acknowledged(Struct, frozen=True, gc=False):
    """The firmware has taken the order with this tag; for an M105, everything before it too, proven."""

    tag: str


class Exhausted(Struct, frozen=True, gc=False):
    """All lines of the source are on their way."""


class Halted(Struct, frozen=True, gc=False):
    """The source asks for somebody at the printer (M0, M600): the line was kept back, and the source is held."""

    line: str


class Broken(Struct, frozen=True, gc=False):
    """The conversation can't be mended; the print is lost."""

    why: str


Event = (
    Acknowledged
    | Exhausted
    | Halted
    | Broken
    | Busy
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
