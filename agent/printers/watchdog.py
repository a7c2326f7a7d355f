"""What makes a printer dangerous, read from its temperatures and its silence. Pure; times in seconds, °C.

The firmware has a watchdog of its own; this one is for the day on which that is switched off or wrong.
"""

from agent.printers.driver import Heat

ABOVE = 15.0
"""A heater this much above what it should be, twice, is out of control."""
WARM = 65.0
"""Below this nothing is out of control: a nozzle over a hot bed warms by itself."""
JUMP = 30.0
STEEP = 3.0
"""°C/s that no heater exceeds, also in the draught of a fan: what was not told for long may have changed by so much."""
USUAL = 10.0
"""Seconds between two readings for which `JUMP` is meant."""
GAIN = 2.0
NEAR = 5.0
FALL = 15.0
FALL_SECONDS = 20.0
TEMPERATURE_SECONDS = 10.0
ASKED_SECONDS = 60.0
"""So long a board may be at one line before it answers what it was asked."""


def overtime(seconds: float) -> float:
    """How long a print may take whose estimate is `seconds`."""
    return 1.5 * seconds + 1800.0


class OverheatWatch:
    """Watches that one heater gets no hotter than it should."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last: Heat | None = None
        self._ceiling = 0.0
        self._strikes = 0

    def see(self, heat: Heat) -> str:
        """Above its target, or above where it has already cooled to on the way to a lower one: what is wrong."""
        last, self._last = self._last, heat
        fair = max(heat.target, heat.actual, WARM) + ABOVE
        if last is None or heat.target > last.target:
            # A higher target never lowers what was fair: it may be hotter still from a print that has just ended.
            self._ceiling = max(self._ceiling, max(heat.target, WARM) + ABOVE) if last is not None else fair
        elif heat.target < last.target:
            self._ceiling = fair
        hot = heat.actual > self._ceiling
        self._strikes = self._strikes + 1 if hot else 0
        if not hot:
            self._ceiling = min(self._ceiling, max(heat.target, heat.actual, WARM) + ABOVE)
        if self._strikes < 2:
            return ""
        return f"{self._name} rises to {heat.actual:.0f} °C although {heat.target:.0f} °C was asked for"


class HeaterWatch:
    """Watches one heater."""

    def __init__(self, name: str, gain_seconds: float) -> None:
        """`gain_seconds` is how long it may take to gain 2 °C while it heats."""
        self._name = name
        self._gain_seconds = gain_seconds
        self._last: Heat | None = None
        self._last_at = 0.0
        self._doubted = False
        self._top = OverheatWatch(name)
        self._gained: tuple[float, float] | None = None
        self._reached = False
        self._fallen_since: float | None = None

    def see(self, heat: Heat, now: float) -> str:
        """Take a reading; gives what is wrong, empty if nothing is."""
        last = self._last
        jump = JUMP + STEEP * max(0.0, now - self._last_at - USUAL)
        if last is not None and abs(heat.actual - last.actual) > jump:
            if self._doubted:
                return f"{self._name} jumped from {last.actual:.0f} to {heat.actual:.0f} °C: look at its thermistor"
            self._doubted = True  # one may be a digit that was spoilt on the cable; the next one tells
            return ""
        self._last, self._last_at, self._doubted = heat, now, False
        if last is None or heat.target != last.target:
            self._gained, self._reached, self._fallen_since = None, False, None
        return self._top.see(heat) or self._too_slow(heat, now) or self._falls(heat, now)

    def _too_slow(self, heat: Heat, now: float) -> str:
        if not heat.target or self._reached or heat.actual >= heat.target - NEAR:
            self._reached = self._reached or bool(heat.target)
            return ""
        if self._gained is None or heat.actual >= self._gained[1] + GAIN:
            self._gained = (now, heat.actual)
        elif now - self._gained[0] > self._gain_seconds:
            return f"{self._name} stays at {heat.actual:.0f} °C although {heat.target:.0f} °C was asked for"
        return ""

    def _falls(self, heat: Heat, now: float) -> str:
        if not self._reached or heat.actual >= heat.target - FALL:
            self._fallen_since = None
            return ""
        if self._fallen_since is None:
            self._fallen_since = now
        if now - self._fallen_since < FALL_SECONDS:
            return ""
        return f"{self._name} fell to {heat.actual:.0f} °C although {heat.target:.0f} °C was asked for"


class Watchdog:
    """Watches one printer. Every method gives what is wrong, empty if nothing is."""

    def __init__(self, now: float) -> None:
        self._nozzle = HeaterWatch("the nozzle", 40.0)
        self._bed = HeaterWatch("the bed", 60.0)
        self._seen_at = now
        self._ends_at = float("inf")

    def begin(self, seconds: float, now: float) -> None:
        """A print starts whose estimate is `seconds`."""
        self._seen_at = now
        self._ends_at = now + overtime(seconds)

    def wait(self, seconds: float) -> None:
        """The print stood still for `seconds` by its owner's wish."""
        self._ends_at += seconds

    def end(self) -> None:
        """No print runs any more."""
        self._ends_at = float("inf")

    def see(self, nozzle: Heat | None, bed: Heat | None, now: float) -> str:
        """Temperatures came."""
        self._seen_at = now
        return (nozzle and self._nozzle.see(nozzle, now)) or (bed and self._bed.see(bed, now)) or ""

    def look(self, now: float, silent: float, *, patience: float, reports: bool) -> str:
        """Time passes: `silent` seconds without an ok, of `patience` that what is in flight may take.

        `reports` if the firmware tells temperatures by itself; one that has to be asked can't answer while it is busy.
        """
        if silent > patience:
            return f"the printer has answered nothing for {silent:.0f} s"
        unseen = now - self._seen_at
        if unseen > (TEMPERATURE_SECONDS if reports else max(patience, ASKED_SECONDS) + TEMPERATURE_SECONDS):
            return f"the printer has told no temperature for {unseen:.0f} s"
        if now > self._ends_at:
            return "the print takes far longer than it should"
        return ""
