"""Which line the firmware asks for again, and which of its oks belong to the asking. Pure.

One bad line makes Marlin drop its whole receive buffer, and each line that is still on the way is refused too. So the
host stops, waits until the refusals have come, and goes back once.
"""

from agent.printers.serial.replies import ResendRequest

SETTLE = 0.05
"""Seconds without a refusal after which those for the lines that were on the way have come: more than 127 bytes take
at 115,200 baud, with a USB adapter's latency."""
REPEATS = 10
"""So often may one line be refused; then the cable, or the firmware, is at fault."""
FRUITLESS = 30
"""So often may the host go back without any line getting further."""


class Resends:
    """What was asked for since the host last went back."""

    def __init__(self) -> None:
        self.settled_at: float | None = None
        """When the host may go back; None if nothing is refused."""
        self.wanted: int | None = None
        """The number that is asked for; None if Error and Resend contradict each other, or nothing is."""
        self.owed = 0
        """Oks that belong to refusals and acknowledge nothing."""
        self.heard = False
        """Whether anything was refused since then, or since a new count began."""
        self._after_error: int | None = None
        self._first: set[tuple[bool, int]] = set()
        """Who asked for line 1: an Error line or a Resend, and in which round."""
        self._round = 0
        self._line = 0
        self._times = 0
        self._furthest = 0
        self._fruitless = 0

    def hear(self, reply: ResendRequest, now: float) -> None:
        """An Error line (which tells the last good number), or a Resend; most firmwares say both, and then one ok."""
        self.heard = True
        if reply.number == 1:
            self._first.add((reply.is_error, self._round))
        else:
            self._first.clear()
        if reply.is_error:
            self._after_error = reply.number
            self.owed += 1
        elif self._after_error is None:
            self.owed += 1
        agreed = reply.is_error or self._after_error in (None, reply.number)
        if not reply.is_error:
            self._after_error = None
        self.wanted = reply.number if agreed else None
        self.settled_at = now + SETTLE

    def hear_ok(self) -> None:
        """An ok ends the refusal that it belongs to."""
        self._after_error = None

    @property
    def is_asked(self) -> bool:
        """Whether anything that was asked for has not settled yet, so that an ok may be a refusal's."""
        return self.settled_at is not None or self.owed > 0 or self._after_error is not None

    def asks_for_the_first(self) -> bool:
        """Whether two that can't both be garbled ask for line 1: an Error and its Resend, or those of two rounds."""
        kinds, rounds = (len(set(part)) for part in zip(*self._first, strict=True)) if self._first else (0, 0)
        return kinds > 1 or rounds > 1

    def settle(self) -> int | None:
        """All have come: gives what is wanted, and forgets the asking."""
        wanted, self.settled_at, self.wanted, self.owed = self.wanted, None, None, 0
        self.heard = False
        self._fruitless += 1
        self._round += 1
        return wanted

    def rest(self, now: float) -> None:
        """Wait as after a refusal, and then send nothing again: a new count has begun."""
        self.settled_at, self.wanted, self.heard = now + SETTLE, None, False
        self._furthest = self._fruitless = 0
        self._first.clear()

    def count(self, wanted: int) -> None:
        """Go back to `wanted` once more."""
        self._times = self._times + 1 if wanted <= self._line else 1
        self._line = wanted

    def passed(self, number: int) -> None:
        """The firmware has taken this line."""
        if number >= self._line:
            self._times = 0
        if number > self._furthest:
            self._furthest = number
            self._fruitless = 0

    def too_many(self) -> str:
        """Why the host should give up; empty while it should not."""
        if self._times > REPEATS:
            return f"the printer refused line {self._line} {REPEATS} times: look at the cable"
        if self._fruitless > FRUITLESS:
            return "the printer asks for lines again and again without getting further: look at the cable"
        return ""
