"""Units on their way from the hub to the hospital that signs for them."""

from dataclasses import replace

from coordinator.errors import Conflict, Invalid, Missing
from coordinator.ids import fresh
from coordinator.model import ledger
from coordinator.model.ledger import Account
from coordinator.model.records import Parcel
from coordinator.store import attempts, movements, parcels
from coordinator.store.engine import Tx
from coordinator.work import intake


def pack(tx: Tx, need: str, *, units: int | None, by: str, now: float) -> Parcel:
    """Put units that are at the hub into a new parcel, oldest lots first; all of them if `units` is None.

    Raises:
        Missing: no such need.
        Invalid: less than one unit.
        Conflict: not that many are at the hub.
    """
    intake.get(tx, need)
    by_lot = movements.by_lot(tx, need, Account.AT_HUB)
    there = sum(by_lot.values())
    wanted = there if units is None else units
    if units is not None and units < 1:
        raise Invalid("a parcel holds at least one unit")
    if there == 0 or wanted > there:
        raise Conflict(f"{there} units of {need} are at the hub: collect more first")
    parcel = Parcel(id=fresh("p"), need=need, units=wanted, packed=now, packed_by=by)
    parcels.parcels.add(tx, parcel)
    for lot in reversed(attempts.of_need(tx, need)):
        taken = min(wanted, by_lot[lot.id])
        wanted -= taken
        moves = ledger.carried(need, lot.id, Account.AT_HUB, Account.PACKED, taken)
        movements.post(tx, moves, cause=_packed(parcel.id), by=by, now=now)
    return parcel


def send(tx: Tx, parcel: str, *, by: str, now: float) -> Parcel:
    """A courier takes the parcel.

    Raises:
        Missing: no such parcel.
        Conflict: it is on its way already.
    """
    known = _get(tx, parcel)
    if known.sent is not None:
        raise Conflict(f"{parcel} is on its way already")
    for packed in movements.of_cause(tx, _packed(parcel)):
        moves = ledger.carried(known.need, packed.lot or "", Account.PACKED, Account.IN_TRANSIT, packed.units)
        movements.post(tx, moves, cause=f"send:{parcel}", by=by, now=now)
    parcels.parcels.change(tx, parcel, sent=now)
    return replace(known, sent=now)


def receive(tx: Tx, need: str, parcel: str, *, units: int, by: str, note: str, now: float) -> Parcel:
    """The hospital signs for the units that arrived; what is missing is written off and printed again.

    Raises:
        Missing: this need has no such parcel.
        Invalid: nobody signs, or more units than were sent.
        Conflict: it was not sent, or is signed for already.
    """
    known = _get(tx, parcel)
    if known.need != need:
        raise Missing(f"there is no parcel {parcel!r}")
    if not by.strip():
        raise Invalid("say who signs")
    if not 0 <= units <= known.units:
        raise Invalid(f"the parcel holds {known.units} units: sign for 0 to {known.units}")
    if known.sent is None:
        raise Conflict(f"{parcel} has not been sent yet")
    if known.received is not None:
        raise Conflict(f"{parcel} is signed for already, by {known.received_by}")
    left, cause = units, f"receive:{parcel}"
    # Movements stay for good; who signed stands in the parcel only, where it can be taken away.
    hospital = intake.get(tx, need).hospital
    for packed in movements.of_cause(tx, _packed(parcel)):
        arrived = min(left, packed.units)
        left -= arrived
        moves = ledger.received(need, packed.lot or "", arrived, packed.units - arrived)
        movements.post(tx, moves, cause=cause, by=hospital, now=now)
    intake.ease(tx, need, cause=cause, by=hospital, now=now)
    changes = {"received": now, "received_by": by, "received_units": units, "note": note}
    parcels.parcels.change(tx, parcel, **changes)
    return replace(known, received=now, received_by=by, received_units=units, note=note)


def _get(tx: Tx, parcel: str) -> Parcel:
    known = parcels.parcels.get(tx, parcel)
    if known is None:
        raise Missing(f"there is no parcel {parcel!r}")
    return known


def _packed(parcel: str) -> str:
    return f"pack:{parcel}"
