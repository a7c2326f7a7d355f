"""Where a session with a printer stands, and what its agent is told of it."""

from enum import StrEnum

from agent.printers.driver import Condition


class SessionStage(StrEnum):
    """Where a session stands."""

    GREETING = "greeting"
    REVIVING = "reviving"
    """The process before this one died in a print, and the board is asked where it stands."""
    IDLE = "idle"
    PRINTING = "printing"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    FAULT = "fault"


CONDITIONS = {
    SessionStage.GREETING: Condition.UNREACHABLE,
    SessionStage.REVIVING: Condition.PRINTING,
    SessionStage.IDLE: Condition.IDLE,
    SessionStage.PRINTING: Condition.PRINTING,
    SessionStage.PAUSING: Condition.PRINTING,
    SessionStage.PAUSED: Condition.PAUSED,
    SessionStage.CANCELLING: Condition.PRINTING,
    SessionStage.FAULT: Condition.FAULT,
}
PASSES = {
    "greeted": frozenset({SessionStage.GREETING}),
    "answered": frozenset({SessionStage.IDLE}),
    "found": frozenset({SessionStage.REVIVING}),
    "ended": frozenset({SessionStage.PRINTING, SessionStage.PAUSING, SessionStage.PAUSED}),
    "drained": frozenset({SessionStage.PAUSING}),
    "parked": frozenset({SessionStage.PAUSING}),
    "stopped": frozenset({SessionStage.CANCELLING}),
    "cooled": frozenset({SessionStage.CANCELLING}),
}
"""Which fence means something at which stage."""
PROVEN = frozenset({"found", "ended", "drained", "parked", "stopped", "cooled"})
"""Fences that count only with a position that was told before them."""
