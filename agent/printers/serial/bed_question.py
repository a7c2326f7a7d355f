"""Asking at the printer's own display whether its bed is clear. Pure; what counts as an answer says `question.py`."""

from agent.printers.driver import PrinterError
from agent.printers.serial.channel import Channel
from agent.printers.serial.knob_question import WORDS
from agent.printers.serial.session_state import SessionState
from agent.printers.serial.stage import SessionStage


class BedQuestion:
    """One session's."""

    def __init__(self, state: SessionState, channel: Channel) -> None:
        self._state = state
        self._channel = channel

    def ask(self, name: str, now: float) -> None:
        """Ask.

        Raises:
            PrinterError: it is not idle, or a question could not be called off there: then a print would wait for it.
        """
        question, board = self._state.question, self._channel.board
        if self._state.stage is not SessionStage.IDLE or self._state.other_use.why(now):
            raise PrinterError("the printer is not idle: it can't be asked")
        if not (board.parses_at_once and board.reports_heat):
            raise PrinterError(
                "its firmware can't be asked at its knob: it needs EMERGENCY_PARSER and AUTOREPORT_TEMP"
            )
        if question.is_unheeded:
            raise PrinterError("its firmware does not wait for its knob: set clear_by_knob to false")
        if question.asks:
            raise PrinterError("its display asks already")
        question.ask(name)
        self._channel.send(WORDS, b"M105", tag="answered")

    def hush(self) -> None:
        """Ask no more."""
        if self._state.question.asks:
            self._channel.urge(b"M108")
        self._state.question.call_off()
