"""How long the firmware says nothing, and what to do then: ask by a fence, never repeat blindly. Pure; seconds.

A line is never repeated on silence, only when the firmware asks for it. Only M110, which does no harm, is said again.
"""

from msgspec.structs import replace

from agent.printers.serial.line import SHORT_SECONDS, Sent, allowance, frame, waits_for_heat
from agent.printers.serial.sender import Sender

FENCE_AFTER = 0.5
"""Seconds without a sign of life for a line in flight before the first fence; each further one waits twice as long."""
FENCES = 6
"""After so many, whoever watches the silence has to decide."""
GREET_AGAIN = 2.0
"""Seconds after which an M110 is repeated; then twice as long, up to eight times."""


class Silence:
    """One conversation's."""

    def __init__(self, sender: Sender) -> None:
        self.heard_at = 0.0
        """When there was an ok or a sign of work last, or a first line went out."""
        self.fences = 0
        """How many asked in this silence."""
        self.tells_work = self.tells_heat = False
        """Whether it has said that it is busy, or how hot it is, while something took long: then it will again."""
        self._sender = sender
        self._window = sender.window
        self._greetings = 0

    def end(self, now: float) -> None:
        """An ok has come, or the first line went out."""
        self.heard_at, self.fences = now, 0

    def end_greeting(self) -> None:
        """An M110 was answered."""
        self._greetings = 0

    def seconds(self, now: float) -> float:
        """For how long a line in flight has waited without an ok or a sign of work."""
        return now - self.heard_at if self._window.lines else 0.0

    def allowance(self) -> float:
        """Seconds that the lines in flight may be silent: fewer where the firmware has told of its work before."""
        return max((self._allowance(sent.framed) for sent in self._window.lines), default=0.0)

    def longest(self) -> float:
        """Seconds that what is in flight may take, silent or not."""
        return max((allowance(sent.framed) for sent in self._window.lines), default=0.0)

    @property
    def waits_for_heat(self) -> bool:
        """Whether something is in flight behind which all else waits until it is hot."""
        return any(waits_for_heat(sent.framed) for sent in self._window.lines)

    def ends_at(self) -> float | None:
        """When to break it; None while there is nothing to break."""
        asks = self._window.lines and self.fences < FENCES
        return self.heard_at + self._patience() if asks else None

    def break_up(self, now: float) -> None:
        """It has lasted too long: ask."""
        if self._window.is_alone:
            self.heard_at = now
            self._greetings += 1
            self._sender.greet_again()
            return
        self.fences += 1
        if not self._sender.repeats and all(sent.kind == "fence" for sent in self._window.lines):
            self._ask_anew()
        else:
            self._sender.wants_fence = True
            self._make_room()

    def _patience(self) -> float:
        if self._window.is_alone:
            return GREET_AGAIN * 2.0 ** min(self._greetings, 3)
        return FENCE_AFTER * 2.0**self.fences

    def _allowance(self, framed: bytes) -> float:
        tells = self.tells_heat if waits_for_heat(framed) else self.tells_work
        return min(allowance(framed), SHORT_SECONDS) if tells else allowance(framed)

    def _make_room(self) -> None:
        """The oldest fences, whose answers were lost, leave no place for another: count them as passed."""
        size, lines = len(frame(self._sender.number, b"M105")), self._window.lines
        while lines[0].kind == "fence" and not lines[0].tag and not self._window.fits_fence(size):
            self._drop_oldest()

    def _ask_anew(self) -> None:
        """Only fences are in flight, and none is answered: their answers were lost, so a new one stands for all.

        Where they have nothing to tell, what comes next does as well, and must not wait behind ever more of them.
        """
        tags = [self._drop_oldest().tag for _ in range(len(self._window.lines))]
        waits = self._sender.has_orders or self._sender.source.is_there
        kept = [tag for tag in tags if tag] or ([] if waits else [""])
        for tag in reversed(kept):
            self._sender.send_first(b"M105", "fence", tag)

    def _drop_oldest(self) -> Sent:
        sent = self._window.pop()
        self._window.keep(replace(sent, tag=""))
        return sent
