"""How a Marlin board takes lines in: the receive buffer, line numbers, checksums. After `queue.cpp`, without IO."""

import re
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from agent.printers.virtual.faults import Faults
from agent.printers.virtual.profile import BoardProfile

LONGEST = 95
"""Bytes of a line; the rest is dropped (MAX_CMD_SIZE)."""
URGENT = re.compile(rb"(?:N-?\d+\s*)?M(108|112|410)(?![0-9])")
INTEGER = re.compile(rb"\s*(-?\d{1,9})")


class Taken(NamedTuple):
    """A line that is read: what is to be executed if anything, its number if it has one, the faults that begin."""

    command: str
    number: int | None
    begun: list[str]


def checksum(line: bytes) -> int:
    """XOR of all bytes, of which there are at most 128."""
    total = int.from_bytes(line, "little")
    for bits in (512, 256, 128, 64, 32, 16, 8):
        total ^= total >> bits
    return total & 255


def integer(text: bytes) -> int:
    """What C's `strtol` makes of `text`."""
    found = INTEGER.match(text)
    return int(found[1]) if found else 0


def stored(raw: bytes) -> bytes:
    """What of a line is kept: no comment, no backslash (but what follows one), no more than fits."""
    if b"\\" not in raw and b";" not in raw:
        return raw[:LONGEST].strip(b" \0")
    kept = bytearray()
    escaped = False
    for byte in raw:
        if byte == 0x5C and not escaped:
            escaped = True
            continue
        if (byte == 0x3B and not escaped) or len(kept) == LONGEST:
            break
        kept.append(byte)
        escaped = False
    return bytes(kept).strip(b" \0")


class Intake:
    """Bytes in, commands out. `answer` is called with what goes back to the host, `acknowledge` for an ok."""

    def __init__(
        self,
        profile: BoardProfile,
        faults: Faults,
        answer: Callable[[bytes], None],
        acknowledge: Callable[[], None],
    ) -> None:
        self.last = 0
        """The number of the last line that was accepted; M110 sets it, when read and once more when executed."""
        self.overflowed = 0
        """Bytes that came when the receive buffer was full."""
        self._profile = profile
        self._faults = faults
        self._answer = answer
        self._acknowledge = acknowledge
        self._lines: deque[bytes] = deque()
        self._partial = b""
        self._held = 0
        """Bytes in the receive buffer."""
        self._early = 0
        """Bytes of the oldest line that have left it already."""

    def __bool__(self) -> bool:
        """Whether a line waits."""
        return bool(self._lines)

    @property
    def room(self) -> int:
        """Bytes that the receive buffer can take."""
        return self._profile.receive_buffer - self._held

    def receive(self, data: bytes) -> list[str]:
        """Take at most `room` bytes in; gives the M-codes among them that an emergency parser would see at once."""
        self._held += len(data)
        lines = (self._partial + data).replace(b"\r", b"\n").split(b"\n")
        self._partial = lines.pop()
        self._lines.extend(lines)
        return [found[1].decode() for line in lines if b"M" in line and (found := URGENT.match(line))]

    def begin_line(self) -> None:
        """The command queue has room and no whole line is there: what came of the next one leaves the buffer."""
        self._held, self._early = 0, len(self._partial)

    def read(self) -> Taken | None:
        """Take one line."""
        raw = self._lines.popleft()
        self._held -= len(raw) + 1 - self._early
        self._early = 0
        line = stored(raw)
        if not line:
            return None
        begun: list[str] = []
        doubt = False
        faults = self._faults
        if faults.any:
            begun = faults.line()
            if faults.every("lose-line"):
                return Taken("", None, begun)
            if faults.every("corrupt"):
                line = line[:-1] + bytes([line[-1] ^ 1])
            doubt = faults.every("resend")
        if line[:1] != b"N":
            return Taken(line.partition(b"*")[0].decode("latin-1").strip(), None, begun)
        return self._check(line, begun, doubt=doubt)

    def _check(self, line: bytes, begun: list[str], *, doubt: bool) -> Taken:
        """Hold a numbered line against its number and its checksum."""
        sets_number = b"M110" in line
        place = line.find(b"N", line.find(b"M110") + 4) if sets_number else 0
        number = integer(line[max(place, 0) + 1 :])
        if number != self.last + 1 and not sets_number:
            if self._profile.forgives_repeats and self.last - 1 <= number <= self.last:
                return Taken("", None, begun)
            return self._refuse(b"Line Number is not Last Line Number+1", begun)
        body, star, told = line.rpartition(b"*")
        if not star:
            return self._refuse(b"No Checksum with line number", begun)
        if integer(told) != checksum(body) or doubt:
            return self._refuse(b"checksum mismatch", begun)
        self.last = number
        return Taken(body[1:].lstrip(b"-0123456789 ").decode("latin-1").strip(), number, begun)

    def _refuse(self, why: bytes, begun: list[str]) -> Taken:
        """Ask for a line again, and drop all that waits in the receive buffer."""
        self._answer(b"Error:%b, Last Line: %d\n" % (why, self.last))
        for _ in range(2 if self._profile.resend == "twice" else 1):
            self._answer(b"Resend: %d\n" % (self.last + 1))
            if self._profile.resend != "bare":
                self._acknowledge()
        self._lines.clear()
        self._partial = b""
        self._held = self._early = 0
        return Taken("", None, begun)
