"""Stopping a board at once, by all means that its owner allows. Pure; times in seconds."""

from agent.printers.serial.options import Dtr

CONFIRM_SECONDS = 2.0
"""A firmware that was told to stop at once has said so by then; else its board is reset, if it may be."""
OWN_RESET_SECONDS = 15.0
"""A start within this time after we reset the board, or opened its port, is our own doing."""
STOP = b"\nM108\nM112\nM104 S0\nM140 S0\n"
"""Everything at once: what an emergency parser sees, and what the queue would."""


class EmergencyStop:
    """One board's; `wants_reset` until whoever can has pulsed DTR."""

    def __init__(self, dtr: Dtr, now: float, *, opened: bool) -> None:
        """`opened` if a start that comes now may be due to our opening of the port."""
        self.wants_reset = False
        self._dtr = dtr
        self._confirm_at: float | None = None
        self._ours_until = now + OWN_RESET_SECONDS if opened else now

    @property
    def is_pulled(self) -> bool:
        """Whether a stop is yet to be confirmed."""
        return self._confirm_at is not None

    def pull(self, numbered: bytes, now: float) -> bytes:
        """The bytes that stop the board; `numbered` is an M112 as the line that it expects next."""
        self._confirm_at = now + CONFIRM_SECONDS
        return STOP + numbered

    def confirm(self) -> None:
        """The firmware has stopped itself."""
        self._confirm_at = None

    def tick(self, now: float) -> None:
        """Nothing has confirmed the stop in time: reset the board."""
        if self._confirm_at is not None and now >= self._confirm_at:
            self._confirm_at = None
            self.reset(now)

    def reset(self, now: float) -> None:
        """Reset the board, where that is allowed."""
        if self._dtr != "never":
            self.wants_reset = True
            self._ours_until = now + OWN_RESET_SECONDS

    def reset_to_cancel(self, now: float) -> None:
        """Reset the board for something that is no danger, where that is allowed too."""
        if self._dtr == "cancel":
            self.reset(now)

    def is_ours(self, now: float) -> bool:
        """Whether a board that says `start` now does so because of us."""
        return now < self._ours_until
