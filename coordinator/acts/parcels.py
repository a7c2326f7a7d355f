"""Parcels: packed, sent, signed for."""

from coordinator import ids
from coordinator.acts.act import ActCall, act
from coordinator.acts.services import Services
from coordinator.model.records import Parcel
from coordinator.model.roles import Permission
from coordinator.work import intake, parcels


@act("parcel.pack", Permission.PACK, on="parcel")
def pack(call: ActCall[Services], need: str, *, units: int | None = None) -> Parcel:
    """Put units that stand at the hub into a parcel; see `parcels.pack`."""
    parcel = parcels.pack(call.tx, need, units=units, by=call.by, now=call.now)
    call.note(parcel.id, {"need": need, "units": parcel.units})
    call.unit.changed(f"need/{need}")
    return parcel


@act("parcel.send", Permission.SEND, on="parcel")
def send(call: ActCall[Services], parcel: str) -> Parcel:
    """Hand a parcel over to whoever takes it; see `parcels.send`."""
    sent = parcels.send(call.tx, parcel, by=call.by, now=call.now)
    call.unit.changed(f"need/{sent.need}")
    return sent


@act("parcel.receive", Permission.HOSPITAL_LINK, on="parcel")
def receive(
    call: ActCall[Services], token: str, parcel: str, *, units: int, signed_by: str, remark: str = ""
) -> Parcel:
    """Sign for a parcel, for the hospital whose link this is; see `parcels.receive`."""
    need = intake.by_link(call.tx, ids.digest(token), call.now)
    received = parcels.receive(call.tx, need.id, parcel, units=units, by=signed_by, note=remark, now=call.now)
    # Who signed is kept with the parcel, where it can be taken away again.
    call.note(parcel, {"need": need.id, "units": units}, by=f"hospital/{need.hospital}")
    call.unit.changed(f"need/{received.need}")
    call.unit.replan()
    return received
