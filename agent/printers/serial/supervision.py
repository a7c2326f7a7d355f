"""Watching a board that is not stopped: is it silent, too hot, too slow, or without anything to do? Pure; seconds."""

from agent.printers.driver import Ending
from agent.printers.serial import texts
from agent.printers.serial.channel import Channel
from agent.printers.serial.current_print import CurrentPrint
from agent.printers.serial.fault import Fault
from agent.printers.serial.greeting import Greeting
from agent.printers.serial.run import PrintRun
from agent.printers.serial.session_state import SessionState
from agent.printers.serial.stage import SessionStage

DRY_SECONDS = 30.0
"""So long a hot nozzle may stand still on its part because the disk gives nothing."""
LOOK_SECONDS = 0.2


class Supervision:
    """Has the watchdog look, and acts on what it says."""

    def __init__(
        self,
        state: SessionState,
        channel: Channel,
        current: CurrentPrint,
        fault: Fault,
        run: PrintRun,
        greeting: Greeting,
        now: float,
    ) -> None:
        self._state = state
        self._channel = channel
        self._current = current
        self._fault = fault
        self._run = run
        self._greeting = greeting
        self._look_at = self._fed_at = now

    def tick(self, now: float) -> None:
        """Look when it is time."""
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        state, marlin, job = self._state, self._channel.marlin, self._current.job
        patience = marlin.silence.allowance()
        reports = self._channel.board.reports_heat
        wrong = self._current.watchdog.look(
            now, marlin.silence.seconds(now), patience=patience, reports=reports
        )
        if state.stage is SessionStage.CANCELLING and now > self._run.stop_by:
            wrong = texts.SLOW_CANCEL
        if state.stage is not SessionStage.PRINTING or not marlin.sender.source.is_dry:
            self._fed_at = now
        elif now > self._fed_at + DRY_SECONDS:
            self._run.stop(Ending.FAILED, texts.unread(job.modes.layer), now)
        if wrong and state.record.runs:
            self._fault.stop(wrong, now)
        elif wrong:
            self._greeting.begin_anew(now)

    def see_heaters(self, now: float) -> None:
        """Temperatures came."""
        heaters = self._state.heaters
        if wrong := self._current.watchdog.see(heaters.nozzle, heaters.bed, now):
            self._fault.stop(wrong, now)
