"""The host's side of Marlin's line discipline: bytes in, events out, bytes to send. No IO, and no clock.

Lines go out as `N<line> <command>*<xor>`, never more unacknowledged bytes than an 8-bit board's receive
buffer holds. An `ok` belongs to the oldest line in flight, but for two that are told apart: one that follows a
refusal acknowledges nothing, and one with temperatures answers an M105. That makes M105 a *fence*: its answer
proves that all before it was taken, whatever was lost on the way. A line is never repeated on silence, only when
the firmware asks for it: the numbers see to it that none is executed twice, and none left out.
"""

import re
from collections import deque
from collections.abc import Iterator
from typing import Literal, NamedTuple

from msgspec import Struct

from agent.printers.replies import (
    Action,
    Busy,
    Capability,
    Identity,
    Killed,
    Ok,
    Position,
    Refusal,
    Restarted,
    Temperatures,
    Waiting,
    parse,
    temperatures,
)

WINDOW = 127
"""Bytes in flight that no board can lose: the receive buffer of an 8-bit one."""
RESERVE = 21
"""What of it lines leave free, so that a fence always fits."""
LONGEST_REPLY = 512
HISTORY = 512
"""Lines that can be asked for again after they were acknowledged."""
SETTLE = 0.05
"""Seconds without a refusal after which those for the lines that were on the way have come: more than 127 bytes take
at 115,200 baud, with a USB adapter's latency."""
FENCE_AFTER = 0.5
"""Seconds without a sign of life for a line in flight before the first fence; each further one waits twice as long."""
FENCES = 6
"""After so many, whoever watches the silence has to decide."""
GREET_AGAIN = 2.0
"""Seconds after which an M110 is repeated; then twice as long, up to eight times."""
PASSED = 8
"""A firmware that has taken more lines than this and asks for line 1 has started anew."""
REPEATS = 10
CANONICAL = re.compile(rb"[ -\[\]-~]{1,80}")
LONG = re.compile(rb"N\d+ (?:G28|G29|G4|M400|M109|M190)\b")


class Acknowledged(Struct, frozen=True, gc=False):
    """The firmware has taken the order with this tag; for an M105, everything before it too, proven."""

    tag: str


class Exhausted(Struct, frozen=True, gc=False):
    """All lines of the source are on their way."""


class Broken(Struct, frozen=True, gc=False):
    """The conversation can't be mended; the print is lost."""

    why: str


Event = (
    Acknowledged
    | Exhausted
    | Broken
    | Temperatures
    | Position
    | Identity
    | Capability
    | Restarted
    | Killed
    | Action
)
Kind = Literal["line", "fence", "order", "alone", "raw"]


class Sent(NamedTuple):
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


