"""The coordinator's clock, reckoned from what it says: an agent's own may be wrong by years."""

import math
import threading

SPAN = 3600.0
"""Seconds of hearing after which what was heard before the last such span is forgotten."""


class CoordinatorClock:
    """What the coordinator's clock shows at least.

    Each message carries when it was `sent`; it arrived later than that, so the largest difference to our
    monotonic clock comes nearest to the truth. It is the largest of the last hour or two in which messages came,
    not of all time: clocks drift apart over weeks, and a coordinator's that was ahead may be set right.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before = self._lately = -math.inf
        self._began = 0.0

    def hear(self, sent: float, now: float) -> None:
        """A message that was sent at `sent` (coordinator's clock) arrives at `now` (monotonic)."""
        with self._lock:
            offset = sent - now
            if self._lately == -math.inf or now - self._began >= SPAN:
                # One message alone, late after a long silence, does not outweigh what was heard before it.
                self._before, self._lately, self._began = self._lately, offset, now
            self._lately = max(self._lately, offset)

    def expired(self, expires: float, now: float) -> bool:
        """Whether `expires` (coordinator's clock) has passed; True as long as nothing was heard."""
        with self._lock:
            offset = max(self._before, self._lately)
            return offset == -math.inf or now + offset > expires

    def early(self, begins: float, now: float) -> bool:
        """Whether `begins` (coordinator's clock) is still to come; True as long as nothing was heard."""
        with self._lock:
            return now + max(self._before, self._lately) < begins
