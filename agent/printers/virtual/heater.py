"""A heater with thermal mass, as a function of elapsed time. °C, seconds, watts.

Newton's law with a constant power: the temperature goes exponentially to where loss and power are equal. The
firmware's control is taken as perfect: at its target the heater gets just the power that it loses.
"""

from math import exp, inf, log

AMBIENT = 21.0
HYSTERESIS = 1.0
"""Within this of its target, a heater counts as there (TEMP_WINDOW)."""


class VirtualHeater:
    """A mass in J/K that loses `loss` W/K and is heated by at most `power` W."""

    def __init__(self, power: float, mass: float, loss: float) -> None:
        self.target = 0.0
        self.actual = AMBIENT
        self.runs_away = False
        """The element is stuck on: it heats whatever the target."""
        self.broken = False
        """The element is dead: it cools whatever the target."""
        self._at = 0.0
        self._constant = mass / loss
        self._gain = power / loss

    @property
    def duty(self) -> float:
        """The part of its power that it gets, from 0 to 1."""
        if self.runs_away:
            return 1.0
        if self.broken or self.target < self.actual:
            return 0.0
        return 1.0 if self.actual < self.target else (self.actual - AMBIENT) / self._gain

    @property
    def slope(self) -> float:
        """°C/s, now."""
        if not (self.runs_away or self.broken) and self.actual == self.target:
            return 0.0
        return (AMBIENT + self._gain * self.duty - self.actual) / self._constant

    def at(self, now: float) -> float:
        """The temperature at `now`, which never goes back."""
        seconds = now - self._at
        if seconds <= 0:
            return self.actual
        self._at = now
        heats = self.runs_away or not self.broken
        if heats and not self.runs_away and self.actual == self.target:
            return self.actual
        end = AMBIENT
        if self.runs_away or (heats and self.actual < self.target):
            end += self._gain
        before = self.actual
        self.actual = end + (before - end) * exp(-seconds / self._constant)
        if heats and not self.runs_away and (before < self.target <= self.actual or self._fell_to(before)):
            self.actual = self.target
        return self.actual

    def is_at(self, now: float, actual: float) -> None:
        """It has this temperature at `now`, wherever that comes from."""
        self._at, self.actual = now, actual

    def is_there(self, now: float) -> bool:
        """Whether it is near enough to its target, or above."""
        return self.at(now) >= self.target - HYSTERESIS

    def seconds_to(self, actual: float) -> float:
        """How long it takes at full power from where it was last seen to `actual`; infinite if it never gets there."""
        end = AMBIENT + self._gain
        if self.broken or actual >= end:
            return inf
        return max(0.0, self._constant * log((end - self.actual) / (end - actual)))

    def _fell_to(self, before: float) -> bool:
        return before > self.target >= self.actual and self.target > AMBIENT
