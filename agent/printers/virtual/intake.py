"""How a Marlin board takes lines in: the receive buffer, line numbers, checksums. After `queue.cpp`, without IO."""

import re
from collections import deque
from collections.abc import Callable

from agent.printers.virtual.faults import Faults

RECEIVE_BUFFER = 127
"""Bytes that an 8-bit board can hold; what comes on top is lost."""
LONGEST = 95
URGENT = re.compile(rb"(?:N-?\d+\s*)?M(108|112|410)(?![0-9])")
INTEGER = re.compile(rb"\s*(-?\d{1,9})")


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


class Intake:
    """Bytes in, commands out. `answer` is called with what goes back to the host; every refusal costs an ok."""

    def __init__(
        self, faults: Faults, answer: Callable[[bytes], None], acknowledge: Callable[[], None]
    ) -> None:
        self.last = 0
        """The number of the last line that was accepted."""
        self.overflowed = 0
        """Bytes that came when the receive buffer was full."""
        self._faults = faults
        self._answer = answer
        self._acknowledge = acknowledge
        self._lines: deque[bytes] = deque()
        self._held = 0
        self._partial = b""

    def __bool__(self) -> bool:
        """Whether a line waits."""
        return bool(self._lines)

    def receive(self, data: bytes) -> list[str]:
        """Take bytes in; gives the numbers of the M-codes among them that an emergency parser would see at once."""
        room = max(0, RECEIVE_BUFFER + 1 - self._held - len(self._partial))
        if len(data) > room:
            self.overflowed += len(data) - room
            data = data[:room]
        lines = (self._partial + data).replace(b"\r", b"\n").split(b"\n")
        self._partial = lines.pop()
        self._lines.extend(lines)
        self._held += sum(map(len, lines)) + len(lines)
        return [found[1].decode() for line in lines if b"M" in line and (found := URGENT.match(line))]

    def read(self) -> tuple[str | None, list[str]]:
        """Take one line; gives its command if it is to be executed, and the faults that begin with it."""
        raw = self._lines.popleft()
        self._held -= len(raw) + 1
        line = raw[:LONGEST].strip(b" \0")
        if not line or line[:1] == b";":
            return None, []
        begun: list[str] = []
        doubt = False
        if self._faults.any:
            begun = self._faults.line()
            if self._faults.every("corrupt"):
                line = line[:-1] + bytes([line[-1] ^ 1])
            doubt = self._faults.every("resend")
        if line[:1] != b"N":
            return line.partition(b"*")[0].decode("latin-1").strip(), begun
        return self._check(line, doubt=doubt), begun

    def _check(self, line: bytes, *, doubt: bool) -> str | None:
        """Hold a numbered line against its number and its checksum."""
        sets_number = b"M110" in line
        place = line.find(b"N", line.find(b"M110") + 4) if sets_number else 0
        number = integer(line[max(place, 0) + 1 :])
        if number != self.last + 1 and not sets_number:
            if self.last - 1 <= number <= self.last:
                return None
            return self._refuse(b"Line Number is not Last Line Number+1")
        body, star, told = line.rpartition(b"*")
        if not star:
            return self._refuse(b"No Checksum with line number")
        if integer(told) != checksum(body) or doubt:
            return self._refuse(b"checksum mismatch")
        self.last = number
        return body[1:].lstrip(b"-0123456789 ").decode("latin-1").strip()

    def _refuse(self, why: bytes) -> None:
        """Ask for a line again, and drop all that waits in the receive buffer."""
        self._answer(b"Error:%b, Last Line: %d\nResend: %d\n" % (why, self.last, self.last + 1))
        self._lines.clear()
        self._held = 0
        self._partial = b""
        self._acknowledge()
