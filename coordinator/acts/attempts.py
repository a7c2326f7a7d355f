"""Attempts, which are lots: asked for something at their printer, counted, ruled on, brought to the hub."""

from coordinator.acts.act import ActCall, act
from coordinator.acts.services import Services
from coordinator.errors import Conflict
from coordinator.model.records import Attempt
from coordinator.model.roles import Permission
from coordinator.privacy import pickups
from coordinator.work import lots
from wire.lifecycle import FINAL, State, Step, allows
from wire.messages import Request, Wish

_STEP_OF_WISH = {
    Wish.CANCEL: Step.CANCEL,
    Wish.PAUSE: Step.PAUSE,
    Wish.RESUME: Step.RESUME,
    Wish.CLEARED: Step.CLEAR,
}
_PARTICIPLES = {
    Wish.CANCEL: "cancelled",
    Wish.PAUSE: "paused",
    Wish.RESUME: "resumed",
    Wish.CLEARED: "cleared",
}


@act("attempt.cancel", Permission.STEER, on="attempt")
def cancel_attempt(call: ActCall[Services], attempt: str) -> Attempt:
    """Ask a printer's agent to give a plate up. The agent decides.

    Raises:
        Missing: no such attempt.
        Conflict: that makes no sense as the attempt stands.
    """
    return _ask(call, attempt, Wish.CANCEL)


@act("attempt.pause", Permission.STEER, on="attempt")
def pause_attempt(call: ActCall[Services], attempt: str) -> Attempt:
    """Ask a printer's agent to wait; as `cancel_attempt`."""
    return _ask(call, attempt, Wish.PAUSE)


@act("attempt.resume", Permission.STEER, on="attempt")
def resume_attempt(call: ActCall[Services], attempt: str) -> Attempt:
    """Ask a printer's agent to go on; as `cancel_attempt`."""
    return _ask(call, attempt, Wish.RESUME)


@act("attempt.cleared", Permission.STEER, on="attempt")
def clear_bed(call: ActCall[Services], attempt: str) -> Attempt:
    """Tell a printer's agent that a person took the parts off; as `cancel_attempt`."""
    return _ask(call, attempt, Wish.CLEARED)


ASKING = {
    Wish.CANCEL: cancel_attempt,
    Wish.PAUSE: pause_attempt,
    Wish.RESUME: resume_attempt,
    Wish.CLEARED: clear_bed,
}
"""By what is asked for."""


@act("attempt.inspect", Permission.INSPECT, on="attempt")
def inspect(call: ActCall[Services], attempt: str, *, good: int, scrapped: int) -> Attempt:
    """Say how many units of a lot are good; see `lots.inspect`."""
    lot = lots.inspect(call.tx, attempt, good=good, scrapped=scrapped, by=call.by, now=call.now)
    call.note(attempt, {"good": good, "scrapped": scrapped})
    return _changed(call, lot)


@act("attempt.collect", Permission.COLLECT, on="attempt")
def collect(call: ActCall[Services], attempt: str) -> Attempt:
    """Bring a lot's good units to the hub; see `lots.collect`."""
    lot = lots.collect(call.tx, attempt, by=call.by, now=call.now)
    pickups.settle(call.tx, lot.agent, call.now)
    return _changed(call, lot)


@act("attempt.vouch", Permission.RULE, on="attempt")
def vouch(call: ActCall[Services], attempt: str, *, why: str) -> Attempt:
    """Rule that a suspect lot was printed; see `lots.vouch`."""
    return _changed(call, lots.vouch(call.tx, attempt, by=call.by, why=why, now=call.now))


@act("attempt.write-off", Permission.RULE, on="attempt")
def write_off(call: ActCall[Services], attempt: str, *, why: str) -> Attempt:
    """Rule that a suspect lot will bring nothing; see `lots.write_off`."""
    return _changed(call, lots.write_off(call.tx, attempt, by=call.by, why=why, now=call.now))


def _ask(call: ActCall[Services], attempt: str, wish: Wish) -> Attempt:
    known = lots.get(call.tx, attempt)
    # A bed is cleared of failed and cancelled plates too.
    of_bed = wish is Wish.CLEARED and known.state in (State.FAILED, State.CANCELLED)
    if not of_bed and not allows(known.state, _STEP_OF_WISH[wish]):
        raise Conflict(f"{known.id} is {known.state}: it can't be {_PARTICIPLES[wish]} now")
    call.unit.post(
        known.agent,
        Request(
            sent=call.now,
            expires=call.now + call.services.request_lifetime,
            attempt=attempt,
            wish=wish,
            by=call.by,
        ),
    )
    return known


def _changed(call: ActCall[Services], lot: Attempt) -> Attempt:
    call.unit.changed(f"need/{lot.need}", f"printer/{lot.agent}/{lot.printer}")
    if lot.state in FINAL:
        call.unit.replan()
    return lot
