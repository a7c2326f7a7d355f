"""The life of an attempt, as one table: which event leads from which state to which.

An attempt is one plate on one printer, and the lot for traceability. Both towers, the diagram in
docs/conversation.md and the property tests read this table; nothing else decides what may follow what.
"""

from enum import StrEnum

from wire.errors import RemoteError


class State(StrEnum):
    """Where an attempt stands."""

    GRANTED = "granted"
    FETCHING = "fetching"
    CHECKED = "checked"
    STARTING = "starting"
    PRINTING = "printing"
    PAUSED = "paused"
    PRINTED = "printed"
    CLEARED = "cleared"
    INSPECTED = "inspected"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUSPECT = "suspect"


class Step(StrEnum):
    """What happens to an attempt."""

    FETCH = "fetch"
    """The agent took the grant and fetches the file."""
    CHECK = "check"
    """The file is here, its hash is right, and it passed the gate."""
    START = "start"
    """Committed before the first byte goes to the printer."""
    PRINT = "print"
    """The printer was seen to work on our file."""
    PAUSE = "pause"
    RESUME = "resume"
    FINISH = "finish"
    """The printer confirmed the last move. Nothing counts yet."""
    CLEAR = "clear"
    """A person took the parts off and says that the bed is clear."""
    INSPECT = "inspect"
    """A person counted what is good. Only now do units count."""
    REFUSE = "refuse"
    """The agent will not print it; nothing moved."""
    FAIL = "fail"
    CANCEL = "cancel"
    DOUBT = "doubt"
    """The coordinator has not heard of it for too long."""
    VOID = "void"
    """The coordinator knows that the agent never took the grant."""
    WRITE_OFF = "write-off"
    """A person rules that a suspect attempt will bring nothing."""
    VOUCH = "vouch"
    """A person rules that a suspect attempt was printed, and is off its bed."""


BY_AGENT = frozenset(
    {
        Step.FETCH,
        Step.CHECK,
        Step.START,
        Step.PRINT,
        Step.PAUSE,
        Step.RESUME,
        Step.FINISH,
        Step.CLEAR,
        Step.REFUSE,
        Step.FAIL,
        Step.CANCEL,
    }
)
"""The steps that an agent may report; the others are the coordinator's own."""

FINAL = frozenset({State.INSPECTED, State.REFUSED, State.FAILED, State.CANCELLED})

_BEFORE_MOTION = {Step.REFUSE: State.REFUSED, Step.CANCEL: State.CANCELLED, Step.DOUBT: State.SUSPECT}
_IN_MOTION = {Step.FAIL: State.FAILED, Step.CANCEL: State.CANCELLED, Step.DOUBT: State.SUSPECT}

TABLE: dict[State, dict[Step, State]] = {
    State.GRANTED: {Step.FETCH: State.FETCHING, Step.VOID: State.CANCELLED, **_BEFORE_MOTION},
    State.FETCHING: {Step.CHECK: State.CHECKED, **_BEFORE_MOTION},
    State.CHECKED: {Step.START: State.STARTING, **_BEFORE_MOTION},
    State.STARTING: {Step.PRINT: State.PRINTING, Step.FINISH: State.PRINTED, **_IN_MOTION},
    State.PRINTING: {Step.PAUSE: State.PAUSED, Step.FINISH: State.PRINTED, **_IN_MOTION},
    State.PAUSED: {Step.RESUME: State.PRINTING, Step.FINISH: State.PRINTED, **_IN_MOTION},
    State.PRINTED: {Step.CLEAR: State.CLEARED, Step.DOUBT: State.SUSPECT},
    State.CLEARED: {Step.INSPECT: State.INSPECTED},
    # What the agent did while nobody heard it arrives in order, starting anywhere: each of its steps counts.
    State.SUSPECT: {
        Step.FETCH: State.FETCHING,
        Step.CHECK: State.CHECKED,
        Step.START: State.STARTING,
        Step.PRINT: State.PRINTING,
        Step.PAUSE: State.PAUSED,
        Step.RESUME: State.PRINTING,
        Step.FINISH: State.PRINTED,
        Step.CLEAR: State.CLEARED,
        Step.REFUSE: State.REFUSED,
        Step.FAIL: State.FAILED,
        Step.CANCEL: State.CANCELLED,
        Step.VOID: State.CANCELLED,
        Step.WRITE_OFF: State.FAILED,
        Step.VOUCH: State.CLEARED,
    },
    State.INSPECTED: {},
    State.REFUSED: {},
    State.FAILED: {},
    State.CANCELLED: {},
}


def advance(state: State, step: Step) -> State:
    """The state after `step`.

    Raises:
        RemoteError: the table has no such step from this state.
    """
    try:
        return TABLE[state][step]
    except KeyError:
        raise RemoteError("impossible-step", f"an attempt that is {state} can't {step}") from None


def allows(state: State, step: Step) -> bool:
    """Whether the table leads on from `state` by `step`."""
    return step in TABLE[state]


def diagram() -> str:
    """The table as a Mermaid state diagram, for docs/conversation.md."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.GRANTED}"]
    lines += [
        f"    {state} --> {target}: {step}"
        for state, steps in TABLE.items()
        for step, target in steps.items()
    ]
    lines += [f"    {state} --> [*]" for state in State if state in FINAL]
    return "\n".join(lines)
