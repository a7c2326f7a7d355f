"""The lines that are on their way, those that were, and how many bytes of them a board can hold. Pure."""

from collections import deque
from collections.abc import Sequence
from itertools import islice

from agent.printers.serial.line import Sent
from agent.printers.serial.options import WINDOW
from agent.printers.serial.window_size import WindowSize

GONE = 2
"""Lines that no board keeps in its receive buffer for long: every command queue holds more than one."""
HISTORY = 512
"""Lines that can be asked for again after they were acknowledged."""


class Window:
    """Lines in flight, oldest first, and the history behind them."""

    def __init__(self, size: int = WINDOW) -> None:
        """`size` is how many bytes the board's receive buffer holds; 0 for one line at a time."""
        self.limit = WindowSize(size)
        self.lines: deque[Sent] = deque()
        self.bytes = 0
        """How many bytes of them may still be in the receive buffer."""
        self.history: deque[Sent] = deque(maxlen=HISTORY)
        self._taken = 0
        """How many at the front are known to be out of the receive buffer."""
        self._granted = 0
        """Up to this number there is a place in the command queue (ADVANCED_OK)."""

    def __bool__(self) -> bool:
        """Whether anything is in flight."""
        return bool(self.lines)

    def add(self, sent: Sent) -> None:
        """A line goes out."""
        self.lines.append(sent)
        if 0 < sent.number <= self._granted and self._taken == len(self.lines) - 1:
            self._taken += 1
        else:
            self.bytes += len(sent.framed)

    def take_on(self, ahead: Sequence[Sent], start: int, out: list[bytes]) -> int:
        """As many lines of `ahead` go into `out` as have room, from `start` on; gives where the rest begins."""
        lines, size, held = self.lines, self.limit.size, self.bytes
        place = start
        for sent in islice(ahead, start, None):
            framed = sent.framed
            more = len(framed)
            if lines and held + more > size:
                break
            if sent.number <= self._granted and self._taken == len(lines):
                self._taken += 1
            else:
                held += more
            lines.append(sent)
            out.append(framed)
            place += 1
        self.bytes = held
        return place

    def land(self, count: int) -> bool:
        """The `count` oldest have arrived, if all of them are lines of the source; else gives False, and none has."""
        lines = self.lines
        if not 0 < count <= len(lines):
            return False
        landed = [lines.popleft() for _ in range(count)]
        size = 0
        for sent in landed:
            if sent.kind != "line":
                lines.extendleft(reversed(landed))
                return False
            size += len(sent.framed)
        if self._taken:
            size = sum(len(sent.framed) for sent in landed[self._taken :])
            self._taken = max(0, self._taken - count)
        self.bytes -= size
        self.history += landed
        return True

    def pop(self) -> Sent:
        """The oldest one has arrived."""
        sent = self.lines.popleft()
        if self._taken:
            self._taken -= 1
        else:
            self.bytes -= len(sent.framed)
        return sent

    def fits(self, size: int) -> bool:
        """Whether a line of `size` bytes may go out now: all fit the receive buffer, whatever the queue does."""
        return not self.lines or self.bytes + size <= self.limit.size

    def fits_fence(self, size: int) -> bool:
        """Whether a fence of `size` bytes may go out after a silence.

        By then the two oldest lines have left the receive buffer: one is executed, and the other is the next in the
        command queue. So lines need not leave a fence its place: at 8 ms each way, a window that is 21 bytes smaller
        costs half as much again. And one that was narrowed is so for lines, not for a fence.
        """
        gone = sum(len(sent.framed) for sent in islice(self.lines, self._taken, GONE))
        return self.bytes - gone + size <= max(self.limit.size, WINDOW)

    @property
    def is_alone(self) -> bool:
        """Whether an M110, or the proof of it, is on its way, with which nothing else may be."""
        lines = self.lines
        return bool(lines) and lines[0].kind in {"alone", "check"}

    def has(self, kind: str) -> bool:
        """Whether a line of this kind is in flight."""
        return any(sent.kind == kind for sent in self.lines)

    def holds(self, number: int) -> bool:
        """Whether the line with this number is in flight."""
        return any(sent.number == number for sent in self.lines)

    def grant(self, number: int, places: int) -> None:
        """The command queue has room for `places` lines behind line `number`: they don't wait in the receive buffer."""
        self._granted = number + places
        for sent in list(self.lines)[self._taken :]:
            if not 0 < sent.number <= self._granted:
                return
            self._taken += 1
            self.bytes -= len(sent.framed)

    def keep(self, sent: Sent) -> None:
        """Remember a line that may be asked for again."""
        self.history.append(sent)

    def oldest(self) -> int | None:
        """The oldest number that can still be sent again; None if nothing is known."""
        known = self.history or self.lines
        return known[0].number if known else None

    def clear(self) -> None:
        """Numbers begin anew."""
        self.lines.clear()
        self.history.clear()
        self.bytes = self._taken = self._granted = 0
        self.limit.renumber()

    def go_back(self, wanted: int) -> tuple[list[Sent], int]:
        """Take back what is wanted and all behind it, oldest first; and how many of those had counted as done.

        A refusal empties the receive buffer, so what stays in flight is in the command queue.
        """
        back: deque[Sent] = deque()
        while self.lines and (self.lines[-1].number >= wanted or self.lines[-1].kind == "raw"):
            sent = self.lines.pop()
            if sent.kind != "raw":
                back.appendleft(sent)
        self._taken, self.bytes, self._granted = len(self.lines), 0, 0
        undone = 0
        while self.history and self.history[-1].number >= wanted:
            sent = self.history.pop()
            undone += sent.kind == "line"
            back.appendleft(sent)
        return list(back), undone
