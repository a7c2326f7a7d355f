"""After the process that fed a print has died: ask the board where it stands, and go on if it proves that. Pure.

What the board's answers must be stands in `resumption.py`.
"""

from collections.abc import Callable

from agent.printers.driver import Ending
from agent.printers.serial import texts
from agent.printers.serial.channel import Channel
from agent.printers.serial.current_print import CurrentPrint
from agent.printers.serial.greeting import BOOT_SECONDS, Greeting
from agent.printers.serial.job import PrintJob
from agent.printers.serial.parking import Parking
from agent.printers.serial.record import Printing
from agent.printers.serial.resumption import PROBE, Resumption
from agent.printers.serial.run import PrintRun
from agent.printers.serial.session_state import SessionState
from agent.printers.serial.stage import SessionStage
from agent.printers.watchdog import Watchdog

PATIENCE_SECONDS = 30.0
"""A board that could go on has told where it stands by then."""
ASK_SECONDS = 2.0

Find = Callable[[Printing, PrintJob], Resumption]
"""Finds what is left of a print."""


class Resuming:
    """One session's, if at all."""

    def __init__(
        self,
        state: SessionState,
        channel: Channel,
        current: CurrentPrint,
        run: PrintRun,
        greeting: Greeting,
    ) -> None:
        self.is_wound = False
        """Whether the file is where the board is, so that commands may be sent."""
        self._state = state
        self._channel = channel
        self._current = current
        self._run = run
        self._greeting = greeting
        self._found: Resumption | None = None
        self._ask_at = self._give_up_at = 0.0

    def begin(self, find: Find, printing: Printing, park: tuple[float, float] | None, now: float) -> None:
        """The record says that this print runs."""
        self._state.stage = SessionStage.REVIVING
        self._give_up_at = now + PATIENCE_SECONDS
        self._ask_at = now + BOOT_SECONDS
        self._current.job = PrintJob(printing.count, Parking(printing.top, park))
        self._found = find(printing, self._current.job)

    def wake_at(self) -> float | None:
        """When to ask the board; None once it was asked enough."""
        return None if self.is_wound else self._ask_at

    def tick(self, now: float) -> None:
        """Ask for the last line, then wait until the file is wound to it."""
        found = self._found
        if found is None or now > self._give_up_at:
            self.give_up(now)
        elif found.done:
            if not (self.is_wound or found.is_dry):
                self._give_up_at = max(self._give_up_at, now + 1.0)
        elif now >= self._ask_at:
            self._ask_at = now + ASK_SECONDS
            rewind = self._channel.marlin.rewind
            last, rewind.last_line = rewind.last_line, None
            if last is None:
                self._channel.say_past(PROBE)
            elif not found.aim(last):
                self.give_up(now)

    @property
    def winds(self) -> bool:
        """Whether the file is still to be wound."""
        return self._found is not None and self._found.done > 0 and not self.is_wound

    def wind(self) -> bool:
        """Go on a little in the file; gives whether there is more to do at once."""
        found = self._found
        if found is None:
            return False
        if found.wind():
            self.is_wound = True
            self._channel.marlin.sender.number = found.last + 1
            self._run.prove("found", b"M400")
        return not found.is_dry

    def compare(self, now: float) -> None:
        """The board has told where it stands: go on if that is where it must stand."""
        found, heaters = self._found, self._state.heaters
        position = self._current.job.parking.position
        if found is None or not found.agrees(position, heaters.nozzle, heaters.bed):
            self.give_up(now)
            return
        self._state.stage, self._found = SessionStage.PRINTING, None
        watchdog = self._current.watchdog = Watchdog(now)
        watchdog.begin(found.printing.seconds, now)
        self._channel.marlin.feed(found.lines, found.done, self._current.job.modes.follow)
        self._channel.send(b"M115")

    def give_up(self, now: float) -> None:
        """The board can't prove that it stands where it must."""
        self._found = None
        self._current.end(Ending.FAILED, texts.DIED)
        self._greeting.begin_anew(now)
