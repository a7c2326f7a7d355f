"""Where the head goes while nothing is printed: off the part, and never outside of the machine. Pure."""

from agent.printers.serial.modes import Modes
from agent.printers.serial.replies import Position

LIFT = 5.0
"""mm"""
NEAR = 0.06
"""mm; positions are told to two digits."""


class Parking:
    """Lifts and parks one print's head. `top` is how high it may go in mm, 0 for no lift; `park` where X and Y rest."""

    def __init__(self, top: float, park: tuple[float, float] | None) -> None:
        self.position: Position | None = None
        """Where it is; None while that is not known: until it was told twice alike, as a digit may be spoilt."""
        self._told: Position | None = None
        self._top = top
        self._park = park
        self._lifted_from: float | None = None

    def ask(self) -> list[bytes]:
        """What asks for the position."""
        self.position = self._told = None
        return [b"M114", b"M114"]

    def hear(self, told: Position) -> None:
        """The answer."""
        self.position = told if told == self._told else None
        self._told = told

    def lift(self, modes: Modes) -> list[bytes]:
        """For a pause: up, if it is known where the head is and that there is room; E, X and Y stay."""
        self._lifted_from = None
        height = modes.height
        if not self._has_room(modes) or modes.is_relative or self.position is None or height is None:
            return []
        if abs(height - self.position.z) > NEAR:
            return []  # the machine is not where the file has sent it: leave it there
        self._lifted_from = height
        return [b"G1 Z%.2f F600" % (height + LIFT), b"M400"]

    def lower(self, modes: Modes) -> list[bytes]:
        """Back to where `lift` began, at the old feed rate."""
        if self._lifted_from is None:
            return []
        return [b"G1 Z%.3f F600" % self._lifted_from, *([b"G1 " + modes.feed] if modes.feed else [])]

    def park(self, modes: Modes) -> list[bytes]:
        """For a cancel: up, then aside; absolute from now on, as the print is over."""
        if not self._has_room(modes) or self.position is None:
            return []
        lift = [b"G90", b"G1 Z%.2f F600" % (self.position.z + LIFT)]
        return lift if self._park is None else [*lift, b"G1 X%.2f Y%.2f F3000" % self._park]

    def _has_room(self, modes: Modes) -> bool:
        position = self.position
        return position is not None and modes.is_homed and 0 <= position.z <= self._top - LIFT
