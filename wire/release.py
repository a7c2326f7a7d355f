"""A part version that a hub has approved: its document's exact bytes, signed with the release key.

The signature covers the part's name and version and every byte of its document, behind a prefix of its own. Whoever
has the document draws the same plate from it; so no other geometry passes under an approved part's name.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from wire.errors import LocalError, RemoteError
from wire.manifest import DEFINITION_LIMIT, Release, key_id

DOMAIN: Final = b"muster part 1\n"
PATH: Final = "/definitions"
"""Below the coordinator's address: where an agent gets a document that it does not have, by its SHA-256."""


def definition(document: bytes) -> str:
    """A document's name: its SHA-256, in hex."""
    return hashlib.sha256(document).hexdigest()


def sign(part: str, version: str, document: bytes, key: Ed25519PrivateKey) -> Release:
    """Approve a part version.

    Raises:
        LocalError: its document is empty or too long.
    """
    if not 1 <= len(document) <= DEFINITION_LIMIT:
        raise LocalError("part", f"a part's document has 1 to {DEFINITION_LIMIT} bytes, not {len(document)}")
    signature = key.sign(_covered(part, version, document))
    return Release(definition(document), len(document), key_id(key.public_key()), signature)


def verify(
    release: Release, part: str, version: str, document: bytes, keys: Mapping[str, Ed25519PublicKey]
) -> None:
    """Hold that one of `keys` has approved this document as this version of this part.

    Raises:
        RemoteError: another document, an unknown key, or a wrong signature.
    """
    if definition(document) != release.definition:
        raise RemoteError("definition", f"the document is not the one of {part} {version} that was released")
    key = keys.get(release.key)
    if key is None:
        raise RemoteError("unknown-key", f"{part} {version} was released by a key that is not known here")
    try:
        key.verify(release.signature, _covered(part, version, document))
    except InvalidSignature:
        raise RemoteError("signature", f"the signature of {part} {version} is wrong") from None


def _covered(part: str, version: str, document: bytes) -> bytes:
    # Neither name nor version can hold a line's end (`manifest.py`, `gcode/part.py`), so no two parts look alike.
    return DOMAIN + f"{part}@{version}\n".encode() + document
