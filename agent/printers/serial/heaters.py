"""What the heaters were last told to be. Pure."""

from agent.printers.driver import Heat
from agent.printers.serial.replies import Reading, Temperatures


class Heaters:
    """One printer's; None for one of which nothing was told."""

    def __init__(self) -> None:
        self.nozzle: Heat | None = None
        self.bed: Heat | None = None

    def see(self, told: Temperatures) -> None:
        """Temperatures came."""
        self.nozzle = _heat(told.nozzle, self.nozzle)
        self.bed = _heat(told.bed, self.bed)

    @property
    def are_on(self) -> bool:
        """Whether any has a target."""
        return any(heat is not None and heat.target != 0 for heat in (self.nozzle, self.bed))


def _heat(reading: Reading | None, last: Heat | None) -> Heat | None:
    """A reading whose target is not told keeps the last one."""
    if reading is None:
        return last
    target = reading.target if reading.target is not None else (last.target if last else 0.0)
    return Heat(reading.actual, target)
