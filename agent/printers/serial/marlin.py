"""The host's side of Marlin's line discipline: bytes in, events out, bytes to send. No IO, and no clock.

Lines go out as `N<line> <command>*<xor>`, never more unacknowledged bytes than an 8-bit board's receive
buffer holds (`window.py`). What an ok means stands in `acknowledgements.py`, what a refusal in `rewind.py`, and what
is done when nothing comes in `silence.py`.
"""

from collections.abc import Callable

from agent.printers.serial.acknowledgements import Acknowledgements
from agent.printers.serial.events import Event
from agent.printers.serial.options import WINDOW
from agent.printers.serial.parser import parse, temperatures
from agent.printers.serial.read_ahead import Batches
from agent.printers.serial.replies import Busy, Idling, Ok, ResendRequest, Temperatures
from agent.printers.serial.resends import Resends
from agent.printers.serial.rewind import Rewind
from agent.printers.serial.sender import Sender
from agent.printers.serial.silence import Silence
from agent.printers.serial.window import Window

OK = b"ok\n"
LONGEST_REPLY = 512


class Marlin:
    """One conversation, from an opened port to its loss. What is to be said is put into its `sender`."""

    def __init__(self, window: int = WINDOW) -> None:
        """`window` is how many bytes the board's receive buffer holds; 0 for one line at a time."""
        self._events: list[Event] = []
        self.window = Window(window)
        self.sender = Sender(self.window, self._events)
        self.silence = Silence(self.sender)
        self._resends = Resends()
        self.acknowledgements = Acknowledgements(self.sender, self._resends, self.silence, self._events)
        self.rewind = Rewind(self.sender, self._resends, self.acknowledgements, self.silence, self._events)
        self.is_understood = False
        """Whether any word of a printer has come."""
        self._tail = b""

    def feed(
        self, lines: Batches, done: int = 0, follow: Callable[[list[bytes]], None] | None = None
    ) -> None:
        """Send these lines, one after the other. `done` went before; `follow` is told of those that go out."""
        self.sender.source.feed(lines, follow)
        self.acknowledgements.executed = done

    @property
    def executed(self) -> int:
        """Lines of the source that were acknowledged."""
        return self.acknowledgements.executed

    @property
    def has_news(self) -> bool:
        """Whether there are events that nobody has taken yet, or lines that did not come."""
        return self.sender.source.is_dry or bool(self._events)

    @property
    def held(self) -> int:
        """Bytes of a line whose end has not come: bounded, whatever comes."""
        return len(self._tail)

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take bytes from the firmware, in any pieces."""
        resends = self._resends
        lines = (self._tail + data).split(b"\n")
        self._tail = lines.pop()[: LONGEST_REPLY + 1]
        for line in lines:
            if line == b"ok" and not resends.owed:
                self.is_understood = True
                resends.hear_ok()
                self.acknowledgements.take_plain(now)
            elif line and len(line) <= LONGEST_REPLY:
                self._hear(line.strip(b"\r\0"), now)
        return self._take_events()

    def stream(self, data: bytes, now: float) -> bytes | None:
        """`receive` and `transmit` at once, and quicker, for oks of lines of the source.

        None, and nothing is done, if anything else has come or has to be sent.
        """
        oks, sender = data.count(OK), self.sender
        if oks * len(OK) != len(data) or self._tail or self._resends.is_asked or not sender.only_flows:
            return None
        if not self.acknowledgements.take_many(oks, now):
            return None
        out: list[bytes] = []
        sender.flow(out)
        return b"".join(out)

    def tick(self, now: float) -> list[Event]:
        """Let time pass: rewind when refusals have settled, ask when it is silent for too long."""
        settled_at, limit = self._resends.settled_at, self.window.limit
        if limit.size < limit.most:
            limit.ease(self.sender.number)
        if settled_at is not None:
            if now >= settled_at:
                self.rewind.run(now)
        elif (ends_at := self.silence.ends_at()) is not None and now >= ends_at:
            self.silence.break_up(now)
        return self._take_events()

    def wake_at(self) -> float | None:
        """When `tick` has something to do."""
        settled_at = self._resends.settled_at
        return self.silence.ends_at() if settled_at is None else settled_at

    def transmit(self, now: float) -> tuple[bytes, list[Event]]:
        """The bytes to send now."""
        was_empty = not self.window.lines
        out = self.sender.fill(halted=self._resends.settled_at is not None)
        if was_empty and out:
            self.silence.end(now)
        return b"".join(out), self._take_events()

    def _hear(self, line: bytes, now: float) -> None:
        reply = parse(line)
        self.is_understood = self.is_understood or reply is not None
        if isinstance(reply, Ok):
            self._resends.hear_ok()
            self.acknowledgements.take(reply, now)
            if reply.warm and (found := temperatures(line)) is not None:
                self._events.append(found)
        elif isinstance(reply, ResendRequest):
            self.rewind.hear(reply, now)
        elif isinstance(reply, Idling):
            if self.window.lines and not self.window.has("fence"):
                self.sender.wants_fence = True
        elif reply is not None:
            if isinstance(reply, Busy):
                self.silence.heard_at, self.silence.tells_work = now, True
            elif isinstance(reply, Temperatures) and reply.waited:
                self.silence.heard_at, self.silence.tells_heat = now, True
            self._events.append(reply)

    def _take_events(self) -> list[Event]:
        if not self._events:
            return []
        events = self._events[:]
        self._events.clear()
        return events
