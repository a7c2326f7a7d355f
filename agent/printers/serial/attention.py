"""What the printer, or the file, wants from a person. Pure."""

from agent.printers.serial import texts
from agent.printers.serial.replies import Action

USER_SECONDS = 5.0
"""A firmware that waits for its user says so every two seconds."""


class Attention:
    """Rings for the owner."""

    def __init__(self) -> None:
        self._text = ""
        self._until = 0.0

    def ring(self, text: str) -> None:
        """Until somebody has answered."""
        self._text = text

    def ring_once(self, now: float) -> None:
        """The firmware says that it waits for its user; it says so again and again."""
        self._until = now + USER_SECONDS

    def hear(self, action: Action) -> None:
        """A prompt of the firmware begins or ends (M876)."""
        name, _, text = action.name.partition(" ")
        if name == "prompt_begin":
            self._text = f"The printer asks: {text[:120]}. Answer at its display"
        elif name == "prompt_end":
            self._text = ""
        elif name == "paused" and not self._text:
            self._text = "The printer has paused itself: look what it wants"

    def silence(self) -> None:
        """Somebody has answered."""
        self._text, self._until = "", 0.0

    def text(self, now: float) -> str:
        """What it rings for; empty if it does not."""
        return self._text or (texts.WAITS_FOR_USER if now < self._until else "")
