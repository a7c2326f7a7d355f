"""What is done with keys and signed parts, at the coordinator's machine, beside the process that serves."""

from dataclasses import dataclass

from coordinator.acts.act import ActCall, act
from coordinator.keys.keyring import Keyring
from coordinator.model.roles import Permission
from coordinator.people.principal import Principal, Via
from coordinator.unit_of_work import UnitsOfWork
from coordinator.work import catalogue
from gcode.part import Part
from wire.release import Release

MACHINE = Principal(name="machine", via=Via.KEY, role="machine", everywhere=True)
"""Whoever may read the keys' folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyServices:
    """What a command has at hand that works on the keys' folder."""

    units: UnitsOfWork
    keyring: Keyring


@act("part.approve", Permission.LOCAL, on="part")
def approve_part(call: ActCall[KeyServices], document: bytes, signed: Release) -> Part:
    """Take a signed version of a part in; see `catalogue.approve`."""
    part = catalogue.approve(call.tx, call.services.keyring, document, signed, call.now)
    call.note(part.name)
    return part


@act("key.take-out", Permission.LOCAL, on="key")
def took_out(call: ActCall[KeyServices], key: str) -> None:
    """Note that a key was taken away from here."""


@act("key.rotate", Permission.LOCAL, on="key")
def rotated(call: ActCall[KeyServices], key: str) -> None:
    """Note that a new key took over."""


@act("key.revoke", Permission.LOCAL, on="key")
def revoked(call: ActCall[KeyServices], key: str) -> None:
    """Note that a key is refused from now on."""


@act("key.install", Permission.LOCAL, on="key")
def installed(call: ActCall[KeyServices], key: str) -> None:
    """Note that keys which were signed elsewhere are in force."""
