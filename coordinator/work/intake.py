"""Hospitals and what they ask for."""

import math
from dataclasses import replace

import structlog

from coordinator.errors import Conflict, Forbidden, Invalid, Missing
from coordinator.ids import fresh
from coordinator.model import ledger
from coordinator.model.records import Hospital, Need
from coordinator.model.roles import HOME
from coordinator.people import links
from coordinator.store import attempts, movements, needs
from coordinator.store.engine import Tx
from coordinator.work.plates import PlateLibrary
from wire.lifecycle import State
from wire.messages import Blame

MOST = 100_000
"""Units that one need may ask for; more is a slip of the keyboard."""
THREE = 3
"""Printers on which a need's plates come to nothing, one after the other, until it is held."""
_PRINTED = frozenset({State.PRINTED, State.CLEARED, State.INSPECTED})

log = structlog.get_logger("intake")


def add_hospital(
    tx: Tx, *, name: str, contact: str, latitude: float, longitude: float, now: float, cluster: str = HOME
) -> Hospital:
    """Someone asks to be supplied; a person must vet them first.

    Raises:
        Invalid: no name, or a place that is not on Earth.
    """
    if not name.strip() or not contact.strip():
        raise Invalid("say the hospital's name, and whom to contact there")
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise Invalid("latitude must lie between -90 and 90, longitude between -180 and 180")
    hospital = Hospital(
        id=fresh("h"),
        name=name.strip(),
        contact=contact.strip(),
        latitude=latitude,
        longitude=longitude,
        created=now,
        cluster=cluster,
    )
    needs.hospitals.add(tx, hospital)
    return hospital


def approve(tx: Tx, hospital: str, *, by: str, now: float) -> Hospital:
    """A person has vetted them. A second approval changes nothing.

    Raises:
        Missing: there is no such hospital.
    """
    known = _hospital(tx, hospital)
    if known.approved is not None:
        return known
    needs.hospitals.change(tx, hospital, approved_by=by, approved=now)
    return replace(known, approved_by=by, approved=now)


def file(
    tx: Tx,
    plates: PlateLibrary,
    *,
    hospital: str,
    part: str,
    quantity: int,
    priority: int,
    deadline: float | None,
    parameters: dict[str, float],
    token: str,
    by: str,
    now: float,
) -> Need:
    """A vetted hospital asks for so many of a part. `token` is the SHA-256 of its tracking link's.

    Raises:
        Missing: no such hospital or part.
        Forbidden: nobody has vetted the hospital.
        Invalid: a quantity, priority, deadline or parameter out of bounds.
    """
    asking = _hospital(tx, hospital)
    released = plates.part(part)
    if asking.approved is None:
        raise Forbidden(f"{asking.name} has not been approved yet: vet it first, then file its need")
    if not 1 <= quantity <= MOST:
        raise Invalid(f"quantity must lie between 1 and {MOST:,}")
    if not 0 <= priority <= 9:
        raise Invalid("priority must lie between 0 (routine) and 9 (now)")
    if deadline is not None and not now < deadline < math.inf:
        raise Invalid("the deadline is over already")
    need = Need(
        id=fresh("n"),
        hospital=hospital,
        part=part,
        version=released.version,
        parameters=plates.parameters(part, parameters),
        quantity=quantity,
        priority=priority,
        deadline=deadline,
        created=now,
    )
    needs.needs.add(tx, need, token=token, token_expires=now + links.HOSPITAL)
    movements.post(tx, ledger.filed(need.id, quantity), cause=f"file:{need.id}", by=by, now=now)
    return need


def cancel(tx: Tx, need: str, *, by: str, now: float) -> Need:
    """A need is withdrawn: what nobody has promised yet is not printed. What is under way may be surplus.

    Raises:
        Missing: no such need.
        Conflict: it is withdrawn already.
    """
    known = get(tx, need)
    if known.cancelled is not None:
        raise Conflict(f"{need} is cancelled already")
    needs.needs.change(tx, need, cancelled=now)
    ease(tx, need, cause=f"cancel:{need}", by=by, now=now)
    return replace(known, cancelled=now)


def judge(tx: Tx, need: str, now: float) -> None:
    """Hold a need whose plates came to nothing on three printers one after the other, by no fault of circumstances.

    One bad job must not go from printer to printer. What was printed in between, or released since by a person,
    clears it.
    """
    known = get(tx, need)
    if known.held is not None:
        return
    against: dict[tuple[str, str], str] = {}
    for attempt in attempts.since(tx, need, known.released or 0.0):
        if attempt.state in _PRINTED:
            break
        if attempt.state in (State.REFUSED, State.FAILED) and attempt.blame != Blame.NOBODY:
            against.setdefault((attempt.agent, attempt.printer), attempt.why)
    if len(against) >= THREE:
        says = "; ".join(f"{printer} of {agent}: {why}" for (agent, printer), why in against.items())
        needs.needs.change(tx, need, held=now, held_why=says[:400])


def release(tx: Tx, need: str, *, by: str, now: float) -> Need:
    """A person has looked at why a need is held: its plates are given out again.

    Raises:
        Missing: no such need.
        Conflict: it is not held.
    """
    known = get(tx, need)
    if known.held is None:
        raise Conflict(f"{need} is not held: its plates are given out")
    needs.needs.change(tx, need, held=None, held_why="", released=now)
    log.info("need released", need=need, by=by, was=known.held_why)
    return replace(known, held=None, held_why="", released=now)


def relink(tx: Tx, need: str, *, token: str, now: float) -> Need:
    """The hospital gets a new link, whose SHA-256 `token` is; the one before it leads nowhere from now on.

    Raises:
        Missing: no such need.
    """
    known = get(tx, need)
    needs.needs.change(tx, need, token=token, token_expires=now + links.HOSPITAL)
    return known


def by_link(tx: Tx, token: str, now: float) -> Need:
    """The need behind a hospital's link, whose SHA-256 `token` is.

    Raises:
        Astray: none has this link, or not any more.
    """
    known = needs.by_token(tx, token, now)
    if known is None:
        raise links.Astray
    return known


def ease(tx: Tx, need: str, *, cause: str, by: str, now: float) -> None:
    """Ask for no more than is still wanted; to be called after whatever may have changed that."""
    known = get(tx, need)
    wanted = 0 if known.cancelled is not None else known.quantity
    eased = ledger.eased(need, wanted, movements.balance(tx, need))
    movements.post(tx, eased, cause=cause, by=by, now=now)


def get(tx: Tx, need: str) -> Need:
    """A need by its name.

    Raises:
        Missing: no such need.
    """
    known = needs.needs.get(tx, need)
    if known is None:
        raise Missing(f"there is no need {need!r}")
    return known


def _hospital(tx: Tx, hospital: str) -> Hospital:
    known = needs.hospitals.get(tx, hospital)
    if known is None:
        raise Missing(f"there is no hospital {hospital!r}")
    return known
