"""A question on the printer's display that a press of its knob answers: is the bed clear? (M0). Pure.

A firmware without a knob goes on at once, and its `ok` would pass for an answer. So a press counts only if the firmware
was heard to wait for its user before, and if nobody has called the question off.
"""

WORDS = b"M0 Bed clear? Then click"
"""No word of it may read as a parameter: M0 knows P and S."""
TRIES = 3
"""After so many questions in a row for which the firmware did not wait, it has no knob to ask."""


class KnobQuestion:
    """The one that stands, and the one that was answered last, by the names that their askers gave them."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Nothing was ever asked: a print began, or another board may be there."""
        self.asks = ""
        self.pressed = ""
        self._waits = self._is_off = False
        self._unheeded = 0

    @property
    def is_unheeded(self) -> bool:
        """Whether this firmware does not wait for anybody."""
        return self._unheeded >= TRIES

    def ask(self, name: str) -> None:
        """It is on its way to the display."""
        self.asks, self.pressed = name, ""
        self._waits = self._is_off = False

    def wait(self) -> None:
        """The firmware says that it waits for its user."""
        if self.asks:
            self._waits, self._unheeded = True, 0

    def call_off(self) -> None:
        """It need not be answered any more."""
        self._is_off, self.pressed = True, ""

    def end(self) -> None:
        """The firmware has gone on."""
        if self._waits and not self._is_off:
            self.pressed = self.asks
        elif not self._waits and not self._is_off:
            self._unheeded += 1
        self.asks = ""
