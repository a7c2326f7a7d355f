"""Which keys may sign what: the key set, signed by the root, which alone every agent knows from its invite.

A set has a version that only rises, so that an older one can't come back. A key that is rotated stays good until a
moment; one that is revoked is refused at once. A new root is vouched for by the one before it.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct, structs

from wire.errors import LocalError, RemoteError
from wire.manifest import Clock, Digest, Signature, key_id

DOMAIN: Final = b"muster keys 1\n"
HEIR_DOMAIN: Final = b"muster root 1\n"
LIMIT: Final = 8 * 1024
"""Bytes of an encoded key set: it must fit into the answer to an enrolment."""
KEPT: Final = 8
"""Keys of each use that a set knows, most of them after their time, so that what they signed can still be read."""
REMEMBERED: Final = 50
"""Revoked keys that a set names; one before them is as unknown as any stranger's."""

Public = Annotated[bytes, Meta(min_length=32, max_length=32)]


class Use(StrEnum):
    """What a key may sign."""

    DISPATCH = "dispatch"
    """Manifests. It lives with the coordinator, which signs all day."""
    RELEASE = "release"
    """Part versions. It may be kept offline."""


class Key(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One public key, raw. It is good until the coordinator's clock shows `until`, if that is set."""

    use: Use
    public: Public
    until: Clock | None = None

    @property
    def id(self) -> str:
        """Its name, as signatures carry it."""
        return key_id(self.opened)

    @property
    def opened(self) -> Ed25519PublicKey:
        """The key itself."""
        return Ed25519PublicKey.from_public_bytes(self.public)


class KeySet(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All keys that count, and the ids of those that must never count again."""

    version: Annotated[int, Meta(ge=1, le=2**53)]
    keys: Annotated[tuple[Key, ...], Meta(max_length=2 * KEPT)]
    revoked: Annotated[tuple[Digest, ...], Meta(max_length=REMEMBERED)] = ()

    def of(self, use: Use) -> dict[str, Ed25519PublicKey]:
        """All keys of a use by their ids, also those whose time is over: to read what they signed then."""
        return {key.id: key.opened for key in self.keys if key.use is use and key.id not in self.revoked}


class Heir(Struct, frozen=True, forbid_unknown_fields=True):
    """A root says who comes after it."""

    root: Public
    heir: Public
    signature: Signature


class SignedKeys(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The exact bytes of a key set, the root that signed them, and how that root came to be one, oldest first."""

    body: Annotated[bytes, Meta(max_length=LIMIT)]
    root: Public
    signature: Signature
    heirs: Annotated[tuple[Heir, ...], Meta(max_length=KEPT)] = ()

    @property
    def root_id(self) -> str:
        """The root's name, as an invite carries it."""
        return key_id(Ed25519PublicKey.from_public_bytes(self.root))


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(KeySet)


def encode(keys: KeySet) -> bytes:
    """A key set as bytes to sign.

    Raises:
        LocalError: it breaks its own bounds.
    """
    body = _encoder.encode(keys)
    try:
        _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise LocalError("keys", f"not a valid key set: {error}") from None
    if len(body) > LIMIT:
        raise LocalError("keys", f"a key set of {len(body)} bytes is over {LIMIT}")
    return body


def seal(keys: KeySet, root: Ed25519PrivateKey, heirs: tuple[Heir, ...] = ()) -> SignedKeys:
    """Sign a key set with the root; errors as in `encode`."""
    body = encode(keys)
    public = root.public_key().public_bytes_raw()
    return SignedKeys(body=body, root=public, signature=root.sign(DOMAIN + body), heirs=heirs)


def bequeath(root: Ed25519PrivateKey, heir: Ed25519PublicKey) -> Heir:
    """A root vouches for the next one."""
    raw = heir.public_bytes_raw()
    return Heir(root.public_key().public_bytes_raw(), raw, root.sign(HEIR_DOMAIN + raw))


def unseal(signed: SignedKeys, root: str) -> KeySet:
    """Open a key set that the root of this id has signed, or one that it, by way of its heirs, has vouched for.

    Raises:
        RemoteError: another root's, a wrong signature, or not a key set.
    """
    if signed.root_id not in _succession(signed, root):
        raise RemoteError("root", f"the key set is signed by a root that is not ours: {signed.root_id[:16]}…")
    _check(signed.root, signed.signature, DOMAIN + signed.body, "the key set's signature is wrong")
    return read(signed.body)


def read(body: bytes) -> KeySet:
    """The key set in these bytes, whoever signed them.

    Raises:
        RemoteError: not a key set.
    """
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RemoteError("keys", f"not a key set: {error}") from None


def good(keys: KeySet, name: str, use: Use, passed: Callable[[float], bool]) -> Ed25519PublicKey:
    """The key of this id, if it may sign this now. `passed` tells whether a moment (the coordinator's clock) is over.

    Raises:
        RemoteError: it is not known, revoked, for another use, or its time is over.
    """
    if name in keys.revoked:
        raise RemoteError("revoked-key", f"signed by a key that was revoked: {name[:16]}…")
    for key in keys.keys:
        if key.id == name and key.use is use:
            if key.until is not None and passed(key.until):
                raise RemoteError("old-key", f"signed by a key whose time is over: {name[:16]}…")
            return key.opened
    raise RemoteError("unknown-key", f"signed by a key that is not known here for that: {name[:16]}…")


def rotated(keys: KeySet, use: Use, new: Ed25519PublicKey, *, until: float, version: int) -> KeySet:
    """The next set, in which a new key takes over; those before it stay good until then (their own time, if sooner)."""
    before = [
        key if key.until is not None else structs.replace(key, until=until)
        for key in keys.keys
        if key.use is use
    ]
    others = [key for key in keys.keys if key.use is not use]
    made = Key(use=use, public=new.public_bytes_raw())
    return structs.replace(keys, version=version, keys=(*others, *before[-KEPT + 1 :], made))


def revoked(keys: KeySet, name: str, *, version: int) -> KeySet:
    """The next set, by which this key is refused at once."""
    left = tuple(key for key in keys.keys if key.id != name)
    return structs.replace(keys, version=version, keys=left, revoked=(*keys.revoked, name)[-REMEMBERED:])


def _succession(signed: SignedKeys, root: str) -> set[str]:
    """The root that is believed, and all who follow from it."""
    believed = {root}
    for each in signed.heirs:
        before = key_id(Ed25519PublicKey.from_public_bytes(each.root))
        if before in believed:
            _check(each.root, each.signature, HEIR_DOMAIN + each.heir, "a new root's signature is wrong")
            believed.add(key_id(Ed25519PublicKey.from_public_bytes(each.heir)))
    return believed


def _check(public: bytes, signature: bytes, message: bytes, wrong: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        raise RemoteError("signature", wrong) from None
