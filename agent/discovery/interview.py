"""Who is at the other end of a serial line? Asked with M115, and with nothing that moves, heats or is kept.

Pure: bytes in, bytes out, time passed in. What opens the port stands in `probe.py`.
"""

from msgspec import Struct

from agent.printers.serial.parser import parse
from agent.printers.serial.replies import BoardIdentity, Capability, Killed, Ok

WORDS = b"\nM115\n"
"""The empty line ends whatever another program left half said."""
BOOT_SECONDS = 0.3
AGAIN_SECONDS = 1.0
"""A board that was still waking up did not hear the first question."""
SETTLE_SECONDS = 0.6
"""After the first line of an answer, the rest of it comes within so much."""
LONGEST = 4096
NOISE = 16
"""So many bytes tell a wrong baud rate from a spark on the cable."""


class BoardReport(Struct, frozen=True, kw_only=True):
    """What a board told of itself. `fault` is what it complains of; then it wants a reset."""

    firmware: str = ""
    machine: str = ""
    uuid: str = ""
    capabilities: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    """What it says that it can't do; a capability that is named nowhere counts as absent too."""
    fault: str = ""


class PortAnswer(Struct, frozen=True, kw_only=True):
    """Who was at a port, at which baud rate; else `why` nobody was found."""

    board: BoardReport = BoardReport()
    baud: int = 0
    why: str = ""


class Interview:
    """One line at one baud rate, from the opened port to an answer or the lack of one."""

    def __init__(self, now: float) -> None:
        self.heard = 0
        """Bytes that came."""
        self._odd = 0
        self._tail = b""
        self._ask_at = now + BOOT_SECONDS
        self._done_at: float | None = None
        self._identity = BoardIdentity("")
        self._fault = ""
        self._on: set[str] = set()
        self._off: set[str] = set()

    @property
    def board(self) -> BoardReport:
        """What was told so far."""
        return BoardReport(
            firmware=self._identity.firmware,
            machine=self._identity.machine,
            uuid=self._identity.uuid,
            capabilities=frozenset(self._on),
            refused=frozenset(self._off),
            fault=self._fault,
        )

    @property
    def is_text(self) -> bool:
        """Whether something came, and most of it is text."""
        return self.heard > 0 and self._odd * 4 <= self.heard

    @property
    def is_noise(self) -> bool:
        """Whether what came is no text: the baud rate is another."""
        return self.heard >= NOISE and not self.is_text

    def receive(self, data: bytes, now: float) -> None:
        """Take what came."""
        self.heard += len(data)
        self._odd += sum(byte not in b"\t\r\n" and not 32 <= byte < 127 for byte in data)
        *lines, self._tail = (self._tail + data).split(b"\n")
        self._tail = self._tail[-LONGEST:]
        for line in lines:
            self._hear(line.rstrip(b"\r"), now)

    def transmit(self, now: float) -> bytes:
        """What to send now."""
        if self._identity.firmware or now < self._ask_at:
            return b""
        self._ask_at = now + AGAIN_SECONDS
        return WORDS

    def is_over(self, now: float) -> bool:
        """Whether there is nothing more to hear."""
        return self._done_at is not None and now >= self._done_at

    def wake_at(self) -> float:
        """When `transmit` or `is_over` has something new."""
        return self._ask_at if self._done_at is None else self._done_at

    def _hear(self, line: bytes, now: float) -> None:
        told = parse(line)
        if isinstance(told, BoardIdentity):
            self._identity, self._done_at = told, now + SETTLE_SECONDS
        elif isinstance(told, Capability):
            (self._on if told.on else self._off).add(told.name)
        elif isinstance(told, Killed):
            self._fault, self._done_at = told.why, now
        elif isinstance(told, Ok) and self._identity.firmware:
            self._done_at = now
