"""How a printer looks, told to the coordinator when it changes and now and then."""

from collections.abc import Callable

from agent.printers.driver import Heat, Status
from wire.messages import Telemetry, Up, text

INTERVAL = 5.0
"""Seconds between telemetry in which nothing of note has changed."""


class TelemetryPublisher:
    """One printer's; `publish` sends, and may lose, a message."""

    def __init__(self, printer: str, publish: Callable[[Up], bool]) -> None:
        self._printer = printer
        self._publish = publish
        self._told: Telemetry | None = None
        self._told_at = 0.0

    def again(self) -> None:
        """Nobody may have heard what was told before."""
        self._told = None

    def publish(
        self, status: Status, attempt: str | None, now: float, *, clear: bool, hindrance: str = ""
    ) -> None:
        """Tell of a look at the printer at `now` (monotonic) if it is news, or time.

        What keeps it from work now comes before what it has to say of its last print.
        """
        telemetry = Telemetry(
            printer=self._printer,
            condition=status.condition,
            bed_clear=clear,
            attempt=attempt,
            progress=min(1.0, max(0.0, status.progress)) if attempt else 0.0,
            nozzle=_degrees(status.nozzle),
            bed=_degrees(status.bed),
            why=text(hindrance or status.why),
        )
        told = self._told
        if told is None or _gist(told) != _gist(telemetry) or now - self._told_at >= INTERVAL:
            self._told, self._told_at = telemetry, now
            self._publish(telemetry)


def _gist(telemetry: Telemetry) -> tuple[object, ...]:
    return telemetry.condition, telemetry.bed_clear, telemetry.attempt, telemetry.why


def _degrees(heat: Heat | None) -> float | None:
    """A temperature that can be one: what a garbled line said is nobody's business."""
    return heat.actual if heat is not None and -300 <= heat.actual <= 1000 else None
