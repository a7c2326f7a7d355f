"""How many bytes a board can hold, as far as it has shown. Pure."""

from agent.printers.serial.options import WINDOW

CLOSE = 200
"""Refusals fewer lines apart than this are the window's fault, not a stray flipped bit."""
STRIKES = 3
CLEAN = 1000
"""So many lines without a refusal widen a narrowed window again."""


class WindowSize:
    """How many bytes may be in flight: what the owner's profile allows, less while the board loses lines.

    0 is one line at a time, for a firmware that needs it; a board that keeps losing lines ends there too.
    """

    def __init__(self, most: int = WINDOW) -> None:
        self.most = most
        self.size = most
        self.renumber()

    def renumber(self) -> None:
        """The count begins anew."""
        self._strikes = 0
        self._refused_at = -CLOSE
        self._changed_at = 0

    def refuse(self, number: int) -> None:
        """The board asked for a line again."""
        self._strikes = self._strikes + 1 if number - self._refused_at < CLOSE else 1
        self._refused_at = number
        if self._strikes >= STRIKES and self.size:
            self._strikes, self._changed_at = 0, number
            self.size = WINDOW if self.size > WINDOW else self.size // 2 if self.size > 40 else 0

    def ease(self, number: int) -> None:
        """The board has taken line `number`: a narrow window widens in good times."""
        if self.size < self.most and number > max(self._changed_at, self._refused_at) + CLEAN:
            self._changed_at = number
            self.size = min(self.most, max(self.size * 2, 40))
