"""The keys that sign: root, release and dispatch, and the key set in which the root says which of them count.

They lie in the keys' directory, made at the first start. The root and the release key may be taken out of it, into a
file under a passphrase: `muster keys` then asks for that file. The dispatch key signs all day, so it stays.
"""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from coordinator import data_directory
from coordinator.errors import StartError
from wire import keyset
from wire.errors import LocalError, RemoteError
from wire.keyset import Heir, Key, KeySet, SignedKeys, Use
from wire.manifest import key_id

ROOT = "root"
_SET = "keyset.json"
_NEXT = "next-"
"""What a new key's file is called until the set that names it is in place."""


class KeyringError(StartError):
    """The keys can't be used or changed as they are; the message says what to do."""


class Keyring:
    """The keys of one coordinator. Private keys are read when they are needed, but for the dispatch key."""

    signed: SignedKeys
    keys: KeySet
    dispatch: Ed25519PrivateKey

    def __init__(self, directory: Path, clock: Callable[[], float]) -> None:
        """Open the keys, or make them at the first start. `clock` gives seconds since 1970 UTC.

        Raises:
            KeyringError: what lies there can't be read, or does not belong together.
        """
        self._directory = directory
        self._clock = clock
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._path(_SET).exists():
            self._begin()
        self.reload()

    @property
    def root(self) -> str:
        """The root's id, as an invite carries it."""
        return self.signed.root_id

    def reload(self) -> bool:
        """Read the keys anew, as a command may have changed them; whether it has.

        Raises:
            KeyringError: what lies there does not belong together; what was read before still holds.
        """
        try:
            data = self._path(_SET).read_bytes()
            signed = msgspec.json.decode(data, type=SignedKeys)
            keys = keyset.unseal(signed, signed.root_id)
        except OSError as error:
            raise KeyringError(f"can't read {self._path(_SET)}: {error.strerror}") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RemoteError) as error:
            raise KeyringError(
                f"{self._path(_SET)} is damaged ({error}): bring it from your backup"
            ) from None
        before: SignedKeys | None = getattr(self, "signed", None)
        if before == signed:
            return False
        self._settle(keys, signed.root_id)
        dispatch = self.private(Use.DISPATCH)
        if dispatch is None or not self._is_good(keys, dispatch, Use.DISPATCH):
            raise KeyringError(
                f"{self._path('dispatch.key')} is not the dispatch key that the key set names: bring both from one"
                " backup, or make a new one with `muster keys rotate dispatch`"
            )
        self.signed, self.keys, self.dispatch = signed, keys, dispatch
        return before is not None

    def private(self, name: str) -> Ed25519PrivateKey | None:
        """The root's, release or dispatch private key; None if it is not kept here.

        Raises:
            KeyringError: it can't be read.
        """
        path = self._path(f"{name}.key")
        return read_key(path) if path.exists() else None

    def releasing(self) -> Ed25519PrivateKey | None:
        """The release key, if it is kept here and counts."""
        key = self.private(Use.RELEASE)
        return key if key is not None and self._is_good(self.keys, key, Use.RELEASE) else None

    def passed(self, moment: float) -> bool:
        """Whether a moment is over."""
        return self._clock() > moment

    # ── changes; the root signs them ──────────────────────────────────────────────────────────────────────

    def rotated(self, use: Use, overlap: float) -> KeySet:
        """The key set by which a new key takes over, the old one good for `overlap` seconds more.

        The new key is kept aside until that set, signed, is installed.
        """
        key = Ed25519PrivateKey.generate()
        _publish(self._path(f"{_NEXT}{use}.key"), pem(key))
        until = self._clock() + overlap
        return keyset.rotated(self.keys, use, key.public_key(), until=until, version=self._version())

    def revoked(self, name: str) -> KeySet:
        """The key set by which the key of this id is refused at once; one that is in use is replaced.

        Raises:
            KeyringError: there is no such key.
        """
        known = next((key for key in self.keys.keys if key.id.startswith(name) and len(name) >= 8), None)
        if known is None:
            raise KeyringError(f"no key is called {name!r}: `muster keys show` lists them")
        keys = self.keys
        if known.until is None:
            keys = self.rotated(known.use, 0.0)
        return keyset.revoked(keys, known.id, version=self._version())

    def install(self, signed: SignedKeys) -> None:
        """Go by a newer key set from now on.

        Raises:
            KeyringError: not newer, not our root's, or without a dispatch key that is here.
        """
        try:
            keys = keyset.unseal(signed, self.root)
        except RemoteError as error:
            raise KeyringError(f"{error}: sign it with the root of this coordinator") from None
        if keys.version <= self.keys.version:
            raise KeyringError(f"this key set ({keys.version}) is not newer than ours ({self.keys.version})")
        if not any(
            key is not None and self._is_good(keys, key, Use.DISPATCH)
            for key in (self.private(f"{_NEXT}dispatch"), self.private(Use.DISPATCH))
        ):
            raise KeyringError("this key set names no dispatch key that is here: make a request anew")
        _publish(self._path(_SET), msgspec.json.encode(signed))
        self.reload()

    def sign(self, keys: KeySet, root: Ed25519PrivateKey) -> SignedKeys:
        """Have a key set signed by our root.

        Raises:
            KeyringError: it is another root.
        """
        if key_id(root.public_key()) != self.root:
            raise KeyringError("this is not the root key of this coordinator")
        return _sealed(keys, root, self.signed.heirs)

    def succeed(self, root: Ed25519PrivateKey) -> None:
        """Make a new root, for which the old one vouches; it lies here.

        Raises:
            KeyringError: this is not the root.
        """
        if key_id(root.public_key()) != self.root:
            raise KeyringError("this is not the root key of this coordinator")
        new = Ed25519PrivateKey.generate()
        heirs = (*self.signed.heirs, keyset.bequeath(root, new.public_key()))[-keyset.KEPT :]
        keys = msgspec.structs.replace(self.keys, version=self._version())
        _publish(self._path(f"{_NEXT}{ROOT}.key"), pem(new))
        self.install(_sealed(keys, new, heirs))

    def remove(self, name: str) -> None:
        """Take a private key out of here; whoever calls has it elsewhere."""
        self._path(f"{name}.key").unlink()
        data_directory.sync(self._directory)

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self) -> None:
        """The first start, or one that was cut off: make what is not there; the set comes last."""
        keys: list[Key] = []
        for use in Use:
            key = self._made(use)
            keys.append(Key(use=use, public=key.public_key().public_bytes_raw()))
        root = self._made(ROOT)
        made = KeySet(version=max(1, int(self._clock())), keys=tuple(keys))
        _publish(self._path(_SET), msgspec.json.encode(_sealed(made, root, ())))

    def _made(self, name: str) -> Ed25519PrivateKey:
        key = self.private(name)
        if key is None:
            key = Ed25519PrivateKey.generate()
            _publish(self._path(f"{name}.key"), pem(key))
        return key

    def _settle(self, keys: KeySet, root: str) -> None:
        """Put new keys in their places, if the set that names them is in force; what was there has signed its last."""
        for name in (*Use, ROOT):
            new = self.private(f"{_NEXT}{name}")
            if new is None:
                continue
            if self._is_good(keys, new, Use(name)) if name != ROOT else key_id(new.public_key()) == root:
                with contextlib.suppress(FileNotFoundError):  # a coordinator that runs may be quicker
                    self._path(f"{_NEXT}{name}.key").replace(self._path(f"{name}.key"))
                data_directory.sync(self._directory)

    def _is_good(self, keys: KeySet, key: Ed25519PrivateKey, use: Use) -> bool:
        with contextlib.suppress(RemoteError):
            keyset.good(keys, key_id(key.public_key()), use, self.passed)
            return True
        return False

    def _version(self) -> int:
        """Seconds since 1970: higher than any before, even where a back-up brought an older set back."""
        return max(self.keys.version + 1, int(self._clock()))

    def _path(self, name: str) -> Path:
        return self._directory / name


