"""Whom the agent believes: the root key that its invite named, and the newest key set which that root has signed.

The set is on disk before it counts, so that an older one is refused after a restart too.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from agent.journal.file import JournalError
from agent.membership.identity import Identity, IdentityError, write
from wire import keyset, release
from wire.errors import RemoteError
from wire.keyset import KeySet, SignedKeys, Use
from wire.manifest import Manifest, Signed, verify

log = logging.getLogger(__name__)

_KEYS = "keys.json"


class TrustError(JournalError):
    """What the agent believes can't be kept. Says what to do."""


class Trust:
    """The keys that may sign what is printed here. Thread-safe."""

    def __init__(self, identity: Identity, passed: Callable[[float], bool]) -> None:
        """`passed` tells whether a moment of the coordinator's clock is over.

        Raises:
            IdentityError: what was kept is damaged.
        """
        self._path = identity.folder / _KEYS
        self._passed = passed
        self._lock = threading.Lock()
        joined = identity.answer.keys
        try:
            self._signed, self._keys = joined, keyset.unseal(joined, joined.root_id)
            if (kept := _kept(self._path)) is not None:
                newer = keyset.unseal(kept, kept.root_id)
                if newer.version > self._keys.version:
                    self._signed, self._keys = kept, newer
        except RemoteError as error:
            raise IdentityError(
                f"the keys in {identity.folder} are damaged ({error}): enroll again"
            ) from None

    @property
    def version(self) -> int:
        """That of the key set."""
        return self._keys.version

    def adopt(self, signed: SignedKeys) -> bool:
        """Go by a newer key set from now on; whether it is one.

        Raises:
            RemoteError: not signed by our root or its heirs, or older than ours.
            TrustError: it can't be written down; the old one stays.
        """
        with self._lock:
            keys = keyset.unseal(signed, self._signed.root_id)
            if keys.version < self._keys.version:
                raise RemoteError(
                    "old-keys", f"an older key set ({keys.version}) than ours ({self._keys.version})"
                )
            if keys.version == self._keys.version:
                return False
            try:
                write(self._path, msgspec.json.encode(signed))
            except OSError as error:
                raise TrustError(f"can't keep the new keys in {self._path}: {error.strerror}") from error
            self._signed, self._keys = signed, keys
        log.info("the coordinator's keys have changed: going by key set %d", keys.version)
        return True

    def open(self, signed: Signed) -> Manifest:
        """A manifest, if a dispatch key that is good now has signed it.

        Raises:
            RemoteError: it has not.
        """
        return verify(signed, {signed.key: keyset.good(self._keys, signed.key, Use.DISPATCH, self._passed)})

    def approve(self, manifest: Manifest, document: bytes) -> None:
        """Hold that the hub has approved this document as the part version that a manifest names.

        Raises:
            RemoteError: it has not, or by a key that is not good (any more).
        """
        if manifest.release is None:
            raise RemoteError("unsigned", f"nobody has approved {manifest.part} {manifest.version}")
        key = keyset.good(self._keys, manifest.release.key, Use.RELEASE, self._passed)
        keys = {manifest.release.key: key}
        release.verify(manifest.release, manifest.part, manifest.version, document, keys)


def first(keys: SignedKeys, root: str) -> KeySet:
    """The key set of an enrolment, held against the root that the invite names.

    Raises:
        RemoteError: another root, or a wrong signature.
    """
    # By itself, not by way of heirs: the invite names the root of this very day.
    if keys.root_id != root:
        raise RemoteError("root", "the keys are signed by another root than the one in the invite")
    return keyset.unseal(keys, root)


def _kept(path: Path) -> SignedKeys | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=SignedKeys)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IdentityError(f"can't read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        # A forgotten revocation is worse than an agent that stands still.
        raise IdentityError(f"{path} is damaged: bring it back from a copy, or enroll again") from None
