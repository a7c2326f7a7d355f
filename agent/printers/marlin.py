"""The host's side of Marlin's line discipline: bytes in, events out, bytes to send. No IO, and no clock.

Lines go out as `N<line> <command>*<xor>`, never more unacknowledged bytes than an 8-bit board's receive
buffer holds. An `ok` belongs to the oldest line in flight, but for two that are told apart: one that follows a
refusal acknowledges nothing, and one with temperatures answers an M105. That makes M105 a *fence*: its answer
proves that all before it was taken, whatever was lost on the way. A line is never repeated on silence, only when
the firmware asks for it: the numbers see to it that none is executed twice, and none left out.
"""

from collections import deque
from collections.abc import Iterator

from msgspec import Struct

from agent.printers.flight import RESERVE, WINDOW, Flight
from agent.printers.line import CANONICAL, HALTS, Kind, Sent, allowance, checksum, frame, waits_for_heat
from agent.printers.refusals import SETTLE, Refusals
from agent.printers.replies import (
    Action,
    Busy,
    Capability,
    Complaint,
    Identity,
    Killed,
    Ok,
    Position,
    Refusal,
    Restarted,
    SdCard,
    Temperatures,
    Waiting,
    parse,
    temperatures,
)

__all__ = [
    "RESERVE",
    "SETTLE",
    "WINDOW",
    "Acknowledged",
    "Broken",
    "Exhausted",
    "Marlin",
    "checksum",
    "frame",
]

LONGEST_REPLY = 512
FENCE_AFTER = 0.5
"""Seconds without a sign of life for a line in flight before the first fence; each further one waits twice as long."""
FENCES = 6
"""After so many, whoever watches the silence has to decide."""
GREET_AGAIN = 2.0
"""Seconds after which an M110 is repeated; then twice as long, up to eight times."""
PASSED = 8
"""A firmware that has taken more lines than this and asks for line 1 has started anew."""


class Acknowledged(Struct, frozen=True, gc=False):
    """The firmware has taken the order with this tag; for an M105, everything before it too, proven."""

    tag: str


class Exhausted(Struct, frozen=True, gc=False):
    """All lines of the source are on their way."""


class Halted(Struct, frozen=True, gc=False):
    """The source asks for somebody at the printer (M0, M600): the line was kept back, and the source is held."""

    line: str


class Broken(Struct, frozen=True, gc=False):
    """The conversation can't be mended; the print is lost."""

    why: str


Event = (
    Acknowledged
    | Exhausted
    | Halted
    | Broken
    | Busy
    | Temperatures
    | Position
    | Identity
    | Capability
    | SdCard
    | Complaint
    | Restarted
    | Killed
    | Action
)


