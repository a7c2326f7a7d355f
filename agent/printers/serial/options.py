"""What the owner says about one serial port, and the agent passes on to the pump that drives it."""

from typing import Literal

import msgspec
from msgspec import Struct

Dtr = Literal["never", "stop", "cancel"]

WINDOW = 127
"""Bytes in flight that no board can lose: the receive buffer of an 8-bit one."""


class PortOptions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One port. Every default is safe on every board."""

    port: str
    baud: int = 0
    """0: found by trying."""
    window: int = WINDOW
    """Bytes of the board's receive buffer; 0 for a firmware that needs one line at a time."""
    dtr: Dtr = "stop"
    """When DTR may reset the board: never, to stop for safety, or also to cancel while it heats and hears nothing."""
    park: tuple[float, float] | None = None
    """Where X and Y rest after a cancel, in mm; None leaves them where they are."""
    goes_on: bool = False
    """Whether a print goes on after the pump died, where the board proves that it did not reset."""


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(PortOptions).decode
