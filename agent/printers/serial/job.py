"""One print: its lines, how far it is, and where its head may rest. Pure but for the file behind the lines."""

from agent.printers.serial.modes import Modes
from agent.printers.serial.parking import Parking
from agent.printers.serial.progress import PrintProgress
from agent.printers.serial.read_ahead import Batches


class PrintJob:
    """The print that runs, or the last one."""

    def __init__(
        self, count: int = 0, parking: Parking | None = None, times: PrintProgress | None = None
    ) -> None:
        """`count` is how many lines the file has."""
        self.count = count
        self.modes = Modes()
        self.parking = parking or Parking(0.0, None)
        self.times = times
        self._unreadable = False
        self._furthest = 0.0

    def read(self, batches: Batches) -> Batches:
        """The same lines; they end early where the file can't be read."""
        try:
            yield from batches
        except OSError:
            self._unreadable = True

    @property
    def is_cut_short(self) -> bool:
        """Whether the lines ended before the file did."""
        return self._unreadable or self.modes.lines != self.count

    def progress(self, executed: int) -> float:
        """By the time that executed lines take; a line that is asked for again does not turn it back."""
        if self.count:
            part = self.times.part(executed) if self.times else None
            self._furthest = max(self._furthest, min(executed / self.count if part is None else part, 0.999))
        return self._furthest

    def study(self) -> bool:
        """Learn a little more of how long the lines take; gives whether there was anything to learn from."""
        if self.times:
            try:
                return self.times.study()
            except OSError:
                self.times = None
        return False
