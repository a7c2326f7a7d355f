"""What is done about each thing that a board says. Pure."""

from agent.printers.driver import Ending
from agent.printers.serial import texts
from agent.printers.serial.channel import Channel
from agent.printers.serial.current_print import CurrentPrint
from agent.printers.serial.events import Acknowledged, Broken, Event, Exhausted, Halted
from agent.printers.serial.fault import Fault
from agent.printers.serial.greeting import Greeting
from agent.printers.serial.replies import (
    Action,
    BoardIdentity,
    Busy,
    Capability,
    Complaint,
    Killed,
    Position,
    Restarted,
    SdCard,
    Temperatures,
)
from agent.printers.serial.resuming import Resuming
from agent.printers.serial.run import PrintRun
from agent.printers.serial.session_state import SessionState
from agent.printers.serial.stage import PASSES, SessionStage
from agent.printers.serial.supervision import Supervision


class Reactions:
    """One session's."""

    def __init__(
        self,
        state: SessionState,
        channel: Channel,
        current: CurrentPrint,
        fault: Fault,
        run: PrintRun,
        greeting: Greeting,
        resuming: Resuming,
        supervision: Supervision,
    ) -> None:
        self._state = state
        self._channel = channel
        self._current = current
        self._fault = fault
        self._run = run
        self._greeting = greeting
        self._resuming = resuming
        self._supervision = supervision

    def handle(self, event: Event, now: float) -> None:
        """Something has happened in the conversation."""
        if isinstance(event, Temperatures):
            self._see_heaters(event, now)
        elif isinstance(event, Acknowledged):
            self._pass_fence(event.tag, now)
        elif isinstance(event, Exhausted):
            self._run.finish(now)
        elif isinstance(event, Halted):
            self._state.attention.ring(f"The file asks for you ({event.line}): resume when you are done")
            if self._state.stage is SessionStage.PRINTING:
                self._run.pause(now)
        elif isinstance(event, Restarted):
            self._restart(now)
        elif isinstance(event, Killed):
            self._fault.confirm(event.why)
        elif isinstance(event, Broken):
            self._fault.stop(event.why, now)
        elif isinstance(event, BoardIdentity | Capability):
            self._channel.board.hear(event)
        else:
            self._notice_or_act(event, now)

    def _notice_or_act(self, event: Position | SdCard | Complaint | Busy | Action, now: float) -> None:
        state, job = self._state, self._current.job
        if isinstance(event, Position):
            job.parking.hear(event)
            self._channel.board.tells_place = True
            if state.stage is SessionStage.IDLE:
                state.other_use.see_place(event, now)
        elif isinstance(event, SdCard):
            if state.stage is SessionStage.IDLE:
                state.other_use.see_card(event, now)
        elif isinstance(event, Complaint):
            if state.stage in {SessionStage.PRINTING, SessionStage.PAUSING}:
                self._run.stop(Ending.FAILED, texts.refused(event.what, job.modes.layer), now)
        elif isinstance(event, Busy):
            if event.for_user:
                state.question.wait()
                state.attention.ring_once(now)
        else:
            self._act(event, now)

    def _act(self, action: Action, now: float) -> None:
        """Somebody pressed a button on the printer, or it asks for somebody."""
        state = self._state
        state.attention.hear(action)
        name = action.name.partition(" ")[0]
        if name == "pause" and state.stage is SessionStage.PRINTING:
            self._run.pause(now)
        elif name == "paused" and state.stage is SessionStage.PRINTING:
            self._run.is_paused(now)
        elif name in {"resume", "resumed"} and state.stage is SessionStage.PAUSED:
            self._run.is_resumed(now)
        elif name == "cancel" and state.record.runs:
            self._run.cancel(now)

    def _pass_fence(self, tag: str, now: float) -> None:
        if self._state.stage not in PASSES.get(tag, frozenset[SessionStage]()):
            return
        if tag == "greeted":
            self._greeting.welcome(now)
        elif tag == "answered":
            self._state.question.end()
        elif tag == "found" and not self._run.is_doubtful(tag):
            self._resuming.compare(now)
        else:
            self._run.pass_fence(tag, now)

    def _see_heaters(self, told: Temperatures, now: float) -> None:
        state = self._state
        state.heaters.see(told)
        if state.stage is SessionStage.FAULT:
            self._fault.see_heaters(now)
        if state.stage in {SessionStage.GREETING, SessionStage.REVIVING, SessionStage.FAULT}:
            return
        if state.stage is SessionStage.IDLE:
            state.other_use.see_heat(state.heaters.nozzle, state.heaters.bed, now)
        self._supervision.see_heaters(now)

    def _restart(self, now: float) -> None:
        """The board came up: by our own doing, by a person's, or because its power failed."""
        state = self._state
        ours = self._fault.emergency_stop.is_ours(now)
        if state.stage is SessionStage.FAULT:
            if ours:
                return
            self._fault.end()
        elif state.stage is SessionStage.REVIVING:
            self._resuming.give_up(now)
            return
        elif state.record.runs and not ours:
            self._current.end(Ending.FAILED, texts.restarted(self._current.job.modes.layer))
        self._greeting.begin_anew(now)
