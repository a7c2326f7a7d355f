"""What a board is asked again and again, as it does not tell it by itself. Pure; seconds."""

from agent.printers.serial.channel import Channel
from agent.printers.serial.session_state import SessionState
from agent.printers.serial.stage import SessionStage

HEAT_SECONDS = 2.0
USE_SECONDS = 10.0
"""How often an idle printer is asked whether somebody else uses it."""
URGE_SECONDS = 0.5


class Polling:
    """Asks, and hurries on what may be hurried."""

    def __init__(self, state: SessionState, channel: Channel, now: float) -> None:
        self._state = state
        self._channel = channel
        self._heat_at = self._use_at = self._urge_at = now

    def rest(self, now: float) -> None:
        """What moves or heats just now may still be our own doing: ask later who uses the printer."""
        self._use_at = now + USE_SECONDS

    def urge_later(self, now: float) -> None:
        """It was told to stop just now."""
        self._urge_at = now + URGE_SECONDS

    def tick(self, now: float) -> None:
        """Ask what is due."""
        state, channel, board = self._state, self._channel, self._channel.board
        if state.stage is SessionStage.CANCELLING and now >= self._urge_at:
            self.urge_later(now)
            if board.parses_at_once and channel.marlin.silence.waits_for_heat:
                channel.urge(b"M108")  # a wait that began after the first one is not ended by it
        if channel.marlin.sender.has_orders:
            return
        if now >= self._heat_at:
            self._heat_at = now + HEAT_SECONDS
            if not board.reports_heat:
                channel.send(b"M105")
        if state.stage is SessionStage.IDLE and now >= self._use_at:
            self.rest(now)
            channel.send(*([] if board.reports_place else [b"M114"]))
            channel.send(*([b"M27"] if board.may_have_card else []))
