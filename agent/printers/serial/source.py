"""The lines of a print: checked and framed ahead, and sent as far as there is room. Pure.

What must not be sent is kept back: a line that asks for somebody at the printer holds the source, another ends it.
"""

from collections.abc import Callable

from agent.printers.serial.events import Broken, Event, Exhausted, Halted
from agent.printers.serial.line import CANONICAL, HALTS, PLAIN, Sent, frames, may_go
from agent.printers.serial.read_ahead import Batches
from agent.printers.serial.window import Window

AHEAD = 128
"""Lines that are checked and framed at once."""


class Source:
    """One print's after the other; what happens to it is put among `events`."""

    def __init__(self, events: list[Event]) -> None:
        """There is nothing to print yet."""
        self.is_dry = False
        """Whether it gave nothing when it was asked last, and has not come to its end."""
        self._events = events
        self._lines: Batches | None = None
        self.flows = False
        """Whether lines may go out."""
        self._follow: Callable[[list[bytes]], None] | None = None
        self._unseen: list[bytes] = []
        """Lines that were pulled and not looked at yet."""
        self._commands: list[bytes] = []
        self._ahead: list[Sent] = []
        """Lines as they go out, if no order takes their numbers; `_commands` are these as they came."""
        self._next = 0
        """The place of the first that did not go out yet."""

    def feed(self, lines: Batches, follow: Callable[[list[bytes]], None] | None = None) -> None:
        """Have these lines; few are pulled before there is room for them. `follow` is told of those that go out."""
        self.drop()
        self._lines, self._follow, self.flows = lines, follow, True

    def hold(self) -> None:
        """Give no more for now."""
        self.flows = self.is_dry = False

    def go_on(self) -> None:
        """Give again."""
        self.flows = self._lines is not None

    def drop(self) -> None:
        """Forget the lines."""
        self._lines = None
        self.flows = self.is_dry = False
        self._unseen, self._commands, self._ahead, self._next = [], [], [], 0

    @property
    def is_there(self) -> bool:
        """Whether there are lines, or may be, held or not."""
        return self._lines is not None

    def send(self, window: Window, number: int, out: list[bytes]) -> int:
        """Put into `out` what has room in the window, numbered from `number` on; gives the number after the last."""
        while self._next < len(self._ahead) or self._look_ahead(number):
            if self._ahead[self._next].number != number:
                self._frame_ahead(number)
            start, ahead = self._next, self._ahead
            self._next = end = window.take_on(ahead, start, out)
            if end > start:
                number += end - start
                if self._follow:
                    self._follow(self._commands[start:end])
            if end < len(ahead):
                break
        return number

    def _look_ahead(self, number: int) -> bool:
        """Check and frame the next lines; gives whether there are any that may be sent."""
        if not (self._unseen or self._pull()):
            return False
        batch, self._unseen = self._unseen[:AHEAD], self._unseen[AHEAD:]
        text = b"\n".join(batch) + b"\n"
        if not PLAIN.fullmatch(text) or text.count(b"\n") != len(batch):
            count = next((place for place, line in enumerate(batch) if not may_go(line)), len(batch))
            if not count:
                self._unseen[:0] = batch[1:]
                self._keep_back(batch[0])
                return False
            self._unseen[:0] = batch[count:]
            batch = batch[:count]
        self._commands, self._next = batch, 0
        self._frame_ahead(number)
        return True

    def _pull(self) -> bool:
        """Take the next lines; gives whether there are any."""
        if self._lines is None:
            return False
        try:
            self._unseen = next(self._lines)
        except StopIteration:
            self._lines = None
            self.flows = self.is_dry = False
            self._events.append(Exhausted())
        else:
            self.is_dry = not self._unseen
        return bool(self._unseen)

    def _frame_ahead(self, number: int) -> None:
        """Number the next lines; once more if an order has taken their numbers."""
        self._commands, self._next = self._commands[self._next :], 0
        framed = enumerate(frames(number, self._commands), number)
        self._ahead = [Sent(number, line, "line", "") for number, line in framed]

    def _keep_back(self, line: bytes) -> None:
        """A line that must not be sent: hold, or end."""
        if HALTS.match(line) and CANONICAL.fullmatch(line):
            self.flows = False
            if self._follow:
                self._follow([line])
            self._events.append(Halted(line.decode("ascii")))
        else:
            self.drop()
            self._events.append(Broken("the file holds a line that can't be sent safely"))