class Marlin:
    """One conversation, from an opened port to its loss."""

    def __init__(self) -> None:
        self.executed = 0
        """Lines of the source that were acknowledged."""
        self._source: Iterator[bytes] | None = None
        self._held = False
        self._line: bytes | None = None
        self._orders: deque[tuple[bytes, Kind, str]] = deque()
        self._urgent: list[bytes] = []
        self._repeats: deque[Sent] = deque()
        self._flight: deque[Sent] = deque()
        self._bytes = 0
        self._taken = 0
        """How many lines at the front of the flight are known to be out of the receive buffer."""
        self._history: deque[Sent] = deque(maxlen=HISTORY)
        self._number = 1
        self._greetings = 0
        self._tail = b""
        self._events: list[Event] = []
        self._heard_at = 0.0
        self._fences = 0
        self._wants_fence = False
        self._settled_at: float | None = None
        self._wanted: int | None = None
        self._after_error: int | None = None
        self._owed = 0
        self._refusals = 0
        self._refused = 0

    # Orders

    def feed(self, lines: Iterator[bytes]) -> None:
        """Send these commands, one after the other; they are pulled as the window allows."""
        self._source, self._line, self._held, self.executed = lines, None, False, 0

    def hold(self) -> None:
        """Send no more of the source for now."""
        self._held = True

    def go_on(self) -> None:
        """Send the source again."""
        self._held = False

    def drop(self) -> None:
        """Forget the source and all that is not on its way."""
        self._source = self._line = None
        self._orders.clear()

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

    # The wire

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take bytes from the firmware, in any pieces."""
        lines = (self._tail + data).split(b"\n")
        self._tail = lines.pop()[: LONGEST_REPLY + 1]
        for line in lines:
            if line == b"ok" and not self._owed:
                self._after_error = None
                self._acknowledge(now)
            elif line and len(line) <= LONGEST_REPLY:
                self._hear(line.strip(b"\r\0"), now)
        return self._take_events()

    def tick(self, now: float) -> list[Event]:
        """Let time pass: rewind when refusals have settled, ask when it is silent for too long."""
        if self._settled_at is not None:
            if now >= self._settled_at:
                self._rewind(now)
        elif self._flight and self._fences < FENCES and now >= self._heard_at + self._patience():
            self._break_silence(now)
        return self._take_events()

    def wake_at(self) -> float | None:
        """When `tick` has something to do."""
        if self._settled_at is not None:
            return self._settled_at
        return self._heard_at + self._patience() if self._flight and self._fences < FENCES else None

    def transmit(self, now: float) -> tuple[bytes, list[Event]]:
        """The bytes to send now."""
        was_empty = not self._flight
        out: list[bytes] = []
        for command in self._urgent:
            out.append(command + b"\n")
            self._fly(Sent(-1, out[-1], "raw", ""))
        self._urgent.clear()
        if self._settled_at is None and not self._greets():
            self._send_again(out)
            if not self._repeats:
                self._send_orders(out)
            if self._source is not None and not (
                self._held or self._repeats or self._orders or self._greets()
            ):
                self._send_lines(out, self._source)
        if was_empty and out:
            self._heard_at, self._fences = now, 0
        return b"".join(out), self._take_events()

    # What the watchdog and the progress are told

    def silent_for(self, now: float) -> float:
        """Seconds that a line in flight has waited without an ok or a sign of work."""
        return now - self._heard_at if self._flight else 0.0

    def has_orders(self) -> bool:
        """Whether an order still waits to be sent."""
        return bool(self._orders)

    def is_long(self) -> bool:
        """Whether something is in flight that may take minutes."""
        return any(LONG.match(sent.framed) for sent in self._flight)

    # Sending

    def _greets(self) -> bool:
        """Whether an M110 is on its way, with which nothing else may be."""
        return bool(self._flight) and self._flight[0].kind == "alone"

    def _fly(self, sent: Sent) -> None:
        self._flight.append(sent)
        self._bytes += len(sent.framed)

    def _fits(self, size: int, limit: int = WINDOW - RESERVE) -> bool:
        return not self._flight or self._bytes + size <= limit

    def _send_again(self, out: list[bytes]) -> None:
        while self._repeats and (self._wants_fence or self._fits(len(self._repeats[0].framed))):
            self._wants_fence = False  # the numbers leave no place for a fence: the next repeat has to do
            sent = self._repeats.popleft()
            out.append(sent.framed)
            self._fly(sent)

    def _send_orders(self, out: list[bytes]) -> None:
        spare = 2 * RESERVE if self._fences > 3 else 0  # the lines in the command queue are more than that
        if self._wants_fence and self._fits(RESERVE, WINDOW + spare):
            self._wants_fence = False
            self._send_one(out, b"M105", "fence", "")
        while self._orders:
            command, kind, tag = self._orders[0]
            if kind == "alone":
                if all(sent.kind == "raw" for sent in self._flight):
                    self._flight.clear()
                    self._orders.popleft()
                    self._number = self._bytes = self._taken = 0
                    self._history.clear()
                    self._send_one(out, command, kind, tag)
                return
            if not self._fits(len(command) + 14):
                return
            self._orders.popleft()
            self._send_one(out, command, kind, tag)

    def _send_one(self, out: list[bytes], command: bytes, kind: Kind, tag: str) -> None:
        framed = frame(self._number, command)
        out.append(framed)
        self._fly(Sent(self._number, framed, kind, tag))
        self._number += 1

    def _send_lines(self, out: list[bytes], source: Iterator[bytes]) -> None:
        flight, number, held = self._flight, self._number, self._bytes
        line = self._line
        overhead = len(str(number)) + 7
        while True:
            if line is None:
                line = next(source, None)
                if line is None:
                    self._source = None
                    self._events.append(Exhausted())
                    break
                if not CANONICAL.fullmatch(line) or b"M110" in line:
                    self._source = line = None
                    self._events.append(Broken("the file holds a line that can't be sent safely"))
                    break
            if flight and held + len(line) + overhead > WINDOW - RESERVE:
                break
            framed = frame(number, line)
            out.append(framed)
            flight.append(Sent(number, framed, "line", ""))
            held += len(framed)
            number += 1
            line = None
        self._number, self._bytes, self._line = number, held, line

    # Hearing

    def _hear(self, line: bytes, now: float) -> None:
        reply = parse(line)
        if isinstance(reply, Ok):
            self._hear_ok(reply, line, now)
        elif isinstance(reply, Refusal):
            self._hear_refusal(reply, now)
        elif isinstance(reply, Busy):
            self._heard_at = now
        elif isinstance(reply, Waiting):
            if self._flight and not any(sent.kind == "fence" for sent in self._flight):
                self._wants_fence = True
        elif reply is not None:
            if isinstance(reply, Temperatures) and reply.waited:
                self._heard_at = now
            self._events.append(reply)

    def _hear_ok(self, reply: Ok, line: bytes, now: float) -> None:
        self._after_error = None
        if reply.warm:
            self._pass_fence(now)
            if (found := temperatures(line)) is not None:
                self._events.append(found)
        elif self._owed:
            self._owed -= 1
        elif reply.number is None:
            self._acknowledge(now)
        elif any(sent.number == reply.number for sent in self._flight):
            while self._pop(now).number != reply.number:
                pass

    def _acknowledge(self, now: float) -> None:
        """A plain ok: the oldest line is done. A fence is passed by its own kind of ok only, a refused line by none."""
        if not self._flight or self._flight[0].kind == "fence":
            return
        if self._wanted is None or self._flight[0].number < self._wanted:
            self._pop(now)

    def _pass_fence(self, now: float) -> None:
        if any(sent.kind == "fence" for sent in self._flight):
            while self._pop(now).kind != "fence":
                pass

    def _pop(self, now: float) -> Sent:
        sent = self._flight.popleft()
        if self._taken:
            self._taken -= 1
        else:
            self._bytes -= len(sent.framed)
        self._heard_at, self._fences = now, 0
        if sent.kind == "alone":
            self._settled_at, self._wanted, self._number, self._greetings = now + SETTLE, None, 1, 0
        self._done(sent)
        return sent

    def _done(self, sent: Sent) -> None:
        if sent.kind == "line":
            self.executed += 1
        elif sent.tag:
            self._events.append(Acknowledged(sent.tag))
        if sent.kind not in {"alone", "raw"}:
            self._history.append(sent)
        if sent.number >= self._refused:
            self._refusals = 0

    def _hear_refusal(self, reply: Refusal, now: float) -> None:
        """Note which line is wanted, and wait until the refusals of those behind it have come."""
        if reply.is_error:
            self._after_error = reply.number
            self._owed += 1
        elif self._after_error is None:
            self._owed += 1
        agreed = reply.is_error or self._after_error in (None, reply.number)
        if not reply.is_error:
            self._after_error = None
        self._wanted = reply.number if agreed else None
        self._settled_at = now + SETTLE
        if self._wanted == 1 and self._has_passed_one():
            self._events.append(Restarted())

    def _has_passed_one(self) -> bool:
        return bool(self._flight) and self._flight[0].number > PASSED

    def _rewind(self, now: float) -> None:
        """Put what is wanted, and all behind it, back to be sent again."""
        wanted, self._settled_at, self._wanted, self._owed = self._wanted, None, None, 0
        self._heard_at = now
        if self._greets():
            self._repeat_greeting()
            return
        if wanted is None or wanted == self._number:
            self._wants_fence = bool(self._flight)
            return
        self._refusals = self._refusals + 1 if wanted <= self._refused else 1
        self._refused = wanted
        if self._refusals > REPEATS:
            self._events.append(
                Broken(f"the printer refused line {wanted} {REPEATS} times: look at the cable")
            )
        elif not self._oldest() <= wanted < self._number:
            self._wants_fence = True  # a garbled number, most likely: the answer to a fence tells it again
        else:
            self._go_back(wanted)

    def _oldest(self) -> int:
        """The oldest line that can still be sent again."""
        known = self._history or self._flight or self._repeats
        return known[0].number if known else self._number

    def _go_back(self, wanted: int) -> None:
        while self._flight and (self._flight[-1].number >= wanted or self._flight[-1].kind == "raw"):
            sent = self._flight.pop()
            if sent.kind != "raw":
                self._repeats.appendleft(sent)
        self._taken, self._bytes = len(self._flight), 0  # a refusal empties the receive buffer
        while self._history and self._history[-1].number >= wanted:
            sent = self._history.pop()
            self.executed -= sent.kind == "line"
            self._repeats.appendleft(sent)
        while self._repeats and self._repeats[0].number < wanted:
            self._skip(self._repeats.popleft())

    def _skip(self, sent: Sent) -> None:
        """The firmware has this one after all. Its ok may have been missed, and a fence is passed by nothing else."""
        if sent.kind == "fence" and sent.tag:
            self._orders.appendleft((b"M105", "fence", sent.tag))
            sent = sent._replace(tag="")
        self._done(sent)

    def _repeat_greeting(self) -> None:
        """Saying M110 twice does no harm, so it alone is repeated without being asked for."""
        sent = self._flight.pop()
        self._bytes -= len(sent.framed)
        self._orders.appendleft((b"M110 N0", "alone", sent.tag))

    def _patience(self) -> float:
        if self._greets():
            return GREET_AGAIN * 2.0 ** min(self._greetings, 3)
        return FENCE_AFTER * 2.0**self._fences

    def _break_silence(self, now: float) -> None:
        if self._greets():
            self._heard_at = now
            self._greetings += 1
            self._repeat_greeting()
        else:
            self._fences += 1
            self._wants_fence = True

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events
