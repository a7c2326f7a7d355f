"""What a look at the printer means for the attempt that runs on it. Pure."""

from agent.printers.driver import Condition, Ending, Status
from wire.lifecycle import State, Step

GRACE = 60.0
"""Seconds for a printer to show our attempt, after the order to start or after the agent came back."""

ASKED = "its owner asked for it"
CANCELLED_HERE = "it was cancelled here, at the printer or by a command of its owner's"
GIVEN_UP = "its owner gave it up, as the printer could not be reached: look what lies on the bed"

Seen = tuple[Step, str]
"""A step, and why."""

_ENDINGS = {
    Ending.DONE: Step.FINISH,
    Ending.FAILED: Step.FAIL,
    Ending.CANCELLED: Step.CANCEL,
    Ending.UNKNOWN: Step.FAIL,
}


def observe(state: State, attempt: str, status: Status, unseen: float) -> Seen | None:
    """The next step of `attempt` (in STARTING, PRINTING or PAUSED), or None if there is nothing new.

    `unseen` are the seconds since the printer last showed that it works on our attempt. A printer that can't
    be reached tells nothing: what it was doing it may still do.
    """
    if status.condition is Condition.UNREACHABLE and status.ending is None:
        return None
    if status.attempt != attempt:
        return _gone(status, unseen)
    if status.ending is not None:
        return _ENDINGS[status.ending], _reason(status)
    if status.condition is Condition.FAULT:
        return Step.FAIL, status.why or "the printer stopped itself for safety: look at it"
    if status.condition in {Condition.IDLE, Condition.BUSY}:
        return _gone(status, unseen)
    return _moving(state, status.condition)


def _moving(state: State, condition: Condition) -> Seen | None:
    if condition is Condition.LOADING:
        return None
    if state is State.STARTING:
        return Step.PRINT, ""
    if state is State.PRINTING and condition is Condition.PAUSED:
        return Step.PAUSE, ""
    if state is State.PAUSED and condition is Condition.PRINTING:
        return Step.RESUME, ""
    return None


def _gone(status: Status, unseen: float) -> Seen | None:
    if unseen < GRACE and status.condition is not Condition.FAULT:
        return None
    if status.condition in {Condition.BUSY, Condition.PRINTING, Condition.PAUSED}:
        return Step.FAIL, "the printer works on something else: ask its owner what lies on the bed"
    return Step.FAIL, status.why or "the printer shows no trace of it: ask its owner what lies on the bed"


def _reason(status: Status) -> str:
    if status.ending is Ending.UNKNOWN:
        return f"nobody saw how it ended: ask the owner what lies on the bed. {status.why}".strip()
    return status.why
