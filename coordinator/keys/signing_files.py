"""What is carried between the coordinator and the machine where the root and the release key are kept: JSON files.

A request for a new key set goes there, and comes back signed; a part's document goes there, and comes back signed.
"""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from coordinator.errors import StartError
from wire.keyset import Heir, KeySet, SignedKeys
from wire.manifest import Digest, Release


class SigningFileError(StartError):
    """A file can't be read or written; the message says what to do."""


class SigningRequest(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="muster-keys-request"
):
    """A key set that wants the signature of this root."""

    root: Digest
    heirs: tuple[Heir, ...]
    keys: KeySet


class SignedKeySet(Struct, frozen=True, forbid_unknown_fields=True, tag="muster-keys"):
    """A key set that the root has signed."""

    keys: SignedKeys


class SignedPart(Struct, frozen=True, forbid_unknown_fields=True, tag="muster-part"):
    """A part version that the release key has signed."""

    document: str
    release: Release


SigningFile = SigningRequest | SignedKeySet | SignedPart


def read(path: Path) -> SigningFile:
    """What is in a file.

    Raises:
        LetterError: nothing of this kind.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=SigningFile)
    except OSError as error:
        raise SigningFileError(f"can't read {path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise SigningFileError(f"{path} was not written by `muster keys`, or is damaged") from None


def write(path: Path, content: SigningFile) -> None:
    """Put it into a new file.

    Raises:
        LetterError: it is there already, or can't be written.
    """
    try:
        with path.open("xb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise SigningFileError(f"{path} is there already: name another file") from None
    except OSError as error:
        raise SigningFileError(f"can't write {path}: {error.strerror}") from None
