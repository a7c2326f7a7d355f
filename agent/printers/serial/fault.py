"""A board that was stopped for safety, or stopped itself: everything off, until a person has looked. Pure."""

from msgspec.structs import replace

from agent.printers.driver import Ending
from agent.printers.serial import texts
from agent.printers.serial.channel import Channel
from agent.printers.serial.cooling import Cooling
from agent.printers.serial.current_print import CurrentPrint
from agent.printers.serial.emergency_stop import EmergencyStop
from agent.printers.serial.session_state import SessionState
from agent.printers.serial.stage import SessionStage


class Fault:
    """Brings a board into it; `record.fault` of the state says why."""

    def __init__(
        self, state: SessionState, channel: Channel, current: CurrentPrint, emergency_stop: EmergencyStop
    ) -> None:
        """A fault that the record tells of stands."""
        self.emergency_stop = emergency_stop
        self._state = state
        self._channel = channel
        self._current = current
        self._cooling: Cooling | None = None
        """Since it was stopped for safety."""

    @property
    def text(self) -> str:
        """What its owner is told of the heaters; empty if nothing is known."""
        return f". {self._cooling.text}" if self._cooling else ""

    def stand(self) -> None:
        """It was stopped before this port was opened: the heaters are told once more."""
        self._state.stage = SessionStage.FAULT
        self._channel.say_past(b"\nM104 S0\nM140 S0\n")

    def fail(self, why: str) -> None:
        """The board has stopped, and with it what it printed."""
        if self._state.stage is SessionStage.FAULT:
            return
        if self._state.record.runs:
            self._current.end(Ending.FAILED, why)
        self._state.record = replace(self._state.record, fault=why)
        self._state.stage = SessionStage.FAULT

    def stop(self, why: str, now: float) -> None:
        """The watchdog barks: stop the board by all means."""
        if self._state.stage is not SessionStage.FAULT:
            numbered = self._channel.marlin.sender.numbered(b"M112")
            self._channel.say_past(self.emergency_stop.pull(numbered, now))
            self._cooling = Cooling(now)
        self.fail(texts.stopped(why))

    def confirm(self, why: str) -> None:
        """The firmware has stopped itself."""
        self.emergency_stop.confirm()
        self.fail(texts.killed(why))

    def tick(self, now: float) -> None:
        """See that the stop has worked, and that the heaters go off."""
        self.emergency_stop.tick(now)
        if self._cooling and not self.emergency_stop.is_pulled and self._cooling.is_due(now):
            self._channel.say_past(b"M105\n")

    def see_heaters(self, now: float) -> None:
        """What still heats after a stop is told once more, and reset once more where that is allowed."""
        heaters = self._state.heaters
        if self._cooling and self._cooling.see({"the nozzle": heaters.nozzle, "the bed": heaters.bed}, now):
            self._channel.say_past(b"M104 S0\nM140 S0\n")
            self.emergency_stop.reset(now)

    def end(self) -> None:
        """A person has looked, or the board came up anew."""
        self._state.record = replace(self._state.record, fault="")

    def forget(self) -> None:
        """Another conversation begins."""
        self._cooling = None
