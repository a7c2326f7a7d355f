"""Watches a print behind a server by what its server tells: the same rules as at a serial port, as far as they hold.

The server and the firmware judge first: a fault of theirs is a fault. What stands here is for the day on which neither
does. Its readings may be as old as the server's last answer from the board, so a heater that stays or falls is left to
them: a reading that is not renewed looks just so.
"""

from agent.printers.driver import Condition, Heat, Status
from agent.printers.watchdog import OverheatWatch, overtime

RENEWED = 5.0
"""Seconds after which the same reading counts once more."""


class ServerWatchdog:
    """One printer's; every time is monotonic seconds."""

    def __init__(self) -> None:
        self._attempt = ""
        self._ends_at = self._looked_at = 0.0
        self._heaters: dict[str, OverheatWatch] = {}
        self._read: dict[str, tuple[Heat, float]] = {}

    def look(self, attempt: str, seconds: float, status: Status, now: float) -> str:
        """What is wrong with the print of `attempt`, which is estimated at `seconds`; empty if nothing is."""
        if attempt != self._attempt:
            self._attempt, self._ends_at = attempt, now + overtime(seconds)
            self._heaters = {"the nozzle": OverheatWatch("the nozzle"), "the bed": OverheatWatch("the bed")}
            self._read.clear()
        elif status.condition is not Condition.PRINTING:
            self._ends_at += (
                now - self._looked_at
            )  # it stands still by somebody's wish, or loads, or is out of sight
        self._looked_at = now
        for name, heat in (("the nozzle", status.nozzle), ("the bed", status.bed)):
            if heat is not None and (wrong := self._see(name, heat, now)):
                return wrong
        return "the print takes far longer than it should" if now > self._ends_at else ""

    def _see(self, name: str, heat: Heat, now: float) -> str:
        known = self._read.get(name)
        if known and known[0] == heat and now - known[1] < RENEWED:
            return ""
        self._read[name] = (heat, now)
        return self._heaters[name].see(heat)
