"""Asking who is there: as soon as a port is open, and whenever the board may have forgotten us. Pure; seconds."""

from msgspec.structs import replace

from agent.printers.serial.channel import Channel
from agent.printers.serial.current_print import CurrentPrint
from agent.printers.serial.fault import Fault
from agent.printers.serial.run import OFF, PrintRun
from agent.printers.serial.session_state import SessionState
from agent.printers.serial.stage import SessionStage
from agent.printers.watchdog import Watchdog

BOOT_SECONDS = 0.3
"""A board that does not reset when its port is opened says nothing; one that does says `start`."""
PATIENCE_SECONDS = 40.0
"""After so much silence the greeting begins anew."""


class Greeting:
    """One session's, as often as it is needed."""

    def __init__(
        self,
        state: SessionState,
        channel: Channel,
        current: CurrentPrint,
        fault: Fault,
        run: PrintRun,
        now: float,
    ) -> None:
        """The port was opened `now`."""
        self.is_said = False
        self._state = state
        self._channel = channel
        self._current = current
        self._fault = fault
        self._run = run
        self._due_at = now + BOOT_SECONDS

    def begin_anew(self, now: float) -> None:
        """Ask who is there, as if the port had just been opened."""
        self._state.stage = SessionStage.GREETING
        self._channel.begin_anew()
        self._fault.forget()
        self._state.question.forget()
        self.is_said = False
        self._due_at = now + BOOT_SECONDS

    def wake_at(self) -> float | None:
        """When there is something to say; None once it is said."""
        return None if self.is_said else self._due_at

    def tick(self, now: float) -> None:
        """Say it when the board is up, and begin anew where nobody answers."""
        if not self.is_said and now >= self._due_at:
            self._say()
        elif self.is_said and self._channel.marlin.silence.seconds(now) > PATIENCE_SECONDS:
            self.begin_anew(now)

    def welcome(self, now: float) -> None:
        """The board has told who it is, and is cold if it had to be."""
        state = self._state
        if state.record.runs:
            self._run.end_as_judged()  # it was cancelled by a reset
        self._channel.send(*self._channel.board.habits())
        self._current.watchdog = Watchdog(now)
        state.record = replace(state.record, hot=False)
        state.stage = SessionStage.IDLE
        self._run.rest(now)

    def _say(self) -> None:
        self.is_said = True
        channel, hot = self._channel, self._state.record.hot
        channel.say_past(b"\n")
        if hot:
            channel.say_past(b"M108\nM410\nM104 S0\nM140 S0\n")
        channel.marlin.sender.renumber()
        if hot:
            channel.send(b"M410", *OFF, b"M84")
        channel.send(b"M115", b"M114", b"M114")
        channel.send(b"M105", tag="greeted")
