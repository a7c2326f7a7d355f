"""One line as it goes over the cable: its number, its check, and how long the firmware may take for it. Pure."""

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

CANONICAL = re.compile(rb"[ -\[\]-~]{1,80}")
"""What may be framed: Marlin keeps 95 bytes of a line, and a backslash in it is asked for again for ever."""
PLAIN = re.compile(rb"(?:[ -LN-\[\]-~]{1,80}\n)*")
"""Lines that are canonical and have no M in them, so that no more has to be asked about each."""
HALTS = re.compile(rb"M(?:0|1|25|226|600|601)(?![0-9])")
"""Words that make a firmware wait for somebody at the printer."""
SHORT_SECONDS = 60.0
"""What any line may take without a sign of work."""
LONG_SECONDS = {
    b"G28": 240.0,
    b"G29": 900.0,
    b"M109": 900.0,
    b"M190": 1800.0,
    b"M400": 900.0,
}
"""What these may: homing and probing are silent without a keep-alive, and M400 waits for all planned moves."""
DWELL = re.compile(rb"\b([PS])(\d{1,6})")
WAITS_FOR_HEAT = (b"M109", b"M190")

Kind = Literal["line", "fence", "order", "alone", "check", "raw"]
"""`alone` begins a new count and `check` proves that it was heard: nothing else is on its way with either."""


class Sent(Struct, frozen=True, gc=False):
    """A line in flight, or one that was."""

    number: int
    framed: bytes
    kind: Kind
    tag: str


def checksum(line: bytes) -> int:
    """XOR of all bytes of a line, of which there are at most 128: halves are folded onto each other."""
    total = int.from_bytes(line, "little")
    total ^= total >> 512
    total ^= total >> 256
    total ^= total >> 128
    total ^= total >> 64
    total ^= total >> 32
    total ^= total >> 16
    total ^= total >> 8
    return total & 255


def frame(number: int, command: bytes) -> bytes:
    """A numbered line as it goes over the cable."""
    numbered = b"N%d %b" % (number, command)
    return b"%b*%d\n" % (numbered, checksum(numbered))


def frames(number: int, commands: Sequence[bytes]) -> list[bytes]:
    """The same for many lines, of which `number` is the first's: the bytes at one place of all lines go in at once."""
    numbered = [b"N%d %b" % each for each in enumerate(commands, number)]
    longest = max(map(len, numbered), default=0)
    text = b"".join([line.ljust(longest, b"\0") for line in numbered])
    total = 0
    for place in range(longest):
        total ^= int.from_bytes(text[place::longest], "little")
    checks = total.to_bytes(len(numbered), "little")
    return [b"%b*%d\n" % each for each in zip(numbered, checks, strict=True)]


def may_go(command: bytes) -> bool:
    """Whether a line of a file may be sent: one that is canonical, sets no count and makes no firmware wait for us."""
    return bool(CANONICAL.fullmatch(command)) and b"M110" not in command and not HALTS.match(command)


def word(framed: bytes) -> bytes:
    """The command word of a framed line: `G28` of `N7 G28 X0*12`."""
    _, _, command = framed.partition(b" ") if framed[:1] == b"N" else (b"", b"", framed)
    return command.partition(b"*")[0].partition(b" ")[0].strip()


def allowance(framed: bytes) -> float:
    """Seconds that a framed line may take before its silence means that something is wrong."""
    command = word(framed)
    if command == b"G4":
        told = DWELL.search(framed)
        dwell = 0.0 if told is None else int(told[2]) / (1000.0 if told[1] == b"P" else 1.0)
        return SHORT_SECONDS + dwell
    return LONG_SECONDS.get(command, SHORT_SECONDS)


def waits_for_heat(framed: bytes) -> bool:
    """Whether the firmware does nothing else until a heater is there."""
    return word(framed) in WAITS_FOR_HEAT
