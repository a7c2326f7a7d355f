"""What can be made: the part versions that this hub has approved with its release key, and no others.

The parts that are shipped are approved by themselves wherever the release key lies with the coordinator; where it is
kept elsewhere, a person signs each new version there. What was approved once stays as it is: a document that changes
needs a new version.
"""

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

import gcode_templates
from coordinator.errors import Conflict, Invalid
from coordinator.keys.keyring import Keyring
from coordinator.store.engine import Tx
from coordinator.store.releases import Released, put, releases
from gcode.document import DocumentError, decode
from gcode.part import Part
from wire import keyset, release
from wire.errors import LocalError, RemoteError
from wire.keyset import Use
from wire.manifest import Release

log = structlog.get_logger("catalogue")


@dataclass(frozen=True, slots=True)
class Approved:
    """A part version with its document's exact bytes and the hub's signature."""

    part: Part
    document: bytes
    release: Release


def stock(tx: Tx, keyring: Keyring, now: float) -> list[Approved]:
    """All that may be made; what is shipped and new is approved on the way, if the release key is here."""
    for document in _shipped():
        part = read(document)
        known = releases.get(tx, part.name, part.version)
        if known is None:
            _sign(tx, keyring, part, document, now)
        elif known.document.encode() != document:
            log.warning(
                "a shipped part is not the one that was approved", part=part.name, version=part.version
            )
        elif not _counts(known, keyring):
            _sign(tx, keyring, part, document, now)
    _renew(tx, keyring, now)
    return [
        Approved(read(each.document.encode()), each.document.encode(), each.release)
        for each in releases.find(tx)
        if _counts(each, keyring) and _is_read(each)
    ]


def approve(tx: Tx, keyring: Keyring, document: bytes, signed: Release, now: float) -> Part:
    """Take a part version in that the release key has signed, here or elsewhere.

    Raises:
        Invalid: not a part, or not signed by a release key that counts.
        Conflict: another document was approved under this version.
    """
    part = read(document)
    known = releases.get(tx, part.name, part.version)
    if known is not None and known.document.encode() != document:
        raise Conflict(
            f"{part.name} {part.version} was approved already with another document: give it a new version"
        )
    kept = _released(part, document, signed, now)
    try:
        _check(kept, keyring)
    except RemoteError as error:
        raise Invalid(str(error)) from None
    put(tx, kept)
    return part


@functools.lru_cache(maxsize=64)  # reading draws the part's outline, and each is read several times over
def read(document: bytes) -> Part:
    """A part's document.

    Raises:
        Invalid: it is none; says where.
    """
    try:
        return decode(document, Part, "part")
    except DocumentError as error:
        raise Invalid(str(error)) from None


def sign(keyring: Keyring, document: bytes) -> Release:
    """Approve a document with the release key that is here.

    Raises:
        Invalid: not a part, too long, or the release key is not here.
    """
    part, key = read(document), keyring.releasing()
    if key is None:
        raise Invalid("the release key is not kept here: sign the part where it is")
    try:
        return release.sign(part.name, part.version, document, key)
    except LocalError as error:
        raise Invalid(str(error)) from None


def _shipped() -> Iterable[bytes]:
    return (gcode_templates.part_source(name) for name in gcode_templates.part_names())


def _sign(tx: Tx, keyring: Keyring, part: Part, document: bytes, now: float) -> None:
    if keyring.releasing() is None:
        log.warning(
            "a part version waits for its approval: `muster keys sign-part`",
            part=part.name,
            version=part.version,
        )
        return
    put(tx, _released(part, document, sign(keyring, document), now))
    log.info("part approved", part=part.name, version=part.version)


def _renew(tx: Tx, keyring: Keyring, now: float) -> None:
    """After a rotation: what the key before had signed is signed anew, before its time is over."""
    key = keyring.releasing()
    if key is None:
        return
    name = keyset.key_id(key.public_key())
    for each in releases.find(tx):
        if each.key != name and _counts(each, keyring):
            document = each.document.encode()
            put(tx, _released(read(document), document, sign(keyring, document), now))


def _released(part: Part, document: bytes, signed: Release, now: float) -> Released:
    return Released(
        part=part.name,
        version=part.version,
        document=document.decode(),
        key=signed.key,
        signature=signed.signature.hex(),
        signed=now,
    )


def _counts(released: Released, keyring: Keyring) -> bool:
    try:
        _check(released, keyring)
    except RemoteError:
        return False
    return True


def _check(released: Released, keyring: Keyring) -> None:
    key = keyset.good(keyring.keys, released.key, Use.RELEASE, keyring.passed)
    document = released.document.encode()
    release.verify(released.release, released.part, released.version, document, {released.key: key})


def _is_read(released: Released) -> bool:
    """Whether this version of Muster can still read it; and it is what it is kept as."""
    try:
        part = read(released.document.encode())
    except Invalid as error:
        log.warning("an approved part can't be read", part=released.part, why=str(error))
        return False
    return (part.name, part.version) == (released.part, released.version)
