"""What is to be sent, and in which order: urgent words, lines that are sent again, orders, and the source. Pure.

Nothing is written here: `fill` gives the bytes that have room now, and the window remembers them.
"""

from collections import deque

from agent.printers.serial.events import Event
from agent.printers.serial.line import Kind, Sent, frame
from agent.printers.serial.source import Source
from agent.printers.serial.window import Window


class Sender:
    """The sending half of a conversation. What happens to its source is put among `events`."""

    def __init__(self, window: Window, events: list[Event]) -> None:
        """Nothing is to be sent yet."""
        self.window = window
        self.source = Source(events)
        self.number = 1
        """The next line's."""
        self.numbers: list[int] = []
        """Those that went to other commands than the source's, until somebody takes them; 0 begins a new count."""
        self.repeats: deque[Sent] = deque()
        """Lines to send again, oldest first."""
        self.wants_fence = False
        self._orders: deque[tuple[bytes, Kind, str]] = deque()
        self._urgent: list[bytes] = []

    def send(self, *commands: bytes, tag: str = "") -> None:
        """Send commands before the rest of the source; `tag` comes back with the last one's acknowledgement."""
        for index, command in enumerate(commands, 1):
            kind: Kind = "fence" if command == b"M105" else "order"
            self._orders.append((command, kind, tag if index == len(commands) else ""))

    def send_first(self, command: bytes, kind: Kind, tag: str) -> None:
        """Send a command before all others."""
        self._orders.appendleft((command, kind, tag))

    def renumber(self, tag: str = "") -> None:
        """Begin to count at 1, with nothing else on its way before and after."""
        self._orders.append((b"M110 N0", "alone", tag))

    def greet_again(self) -> None:
        """Say once more what is on its way alone: M110 twice does no harm, so it may be done without a Resend."""
        self.send_first(b"M110 N0", "alone", self.window.pop().tag)

    def doubt_count(self) -> None:
        """The proof of a new count was not sent yet, and something was refused: begin the count anew."""
        self.send_first(b"M110 N0", "alone", self._orders.popleft()[2])

    def urge(self, command: bytes) -> None:
        """Send a command past the window, unnumbered: for a firmware with an emergency parser."""
        self._urgent.append(command)

    def numbered(self, command: bytes) -> bytes:
        """`command` as the next line, for last words: it is not followed up."""
        return frame(self.number, command)

    def drop(self) -> None:
        """Forget the source and all that is not on its way."""
        self.source.drop()
        self._orders = deque(order for order in self._orders if order[1] in {"alone", "check"})

    @property
    def has_orders(self) -> bool:
        """Whether an order still waits to be sent."""
        return bool(self._orders)

    @property
    def has_check(self) -> bool:
        """Whether a new count is yet to be proven."""
        return bool(self._orders) and self._orders[0][1] == "check"

    @property
    def only_flows(self) -> bool:
        """Whether nothing is to be sent but lines of the source."""
        waits = self._orders or self.repeats or self._urgent or self.wants_fence
        return self.source.flows and not waits

    def fill(self, *, halted: bool) -> list[bytes]:
        """What goes out now; `halted` until refusals have settled."""
        out: list[bytes] = []
        for command in self._urgent:
            out.append(command + b"\n")
            self.window.add(Sent(-1, out[-1], "raw", ""))
        self._urgent.clear()
        if halted or self.window.is_alone:
            return out
        self._send_again(out)
        if not self.repeats:
            self._send_orders(out)
        if self.source.flows and not (self.repeats or self._orders or self.window.is_alone):
            self.flow(out)
        return out

    def flow(self, out: list[bytes]) -> None:
        """Put into `out` what the source has, and the window has room for."""
        self.number = self.source.send(self.window, self.number, out)

    def _send_again(self, out: list[bytes]) -> None:
        while self.repeats and (self.wants_fence or self.window.fits(len(self.repeats[0].framed))):
            self.wants_fence = False  # the numbers leave no place for a fence: the next repeat has to do
            sent = self.repeats.popleft()
            out.append(sent.framed)
            self.window.add(sent)

    def _send_orders(self, out: list[bytes]) -> None:
        if self.has_check:
            if not self.window.lines:
                self.wants_fence = False
                self._send_one(out, *self._orders.popleft())
            return
        if self.wants_fence and self.window.fits_fence(len(frame(self.number, b"M105"))):
            self.wants_fence = False
            self._send_one(out, b"M105", "fence", "")
        while self._orders:
            command, kind, tag = self._orders[0]
            if kind == "alone":
                if all(sent.kind == "raw" for sent in self.window.lines):
                    self._orders.popleft()
                    self.window.clear()
                    self.number = 0
                    self._send_one(out, command, kind, tag)
                return
            if not self.window.fits(len(command) + 14):
                return
            self._orders.popleft()
            self._send_one(out, command, kind, tag)

    def _send_one(self, out: list[bytes], command: bytes, kind: Kind, tag: str) -> None:
        framed = frame(self.number, command)
        out.append(framed)
        self.window.add(Sent(self.number, framed, kind, tag))
        self.numbers.append(self.number)
        self.number += 1
