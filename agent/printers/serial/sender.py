"""What is to be sent: urgent words, lines that are sent again, orders, and the source behind them. Pure.

Nothing is written here: `_fill` gives the bytes that have room now, and the flight remembers them.
"""

from collections import deque
from collections.abc import Callable

from agent.printers.serial.events import Broken, Event, Exhausted, Halted
from agent.printers.serial.line import CANONICAL, HALTS, PLAIN, Kind, Sent, frame, frames, may_go
from agent.printers.serial.options import WINDOW
from agent.printers.serial.read_ahead import Batches
from agent.printers.serial.window import Window

AHEAD = 128
"""Lines that are checked and framed at once."""


class Sender:
    """The sending half of a conversation."""

    def __init__(self, window: int = WINDOW) -> None:
        """`window` is how many bytes the board's receive buffer holds; 0 for one line at a time."""
        self.executed: int = 0
        """Lines of the source that were acknowledged."""
        self.trail: list[int] = []
        """Numbers that went to other commands than the source's, until somebody takes them; 0 begins a new count."""
        self._flight = Window(window)
        self._events: list[Event] = []
        self.is_dry = False
        """Whether the source gave nothing when it was asked last, and has not come to its end."""
        self._source: Batches | None = None
        self._held = False
        self._follow: Callable[[list[bytes]], None] | None = None
        self._unseen: list[bytes] = []
        """Lines of the source that were pulled and not looked at yet."""
        self._commands: list[bytes] = []
        self._ahead: list[Sent] = []
        """Lines of the source as they go out, if no order takes their numbers; `_commands` are these as they came."""
        self._next = 0
        """The place of the first that did not go out yet."""
        self._orders: deque[tuple[bytes, Kind, str]] = deque()
        self._urgent: list[bytes] = []
        self._repeats: deque[Sent] = deque()
        self._number = 1
        self._wants_fence = False

    def feed(
        self, lines: Batches, done: int = 0, follow: Callable[[list[bytes]], None] | None = None
    ) -> None:
        """Send these commands, one after the other; few are pulled before the window has room for them.

        `done` went before; `follow` is told of those that go out.
        """
        self._forget_source()
        self._source, self._follow, self._held, self.executed = lines, follow, False, done

    def go_on_after(self, last: int) -> None:
        """Count on behind `last`, which the firmware took from somebody before us."""
        self._number = last + 1

    def hold(self) -> None:
        """Send no more of the source for now."""
        self._held, self.is_dry = True, False

    def go_on(self) -> None:
        """Send the source again."""
        self._held = False

    def drop(self) -> None:
        """Forget the source and all that is not on its way."""
        self._forget_source()
        self._orders = deque(order for order in self._orders if order[1] in {"alone", "check"})

    def send(self, *commands: bytes, tag: str = "") -> None:
        """Send commands before the rest of the source; `tag` comes back with the last one's acknowledgement."""
        for index, command in enumerate(commands, 1):
            kind: Kind = "fence" if command == b"M105" else "order"
            self._orders.append((command, kind, tag if index == len(commands) else ""))

    def renumber(self, tag: str = "") -> None:
        """Begin to count at 1, with nothing else on its way before and after."""
        self._orders.append((b"M110 N0", "alone", tag))

    def urge(self, command: bytes) -> None:
        """Send a command past the window, unnumbered: for a firmware with an emergency parser."""
        self._urgent.append(command)

    def numbered(self, command: bytes) -> bytes:
        """`command` as the next line, for last words: it is not followed up."""
        return frame(self._number, command)

    @property
    def has_news(self) -> bool:
        """Whether there are events that nobody has taken yet, or lines that did not come."""
        return self.is_dry or bool(self._events)

    def has_orders(self) -> bool:
        """Whether an order still waits to be sent."""
        return bool(self._orders)

    def _fill(self, *, halted: bool) -> list[bytes]:
        """What goes out now; `halted` until refusals have settled."""
        out: list[bytes] = []
        for command in self._urgent:
            out.append(command + b"\n")
            self._flight.add(Sent(-1, out[-1], "raw", ""))
        self._urgent.clear()
        if halted or self._greets():
            return out
        self._send_again(out)
        if not self._repeats:
            self._send_orders(out)
        waits = self._held or self._repeats or self._orders or self._greets()
        if self._source is not None and not waits:
            self._send_lines(out, self._source)
        return out

    @property
    def _stream(self) -> Batches | None:
        """The source, if nothing is to be sent but its lines."""
        waits = self._orders or self._repeats or self._urgent or self._wants_fence or self._held
        return None if waits else self._source

    def _greets(self) -> bool:
        """Whether an M110, or the proof of it, is on its way, with which nothing else may be."""
        lines = self._flight.lines
        return bool(lines) and lines[0].kind in {"alone", "check"}

    def _has_check(self) -> bool:
        """Whether a new count is yet to be proven."""
        return bool(self._orders) and self._orders[0][1] == "check"

    def _send_again(self, out: list[bytes]) -> None:
        while self._repeats and (self._wants_fence or self._flight.fits(len(self._repeats[0].framed))):
            self._wants_fence = False  # the numbers leave no place for a fence: the next repeat has to do
            sent = self._repeats.popleft()
            out.append(sent.framed)
            self._flight.add(sent)

    def _send_orders(self, out: list[bytes]) -> None:
        if self._has_check():
            if not self._flight.lines:
                self._wants_fence = False
                self._send_one(out, *self._orders.popleft())
            return
        if self._wants_fence and self._flight.fits_fence(len(frame(self._number, b"M105"))):
            self._wants_fence = False
            self._send_one(out, b"M105", "fence", "")
        while self._orders:
            command, kind, tag = self._orders[0]
            if kind == "alone":
                if all(sent.kind == "raw" for sent in self._flight.lines):
                    self._orders.popleft()
                    self._flight.clear()
                    self._number = 0
                    self._send_one(out, command, kind, tag)
                return
            if not self._flight.fits(len(command) + 14):
                return
            self._orders.popleft()
            self._send_one(out, command, kind, tag)

    def _send_one(self, out: list[bytes], command: bytes, kind: Kind, tag: str) -> None:
        framed = frame(self._number, command)
        out.append(framed)
        self._flight.add(Sent(self._number, framed, kind, tag))
        self.trail.append(self._number)
        self._number += 1

    def _send_lines(self, out: list[bytes], source: Batches) -> None:
        while self._next < len(self._ahead) or self._look_ahead(source):
            if self._ahead[self._next].number != self._number:
                self._frame_ahead()
            start, ahead = self._next, self._ahead
            self._next = end = self._flight.take_on(ahead, start, out)
            if end > start:
                self._number += end - start
                if self._follow:
                    self._follow(self._commands[start:end])
            if end < len(ahead):
                return

    def _look_ahead(self, source: Batches) -> bool:
        """Check and frame the next lines; gives whether there are any that may be sent."""
        if not (self._unseen or self._pull(source)):
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
        self._frame_ahead()
        return True

    def _pull(self, source: Batches) -> bool:
        """Take the next lines of the source; gives whether there are any."""
        try:
            self._unseen = next(source)
        except StopIteration:
            self._source, self.is_dry = None, False
            self._events.append(Exhausted())
        else:
            self.is_dry = not self._unseen
        return bool(self._unseen)

    def _frame_ahead(self) -> None:
        """Number the next lines; once more if an order has taken their numbers."""
        self._commands, self._next = self._commands[self._next :], 0
        framed = enumerate(frames(self._number, self._commands), self._number)
        self._ahead = [Sent(number, line, "line", "") for number, line in framed]

    def _keep_back(self, line: bytes) -> None:
        """A line that must not be sent: the source is held, or ends."""
        if HALTS.match(line) and CANONICAL.fullmatch(line):
            self._held = True
            if self._follow:
                self._follow([line])
            self._events.append(Halted(line.decode("ascii")))
        else:
            self._forget_source()
            self._events.append(Broken("the file holds a line that can't be sent safely"))

    def _forget_source(self) -> None:
        self._source, self.is_dry = None, False
        self._unseen, self._commands, self._ahead, self._next = [], [], [], 0