class Marlin:
    """One conversation, from an opened port to its loss."""

    def __init__(self, window: int = WINDOW) -> None:
        """`window` is how many bytes the board's receive buffer holds; 0 for one line at a time."""
        self.executed = 0
        """Lines of the source that were acknowledged."""
        self.trail: list[int] = []
        """Numbers that went to other commands than the source's, until somebody takes them; 0 begins a new count."""
        self.last_line: int | None = None
        """What the firmware said that it took last, when it refused a line."""
        self.is_understood = False
        """Whether any word of a printer has come."""
        self._source: Iterator[bytes] | None = None
        self._held = False
        self._line: bytes | None = None
        self._orders: deque[tuple[bytes, Kind, str]] = deque()
        self._urgent: list[bytes] = []
        self._repeats: deque[Sent] = deque()
        self._flight = Flight(window)
        self._refusals = Refusals()
        self._number = 1
        self._greetings = 0
        self._tail = b""
        self._events: list[Event] = []
        self._heard_at = 0.0
        self._fences = 0
        self._surplus = 0
        """Plain oks since a fence became the oldest in flight."""
        self._wants_fence = False

    # Orders

    def feed(self, lines: Iterator[bytes], done: int = 0) -> None:
        """Send these commands, one after the other; they are pulled as the window allows. `done` went before."""
        self._source, self._line, self._held, self.executed = lines, None, False, done

    def go_on_after(self, last: int) -> None:
        """Count on behind `last`, which the firmware took from somebody before us."""
        self._number = last + 1

    def hold(self) -> None:
        """Send no more of the source for now."""
        self._held = True

    def go_on(self) -> None:
        """Send the source again."""
        self._held = False

    def drop(self) -> None:
        """Forget the source and all that is not on its way."""
        self._source = self._line = None
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

    # The wire

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take bytes from the firmware, in any pieces."""
        lines = (self._tail + data).split(b"\n")
        self._tail = lines.pop()[: LONGEST_REPLY + 1]
        refusals = self._refusals
        for line in lines:
            if line == b"ok" and not refusals.owed:
                self.is_understood = True
                refusals.hear_ok()
                self._acknowledge(now)
            elif line and len(line) <= LONGEST_REPLY:
                self._hear(line.strip(b"\r\0"), now)
        return self._take_events()

    def tick(self, now: float) -> list[Event]:
        """Let time pass: rewind when refusals have settled, ask when it is silent for too long."""
        settled_at, window = self._refusals.settled_at, self._flight.window
        if window.size < window.most:
            window.ease(self._number)
        if settled_at is not None:
            if now >= settled_at:
                self._rewind(now)
        elif self._flight.lines and self._fences < FENCES and now >= self._heard_at + self._patience():
            self._break_silence(now)
        return self._take_events()

    def wake_at(self) -> float | None:
        """When `tick` has something to do."""
        if self._refusals.settled_at is not None:
            return self._refusals.settled_at
        asks = self._flight.lines and self._fences < FENCES
        return self._heard_at + self._patience() if asks else None

    def transmit(self, now: float) -> tuple[bytes, list[Event]]:
        """The bytes to send now."""
        was_empty = not self._flight.lines
        out: list[bytes] = []
        for command in self._urgent:
            out.append(command + b"\n")
            self._flight.add(Sent(-1, out[-1], "raw", ""))
        self._urgent.clear()
        if self._refusals.settled_at is None and not self._greets():
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

    def numbered(self, command: bytes) -> bytes:
        """`command` as the next line, for last words: it is not followed up."""
        return frame(self._number, command)

    # What the watchdog and the progress are told

    def silent_for(self, now: float) -> float:
        """Seconds that a line in flight has waited without an ok or a sign of work."""
        return now - self._heard_at if self._flight.lines else 0.0

    def allowance(self) -> float:
        """Seconds that the lines in flight may be silent."""
        return max(map(allowance, (sent.framed for sent in self._flight.lines)), default=0.0)

    def has_orders(self) -> bool:
        """Whether an order still waits to be sent."""
        return bool(self._orders)

    def waits_for_heat(self) -> bool:
        """Whether something is in flight behind which all else waits until it is hot."""
        return any(waits_for_heat(sent.framed) for sent in self._flight.lines)

    # Sending

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
        spare = 2 * RESERVE if self._fences > 3 else 0  # the lines in the command queue are more than that
        if self._wants_fence and self._flight.fits_fence(spare):
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

    def _send_lines(self, out: list[bytes], source: Iterator[bytes]) -> None:
        flight, number, line = self._flight, self._number, self._line
        add, lines, fits = flight.add, flight.lines, CANONICAL.fullmatch
        room = flight.window.size - RESERVE
        overhead = len(str(number)) + 7
        while True:
            if line is None:
                line = next(source, None)
                if line is None:
                    self._source = None
                    self._events.append(Exhausted())
                    break
                if b"M" in line or not fits(line):
                    line = self._examine(line)
                    if line is None:
                        break
            if lines and flight.bytes + len(line) + overhead > room:
                break
            framed = frame(number, line)
            out.append(framed)
            add(Sent(number, framed, "line", ""))
            number += 1
            line = None
        self._number, self._line = number, line

    def _examine(self, line: bytes) -> bytes | None:
        """The line if it may be sent; else None, and the source ends or is held."""
        if not CANONICAL.fullmatch(line) or b"M110" in line:
            self._source = None
            self._events.append(Broken("the file holds a line that can't be sent safely"))
            return None
        if HALTS.match(line):
            self._held = True
            self._events.append(Halted(line.decode("ascii")))
            return None
        return line

    # Hearing

    def _hear(self, line: bytes, now: float) -> None:
        reply = parse(line)
        self.is_understood = self.is_understood or reply is not None
        if isinstance(reply, Ok):
            self._hear_ok(reply, line, now)
        elif isinstance(reply, Refusal):
            self._hear_refusal(reply, now)
        elif isinstance(reply, Waiting):
            if self._flight.lines and not self._flight.has("fence"):
                self._wants_fence = True
        elif reply is not None:
            if isinstance(reply, Busy) or (isinstance(reply, Temperatures) and reply.waited):
                self._heard_at = now
            self._events.append(reply)

    def _hear_ok(self, reply: Ok, line: bytes, now: float) -> None:
        refusals = self._refusals
        refusals.hear_ok()
        if reply.warm:
            self._pass_fence(now)
            if (found := temperatures(line)) is not None:
                self._events.append(found)
        elif refusals.owed:
            refusals.owed -= 1
        elif reply.number is None:
            self._acknowledge(now)
        elif self._flight.holds(reply.number):
            while self._pop(now).number != reply.number:
                pass
            if reply.places and refusals.settled_at is None:
                self._flight.grant(reply.number, reply.places)

    def _acknowledge(self, now: float) -> None:
        """A plain ok: the oldest line is done. A fence is passed by its own kind of ok only, a refused line by none."""
        lines = self._flight.lines
        if not lines or lines[0].kind == "check":
            return
        if lines[0].kind == "fence":
            self._acknowledge_behind(now)
            return
        wanted = self._refusals.wanted
        if wanted is None or lines[0].number < wanted:
            self._pop(now)

    def _acknowledge_behind(self, now: float) -> None:
        """A plain ok, and a fence is the oldest: one may be doubled; with two, the fence's own was lost on the way."""
        self._surplus += 1
        lines = self._flight.lines
        behind = sum(sent.kind != "fence" for sent in lines)
        proves = any(sent.kind == "fence" and sent.tag for sent in lines)
        if self._surplus < 2 or behind < 2 or proves or self._refusals.wanted is not None:
            return
        for _ in range(2):
            while self._pop(now).kind == "fence":
                pass

    def _pass_fence(self, now: float) -> None:
        if self._greets():
            if self._flight.lines[0].kind == "check":
                self._pop(now)
        elif self._flight.has("fence"):
            while self._pop(now).kind != "fence":
                pass

    def _pop(self, now: float) -> Sent:
        sent = self._flight.pop()
        self._heard_at, self._fences, self._surplus = now, 0, 0
        if sent.kind == "alone":
            # The ok does not tell whether it was heard as it was meant: only a line 1 that is executed does.
            self._number, self._greetings = 1, 0
            self._refusals.rest(now)
            self._orders.appendleft((b"M105", "check", sent.tag))
            sent = sent._replace(tag="")
        self._done(sent)
        return sent

    def _done(self, sent: Sent) -> None:
        if sent.kind == "line":
            self.executed += 1
        elif sent.tag:
            self._events.append(Acknowledged(sent.tag))
        if sent.kind not in {"alone", "raw"}:
            self._flight.keep(sent)
        self._refusals.passed(sent.number)

    def _hear_refusal(self, reply: Refusal, now: float) -> None:
        """Note which line is wanted, and wait until the refusals of those behind it have come."""
        self._refusals.hear(reply, now)
        if reply.is_error:
            self.last_line = reply.number - 1
        if self._has_passed_one() and self._refusals.asks_for_the_first():
            self._events.append(Restarted())

    def _has_passed_one(self) -> bool:
        lines = self._flight.lines
        return (lines[0].number if lines else self._number) > PASSED

    def _rewind(self, now: float) -> None:
        """Put what is wanted, and all behind it, back to be sent again."""
        refused = self._refusals.heard
        wanted = self._refusals.settle()
        self._heard_at = now
        if refused and self._has_check():
            self._orders.appendleft((b"M110 N0", "alone", self._orders.popleft()[2]))
            return
        if self._greets():
            self._repeat_greeting()
            return
        if wanted is None or wanted == self._number:
            self._wants_fence = bool(self._flight.lines)
        else:
            self._refusals.count(wanted)
            oldest = self._oldest()
            if oldest <= wanted < self._number and not (wanted == 1 and self._has_passed_one()):
                self._flight.window.refuse(wanted)
                self._go_back(wanted)
            else:
                self._wants_fence = (
                    True  # a garbled number, most likely: the answer to a fence tells it again
                )
        if why := self._refusals.too_many():
            self._events.append(Broken(why))

    def _oldest(self) -> int:
        """The oldest line that can still be sent again."""
        known = self._flight.oldest()
        if known is None:
            known = self._repeats[0].number if self._repeats else self._number
        return known

    def _go_back(self, wanted: int) -> None:
        back, undone = self._flight.go_back(wanted)
        self.executed -= undone
        self._repeats.extendleft(reversed(back))
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
            return
        self._fences += 1
        if not self._repeats and all(sent.kind == "fence" for sent in self._flight.lines):
            self._ask_anew()
        else:
            self._wants_fence = True

    def _ask_anew(self) -> None:
        """Only fences are in flight, and none is answered: their answers were lost, so a new one stands for all."""
        tags = [self._drop_oldest().tag for _ in range(len(self._flight.lines))]
        kept = [tag for tag in tags if tag] or [""]
        self._orders.extendleft((b"M105", "fence", tag) for tag in reversed(kept))

    def _drop_oldest(self) -> Sent:
        sent = self._flight.pop()
        self._flight.keep(sent._replace(tag=""))
        return sent

    def _take_events(self) -> list[Event]:
        if not self._events:
            return []
        events, self._events = self._events, []
        return events
