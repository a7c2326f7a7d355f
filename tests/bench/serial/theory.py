"""The same cables in virtual time: what a host's rules cost, whatever machine it runs on. No process and no clock.

Only the rules are played, so a host takes no time to think. What a measured host takes above this, is its own.
"""

from collections import deque
from collections.abc import Iterator
from random import Random
from typing import Protocol

from agent.printers.serial.marlin import Marlin
from agent.printers.virtual.firmware import Firmware
from agent.printers.virtual.intake import checksum
from tests.farend.cable import Lane, OkLoss, Quality, Wear

LONGEST = 400.0
"""Seconds after which a host counts as hung."""


class Rules(Protocol):
    """A host without its machine."""

    def send(self, now: float) -> bytes:
        """What it writes now."""
        ...

    def hear(self, data: bytes, now: float) -> None:
        """What it reads."""
        ...

    def due_at(self) -> float | None:
        """When it wants to be looked at again."""
        ...


class Ours:
    """The line discipline of the serial driver."""

    def __init__(self, lines: list[str]) -> None:
        self._marlin = Marlin()
        self._marlin.sender.renumber()
        self._marlin.feed(iter([[line.encode() for line in lines]]))

    def send(self, now: float) -> bytes:
        self._marlin.tick(now)
        return self._marlin.transmit(now)[0]

    def hear(self, data: bytes, now: float) -> None:
        self._marlin.receive(data, now)

    def due_at(self) -> float | None:
        return self._marlin.wake_at()


class Window:
    """So many unacknowledged bytes, or one line at a time if that is none; nothing against faults."""

    def __init__(self, lines: list[str], window: int) -> None:
        self._lines: Iterator[tuple[int, str]] = enumerate(lines, 1)
        self._next = self._frame()
        self._window = window
        self._flight: deque[int] = deque()
        self._heard = b""

    def send(self, now: float) -> bytes:
        out: list[bytes] = []
        while self._next and (not self._flight or sum(self._flight) + len(self._next) <= self._window):
            out.append(self._next)
            self._flight.append(len(self._next))
            self._next = self._frame()
        return b"".join(out)

    def hear(self, data: bytes, now: float) -> None:
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            if line.startswith(b"ok") and self._flight:
                self._flight.popleft()

    def due_at(self) -> float | None:
        return None

    def _frame(self) -> bytes:
        number, line = next(self._lines, (0, ""))
        numbered = f"N{number} {line}".encode()
        return b"%b*%d\n" % (numbered, checksum(numbered)) if number else b""


def seconds(rules: Rules, quality: Quality) -> float | None:
    """From M75 to M77 over such a cable; None if it never ended."""
    marks: dict[str, float] = {}
    now = 0.0
    board = Firmware(log=lambda command: marks.setdefault(command, now))
    random = Random(quality.seed)
    out, back = (Lane(quality.baud, quality.latency) for _ in range(2))
    wear, wear_back, oks = Wear(quality.bad, random), Wear(quality.bad_back, random), OkLoss(quality.lost_ok)
    while "M77" not in marks and now < LONGEST:
        out.put(wear.carry(rules.send(now)), now)
        board.advance(now)
        board.receive(out.take(now))
        board_due = board.advance(now)
        back.put(wear_back.carry(oks.carry(board.take())), now)
        heard = back.take(now)
        if heard:
            rules.hear(heard, now)
            continue
        dues = [
            due for due in (rules.due_at(), out.due_at(now), back.due_at(now), board_due) if due is not None
        ]
        now = max(now + 1e-6, min(dues, default=LONGEST))
    return marks["M77"] - marks["M75"] if "M77" in marks else None
