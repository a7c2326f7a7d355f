"""The coordinator's clock, reckoned from what it says: an agent's own may be wrong by years."""

import threading


class Reckoning:
    """What the coordinator's clock shows at least.

    Each message carries when it was `sent`; it arrived later than that, so the largest difference to our
    monotonic clock comes nearest to the truth and never lies ahead of it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset: float | None = None

    def hear(self, sent: float, now: float) -> None:
        """A message that was sent at `sent` (coordinator's clock) arrives at `now` (monotonic)."""
        with self._lock:
            offset = sent - now
            self._offset = offset if self._offset is None else max(self._offset, offset)

    def expired(self, expires: float, now: float) -> bool:
        """Whether `expires` (coordinator's clock) has passed; True as long as nothing was heard."""
        with self._lock:
            return self._offset is None or now + self._offset > expires
