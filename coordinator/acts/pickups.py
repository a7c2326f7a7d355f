"""Pickups at makers' homes: taken on, looked up, given back."""

from coordinator.acts.act import ActCall, act
from coordinator.acts.services import Services
from coordinator.model.records import Pickup
from coordinator.model.roles import Permission
from coordinator.privacy import makers, pickups
from coordinator.privacy.address import PickupAddress


@act("pickup.take", Permission.COLLECT, on="maker")
def take_pickup(call: ActCall[Services], agent: str) -> Pickup:
    """Take a pickup on; see `pickups.take`."""
    return _changed(call, pickups.take(call.tx, agent, by=call.by, now=call.now))


@act("pickup.give-back", Permission.COLLECT, on="maker")
def give_back_pickup(call: ActCall[Services], pickup: str) -> Pickup:
    """Not go after all; see `pickups.give_back`."""
    return _changed(call, pickups.give_back(call.tx, pickup, by=call.by, now=call.now))


@act("address.look", Permission.COLLECT, on="maker")
def look_at_address(call: ActCall[Services], pickup: str) -> tuple[Pickup, PickupAddress | None]:
    """Where to go; each look is noted. See `pickups.look`."""
    known, address = pickups.look(call.tx, pickup, call.services.addresses, by=call.by, now=call.now)
    call.note(makers.get(call.tx, known.agent).ref, {"pickup": pickup})
    return known, address


def _changed(call: ActCall[Services], known: Pickup) -> Pickup:
    call.note(makers.get(call.tx, known.agent).ref, {"pickup": known.id})
    call.unit.changed("pickup")
    return known
