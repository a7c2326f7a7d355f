"""What the agent says to a pump and hears from it, one JSON object a line over a Unix socket."""

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from agent.printers.driver import Status
from agent.printers.serial.options import PortOptions
from agent.printers.serial.replies import BoardIdentity

VERSION = 4
"""Rises with whatever a pump does otherwise than before: an older one is replaced as soon as it is idle."""
CALL_SECONDS = 4.5
"""What a call may take in all; the driver promises five."""
LONGEST = 16_384
"""Bytes of one line, either way."""


class PumpOrder(Struct, frozen=True, omit_defaults=True):
    """A request; the fields after `do` belong to `start`. `close` says that the agent leaves on purpose.

    `ask` has the display ask for a clear bed, under the name in `attempt`; `hush` ends that.
    """

    do: Literal["status", "start", "pause", "resume", "cancel", "reset", "ask", "hush", "close"]
    attempt: str = ""
    path: str = ""
    seconds: float = 0.0
    top: float = 0.0


class PumpAnswer(Struct, frozen=True, omit_defaults=True):
    """`error` is set where the order was not carried out; it says why. `setup` and `version` are the pump's."""

    status: Status
    error: str = ""
    version: int = 0
    setup: PortOptions | None = None
    identity: BoardIdentity | None = None


def pumps(state: Path) -> Path:
    """Where each pump has its own folder, in the agent's."""
    return state / "pumps"


def place(state: Path, name: str) -> Path:
    """The folder of one printer's pump: its socket, its lock, its record, its log."""
    return state / name


def reachable(socket: Path, folder: int) -> str:
    """An address for `socket` that fits into the 108 bytes that the kernel allows; `folder` is its folder, opened."""
    text = str(socket)
    return text if len(text.encode()) < 100 else f"/proc/self/fd/{folder}/{socket.name}"


encode = msgspec.json.Encoder().encode
decode_order = msgspec.json.Decoder(PumpOrder).decode
decode_answer = msgspec.json.Decoder(PumpAnswer).decode
