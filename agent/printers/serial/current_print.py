"""The print that runs on an open port, or the last one, from its beginning to its ending. Pure."""

from msgspec.structs import replace

from agent.printers.driver import Ending
from agent.printers.serial.channel import Channel
from agent.printers.serial.job import PrintJob
from agent.printers.serial.session_state import SessionState
from agent.printers.serial.stage import SessionStage
from agent.printers.watchdog import Watchdog


class CurrentPrint:
    """Its lines, its watchdog, and how it ends."""

    def __init__(self, state: SessionState, channel: Channel, now: float) -> None:
        """Nothing was printed on this port yet."""
        self.job = PrintJob()
        self.watchdog = Watchdog(now)
        self._state = state
        self._channel = channel

    def progress(self) -> float:
        """By what the board has executed."""
        return self.job.progress(self._channel.marlin.executed)

    def end(self, ending: Ending, why: str = "") -> None:
        """It is over; whoever calls has seen to it that the board does no more of it."""
        state = self._state
        done = ending is Ending.DONE
        progress = 1.0 if done else max(self.progress(), state.record.progress)
        cold = ending in {Ending.DONE, Ending.CANCELLED}
        state.record = replace(state.record, ending=ending, why=why, progress=progress, hot=not cold)
        self.watchdog.end()
        self._channel.marlin.sender.drop()
        self.job.times = None
        if state.stage is not SessionStage.GREETING:
            state.stage = SessionStage.IDLE
