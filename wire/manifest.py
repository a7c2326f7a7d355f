"""What exactly an agent may print: a manifest, signed by the coordinator's dispatch key.

The signature covers the exact bytes that travel, behind a prefix that no other signature of ours uses, so
that nothing signed for another purpose can pass as a manifest. Which keys may sign at all says `keyset.py`.
"""

import hashlib
from collections.abc import Mapping
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct

from wire.errors import LocalError, RemoteError
from wire.topics import NAME

DOMAIN = b"muster manifest 1\n"
LIMIT = 8 * 1024
"""Bytes of an encoded manifest."""
FILE_LIMIT = 64 * 1024 * 1024
"""Bytes of a job's file; the gate reads no more."""
DEFINITION_LIMIT = 256 * 1024
"""Bytes of a part's document."""

Name = Annotated[str, Meta(pattern=NAME)]
Url = Annotated[str, Meta(pattern=r"^https?://[!-~]+(?!\n)$", max_length=512)]
"""As HTTP can carry it: what is not ASCII must be escaped."""
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]
Counter = Annotated[int, Meta(ge=0, le=2**53)]
Clock = Annotated[float, Meta(ge=0, le=2**40)]
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]


class Release(Struct, frozen=True, forbid_unknown_fields=True):
    """That a hub has approved one version of a part; see `release.py`.

    `definition` is the SHA-256 of its document of `size` bytes, `key` the release key that made the `signature`.
    """

    definition: Digest
    size: Annotated[int, Meta(ge=1, le=DEFINITION_LIMIT)]
    key: Digest
    signature: Signature


class Manifest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One plate for one printer, in answer to one `ready`.

    `attempt` is new each time and names the lot; `job` is the need that it serves. `url` serves the body (no
    start or end script: those are the owner's) of `size` bytes with SHA-256 `digest`. `grams` of plastic and
    `seconds` of printing are the renderer's estimate, which the gate holds the file to. `profile` is the
    digest of the machine profile that it was drawn for. Agents draw it again by the part version that `release`
    names, and print nothing else.

    It holds from `not_before` until `expires` (the coordinator's clock, seconds since 1970), and its `sequence` is
    higher than that of any manifest before it for this printer. As they are by default, as in a manifest of an older
    version, nobody prints it.
    """

    attempt: Name
    job: Name
    agent: Name
    printer: Name
    nonce: Annotated[str, Meta(min_length=16, max_length=64)]
    part: Name
    version: Annotated[str, Meta(pattern=r"^[0-9a-z][0-9a-z.-]{0,31}(?!\n)$")]
    parameters: Annotated[dict[str, float], Meta(max_length=64)]
    count: Annotated[int, Meta(ge=1, le=1000)]
    material: Name
    profile: Digest
    url: Url
    size: Annotated[int, Meta(ge=1, le=FILE_LIMIT)]
    digest: Digest
    grams: Annotated[float, Meta(gt=0, le=10_000)]
    seconds: Annotated[float, Meta(gt=0, le=14 * 86_400)]
    release: Release | None = None
    not_before: Clock = 0.0
    expires: Clock = 0.0
    sequence: Counter = 0


class Signed(Struct, frozen=True, forbid_unknown_fields=True):
    """The exact bytes of a manifest, and who signed them."""

    body: Annotated[bytes, Meta(max_length=LIMIT)]
    key: Digest
    signature: Signature


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Manifest)


def key_id(key: Ed25519PublicKey) -> str:
    """The name of a key: SHA-256 of its raw 32 bytes, in hex."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def sign(manifest: Manifest, key: Ed25519PrivateKey) -> Signed:
    """Seal a manifest.

    Raises:
        LocalError: it breaks its own bounds.
    """
    body = _encoder.encode(manifest)
    if len(body) > LIMIT:
        raise LocalError("manifest", f"a manifest of {len(body)} bytes is over {LIMIT}")
    try:
        _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise LocalError("manifest", f"not a valid manifest: {error}") from None
    return Signed(body, key_id(key.public_key()), key.sign(DOMAIN + body))


def verify(signed: Signed, keys: Mapping[str, Ed25519PublicKey]) -> Manifest:
    """Open a manifest that one of `keys` (by `key_id`) has signed.

    Raises:
        RemoteError: an unknown key, a wrong signature, or not a manifest.
    """
    key = keys.get(signed.key)
    if key is None:
        raise RemoteError("unknown-key", f"signed by a key that is not known here: {signed.key[:16]}…")
    try:
        key.verify(signed.signature, DOMAIN + signed.body)
    except InvalidSignature:
        raise RemoteError("signature", "the manifest's signature is wrong") from None
    try:
        return _decoder.decode(signed.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RemoteError("manifest", f"not a manifest: {error}") from None