def pem(key: Ed25519PrivateKey, passphrase: bytes = b"") -> bytes:
    """A private key as it is kept; under a passphrase, if there is one."""
    cipher = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher)


def read_key(path: Path, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """A private key from its file.

    Raises:
        KeyringError: it can't be read, or not with this passphrase.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=passphrase)
    except TypeError:
        raise KeyringError(f"{path} is {'not ' if passphrase else ''}under a passphrase") from None
    except OSError as error:
        raise KeyringError(f"{path} can't be read: {error.strerror}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyringError(f"{path} can't be read: not a key, damaged, or another passphrase") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyringError(f"{path} is not an Ed25519 key: bring it back from your backup")
    return key


def write_key(path: Path, key: Ed25519PrivateKey, passphrase: bytes) -> None:
    """Put a private key into a file elsewhere, and read it back.

    Raises:
        KeyringError: there is a file already, it can't be written, or it does not read back.
    """
    if path.exists():
        raise KeyringError(f"{path} is there already: name another file")
    _publish(path, pem(key, passphrase))
    if read_key(path, passphrase or None).private_bytes_raw() != key.private_bytes_raw():
        raise KeyringError(f"{path} does not read back as it was written: try another place")


def _sealed(keys: KeySet, root: Ed25519PrivateKey, heirs: tuple[Heir, ...]) -> SignedKeys:
    try:
        return keyset.seal(keys, root, heirs)
    except LocalError as error:
        raise KeyringError(str(error)) from None


def _publish(path: Path, data: bytes) -> None:
    """Put a whole file at `path`, readable by us only, in the place of one that is there."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        data_directory.sync(path.parent)
    except OSError as error:
        raise KeyringError(f"can't write {path}: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
