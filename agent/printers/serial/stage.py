"""Where a session with a printer stands, and what its agent is told of it."""

from enum import StrEnum

from agent.printers.driver import Condition


class Stage(StrEnum):
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
    Stage.GREETING: Condition.UNREACHABLE,
    Stage.REVIVING: Condition.PRINTING,
    Stage.IDLE: Condition.IDLE,
    Stage.PRINTING: Condition.PRINTING,
    Stage.PAUSING: Condition.PRINTING,
    Stage.PAUSED: Condition.PAUSED,
    Stage.CANCELLING: Condition.PRINTING,
    Stage.FAULT: Condition.FAULT,
}
PASSES = {
    "greeted": frozenset({Stage.GREETING}),
    "answered": frozenset({Stage.IDLE}),
    "found": frozenset({Stage.REVIVING}),
    "ended": frozenset({Stage.PRINTING, Stage.PAUSING, Stage.PAUSED}),
    "drained": frozenset({Stage.PAUSING}),
    "parked": frozenset({Stage.PAUSING}),
    "stopped": frozenset({Stage.CANCELLING}),
    "cooled": frozenset({Stage.CANCELLING}),
}
"""Which fence means something at which stage."""
PROVEN = frozenset({"found", "ended", "drained", "parked", "stopped", "cooled"})
"""Fences that count only with a position that was told before them."""
