"""Where the head goes while nothing is printed: off the part, and never outside of the machine. Pure."""

from agent.printers.modes import Modes
from agent.printers.replies import Position

LIFT = 5.0
"""mm"""


class Rest:
    """Lifts and parks one print's head. `top` is how high it may go in mm, 0 for no lift; `park` where X and Y rest."""

    def __init__(self, top: float, park: tuple[float, float] | None) -> None:
        self.position: Position | None = None
        """Where it was when it was asked last; None while that is not known."""
        self._top = top
        self._park = park
        self._lifted_from: float | None = None

    def lift(self, modes: Modes) -> list[bytes]:
        """For a pause: up, if it is known where the head is and that there is room; E, X and Y stay."""
        self._lifted_from = None
        if not self._has_room(modes) or modes.is_relative or self.position is None:
            return []
        self._lifted_from = self.position.z
        return [b"G1 Z%.2f F600" % (self.position.z + LIFT), b"M400"]

    def lower(self, modes: Modes) -> list[bytes]:
        """Back to where `lift` began, at the old feed rate."""
        if self._lifted_from is None:
            return []
        return [b"G1 Z%.2f F600" % self._lifted_from, *([b"G1 " + modes.feed] if modes.feed else [])]

    def park(self, modes: Modes) -> list[bytes]:
        """For a cancel: up, then aside; absolute from now on, as the print is over."""
        if not self._has_room(modes) or self.position is None:
            return []
        lift = [b"G90", b"G1 Z%.2f F600" % (self.position.z + LIFT)]
        return lift if self._park is None else [*lift, b"G1 X%.2f Y%.2f F3000" % self._park]

    def _has_room(self, modes: Modes) -> bool:
        position = self.position
        return position is not None and modes.is_homed and 0 <= position.z <= self._top - LIFT
