"""A heater with thermal mass, as a function of elapsed time."""

from math import exp

AMBIENT = 21.0
HYSTERESIS = 1.0
"""Within this of its target, a heater counts as there."""


class Heater:
    """Heats at `rate` °C/s up to its target and cools by Newton's law; `cooling` is the time constant in s."""

    def __init__(self, rate: float, cooling: float) -> None:
        self.rate = rate
        self.cooling = cooling
        self.target = 0.0
        self.actual = AMBIENT
        self.runs_away = False
        """The element is stuck on: it heats whatever the target."""
        self.broken = False
        """The element is dead: it cools whatever the target."""
        self._at = 0.0

    def at(self, now: float) -> float:
        """The temperature at `now`, which never goes back."""
        seconds, self._at = now - self._at, max(now, self._at)
        if seconds <= 0:
            return self.actual
        if self.runs_away:
            self.actual += self.rate * seconds
        elif not self.broken and self.target >= self.actual:
            self.actual = min(self.target, self.actual + self.rate * seconds)
        else:
            floor = AMBIENT if self.broken else max(AMBIENT, self.target)
            self.actual = max(floor, AMBIENT + (self.actual - AMBIENT) * exp(-seconds / self.cooling))
        return self.actual

    def is_at(self, now: float, actual: float) -> None:
        """It has this temperature at `now`, wherever that comes from."""
        self._at, self.actual = now, actual

    def is_there(self, now: float) -> bool:
        """Whether a wait for this heater is over at `now`."""
        return self.at(now) >= self.target - HYSTERESIS

    def seconds_to_go(self) -> float:
        """How long it takes from where it was last seen to its target."""
        return max(0.0, self.target - HYSTERESIS - self.actual) / self.rate
