"""Signs that somebody else uses the printer: from its display, from its card, through another port. Pure."""

from agent.printers.driver import Heat
from agent.printers.serial.replies import Position, SdCard

HOT = 2
"""So many readings in a row with a target that we did not set."""
FORGET_SECONDS = 30.0
"""After so long without a sign the other hand is gone."""
MOVED = 0.05
"""mm"""


class OtherUse:
    """Watches an idle printer, whose heaters we left off and whose head we left alone."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """What was seen until now was our own doing."""
        self._hot = 0
        self._last: Position | None = None
        self._why = ""
        self._until = 0.0

    def see_heat(self, nozzle: Heat | None, bed: Heat | None, now: float) -> None:
        """Temperatures came."""
        hot = any(heat is not None and heat.target > 0 for heat in (nozzle, bed))
        self._hot = self._hot + 1 if hot else 0
        if self._hot >= HOT:
            self._note("somebody heats it at its display or from another program", now)

    def see_place(self, place: Position, now: float) -> None:
        """A position came."""
        last, self._last = self._last, place
        if last is None:
            return
        pairs = ((place.x, last.x), (place.y, last.y), (place.z, last.z), (place.e, last.e))
        if any(abs(new - old) > MOVED for new, old in pairs):
            self._note("somebody moves it at its display or from another program", now)

    def see_card(self, card: SdCard, now: float) -> None:
        """It told whether it prints from its card."""
        if card.printing:
            self._note("it prints from its own card", now)
        elif "card" in self._why:
            self._until = now

    def why(self, now: float) -> str:
        """What the other hand does; empty if there is none."""
        return self._why if now < self._until else ""

    def _note(self, why: str, now: float) -> None:
        self._why, self._until = why, now + FORGET_SECONDS
