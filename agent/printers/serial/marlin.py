"""The host's side of Marlin's line discipline: bytes in, events out, bytes to send. No IO, and no clock.

Lines go out as `N<line> <command>*<xor>`, never more unacknowledged bytes than an 8-bit board's receive
buffer holds. An `ok` belongs to the oldest line in flight, but for two that are told apart: one that follows a
refusal acknowledges nothing, and one with temperatures answers an M105. That makes M105 a *fence*: its answer
proves that all before it was taken, whatever was lost on the way. A line is never repeated on silence, only when
the firmware asks for it: the numbers see to it that none is executed twice, and none left out.
"""

from itertools import takewhile

from msgspec.structs import replace

from agent.printers.serial.events import Acknowledged, Broken, Event, Exhausted, Halted
from agent.printers.serial.line import SHORT_SECONDS, Sent, allowance, checksum, frame, waits_for_heat
from agent.printers.serial.options import WINDOW
from agent.printers.serial.parser import parse, temperatures
from agent.printers.serial.replies import Busy, Idling, Ok, ResendRequest, Restarted, Temperatures
from agent.printers.serial.resends import SETTLE, Resends
from agent.printers.serial.sender import Sender

__all__ = [
    "SETTLE",
    "WINDOW",
    "Acknowledged",
    "Broken",
    "Event",
    "Exhausted",
    "Halted",
    "Marlin",
    "checksum",
    "frame",
]

OK = b"ok\n"
LONGEST_REPLY = 512
FENCE_AFTER = 0.5
"""Seconds without a sign of life for a line in flight before the first fence; each further one waits twice as long."""
FENCES = 6
"""After so many, whoever watches the silence has to decide."""
GREET_AGAIN = 2.0
"""Seconds after which an M110 is repeated; then twice as long, up to eight times."""
PASSED = 8
"""A firmware that has taken more lines than this and asks for line 1 has started anew."""


class Marlin(Sender):
    """One conversation, from an opened port to its loss: its outbox, and what is heard."""

    def __init__(self, window: int = WINDOW) -> None:
        """`window` is how many bytes the board's receive buffer holds; 0 for one line at a time."""
        super().__init__(window)
        self.last_line: int | None = None
        """What the firmware said that it took last, when it refused a line."""
        self.is_understood = False
        """Whether any word of a printer has come."""
        self._refusals = Resends()
        self._greetings = 0
        self._tail = b""
        self._heard_at = 0.0
        self._fences = 0
        self._tells_work = self._tells_heat = False
        """Whether it has said that it is busy, or how hot it is, while something took long: then it will again."""
        self._surplus = 0
        """Plain oks since a fence became the oldest in flight."""

    # The wire

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take bytes from the firmware, in any pieces."""
        refusals = self._refusals
        lines = (self._tail + data).split(b"\n")
        self._tail = lines.pop()[: LONGEST_REPLY + 1]
        for line in lines:
            if line == b"ok" and not refusals.owed:
                self.is_understood = True
                refusals.hear_ok()
                self._acknowledge(now)
            elif line and len(line) <= LONGEST_REPLY:
                self._hear(line.strip(b"\r\0"), now)
        return self._take_events()

    def stream(self, data: bytes, now: float) -> bytes | None:
        """`receive` and `transmit` at once, and quicker, for oks of lines of the source.

        None, and nothing is done, if anything else has come or has to be sent.
        """
        oks, source = data.count(OK), self._stream
        if oks * len(OK) != len(data) or self._tail or source is None or self._refusals.is_asked:
            return None
        if not self._flight.land(oks):
            return None
        self._heard_at, self._fences, self._surplus = now, 0, 0
        self.executed += oks
        self._refusals.passed(self._flight.history[-1].number)
        out: list[bytes] = []
        self._send_lines(out, source)
        return b"".join(out)

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
        out = self._fill(halted=self._refusals.settled_at is not None)
        if was_empty and out:
            self._heard_at, self._fences = now, 0
        return b"".join(out), self._take_events()

    # What the watchdog and the progress are told

    def silent_for(self, now: float) -> float:
        """Seconds that a line in flight has waited without an ok or a sign of work."""
        return now - self._heard_at if self._flight.lines else 0.0

    def allowance(self) -> float:
        """Seconds that the lines in flight may be silent: fewer where the firmware has told of its work before."""
        return max((self._allowance(sent.framed) for sent in self._flight.lines), default=0.0)

    def longest(self) -> float:
        """Seconds that what is in flight may take, silent or not."""
        return max((allowance(sent.framed) for sent in self._flight.lines), default=0.0)

    def _allowance(self, framed: bytes) -> float:
        tells = self._tells_heat if waits_for_heat(framed) else self._tells_work
        return min(allowance(framed), SHORT_SECONDS) if tells else allowance(framed)

    def waits_for_heat(self) -> bool:
        """Whether something is in flight behind which all else waits until it is hot."""
        return any(waits_for_heat(sent.framed) for sent in self._flight.lines)

    # Hearing

    def _hear(self, line: bytes, now: float) -> None:
        reply = parse(line)
        self.is_understood = self.is_understood or reply is not None
        if isinstance(reply, Ok):
            self._hear_ok(reply, line, now)
        elif isinstance(reply, ResendRequest):
            self._hear_refusal(reply, now)
        elif isinstance(reply, Idling):
            if self._flight.lines and not self._flight.has("fence"):
                self._wants_fence = True
        elif reply is not None:
            if isinstance(reply, Busy):
                self._heard_at, self._tells_work = now, True
            elif isinstance(reply, Temperatures) and reply.waited:
                self._heard_at, self._tells_heat = now, True
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
            sent = replace(sent, tag="")
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

    def _hear_refusal(self, reply: ResendRequest, now: float) -> None:
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
        self._tell_by_the_first()

    def _tell_by_the_first(self) -> None:
        """Fences in a row prove the same, so the first ones tell it: the last would be put off by each silence."""
        fences = list(takewhile(lambda sent: sent.kind == "fence", self._repeats))
        tags = [sent.tag for sent in fences if sent.tag]
        for place, sent in enumerate(fences):
            self._repeats[place] = replace(sent, tag=tags[place] if place < len(tags) else "")

    def _skip(self, sent: Sent) -> None:
        """The firmware has this one after all. Its ok may have been missed, and a fence is passed by nothing else."""
        if sent.kind == "fence" and sent.tag:
            self._orders.appendleft((b"M105", "fence", sent.tag))
            sent = replace(sent, tag="")
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
            self._make_room()

    def _make_room(self) -> None:
        """The oldest fences, whose answers were lost, leave no place for another: count them as passed."""
        size, lines = len(frame(self._number, b"M105")), self._flight.lines
        while lines[0].kind == "fence" and not lines[0].tag and not self._flight.fits_fence(size):
            self._drop_oldest()

    def _ask_anew(self) -> None:
        """Only fences are in flight, and none is answered: their answers were lost, so a new one stands for all.

        Where they have nothing to tell, what comes next does as well, and must not wait behind ever more of them.
        """
        tags = [self._drop_oldest().tag for _ in range(len(self._flight.lines))]
        kept = [tag for tag in tags if tag] or ([] if self._orders or self._source else [""])
        self._orders.extendleft((b"M105", "fence", tag) for tag in reversed(kept))

    def _drop_oldest(self) -> Sent:
        sent = self._flight.pop()
        self._flight.keep(replace(sent, tag=""))
        return sent

    def _take_events(self) -> list[Event]:
        if not self._events:
            return []
        events, self._events = self._events, []
        return events
