"""Who this agent is, as its coordinator knows it: kept in the state folder, for its owner's eyes only.

Key and certificate are one file, so that one rename replaces both. A key that no certificate answers to yet lies beside
it, and is used again after a crash: the coordinator knows by it that it has answered before.
"""

import os
import re
import ssl
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from msgspec import Struct

from agent.errors import OwnerError
from wire.enrolment import Answer

if TYPE_CHECKING:
    from cryptography import x509

_CREDENTIALS = "credentials.pem"
_UPCOMING = "upcoming.pem"
_ANSWER = "identity.json"
_AGAIN = "ask your coordinator for an invite to join again (muster invite --agent NAME), and enroll with it"


_lifetime = re.compile(rb"good from ([0-9T:+-]{25}) until ([0-9T:+-]{25})\n")


class IdentityError(OwnerError):
    """There is no identity here, or it is damaged. Says what to do."""


class Identity(Struct, frozen=True):
    """The coordinator's answer to our enrolment, and the folder where our key lies beside it."""

    folder: Path
    answer: Answer

    @property
    def agent(self) -> str:
        """Our name."""
        return self.answer.agent

    def key(self) -> ec.EllipticCurvePrivateKey:
        """Our private key.

        Raises:
            IdentityError: it is damaged or gone.
        """
        try:
            key = load_pem_private_key(self._credentials(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise IdentityError(f"our key in {self.folder} is damaged ({error}): {_AGAIN}") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise IdentityError(f"our key in {self.folder} is not ours: {_AGAIN}")
        return key

    def lifetime(self) -> tuple[datetime, datetime]:
        """From when until when our present certificate is good.

        Raises:
            IdentityError: it is damaged or gone.
        """
        found = _lifetime.match(self._credentials())
        if found is None:
            certificate = self.certificate()
            return certificate.not_valid_before_utc, certificate.not_valid_after_utc
        begins, ends = (datetime.fromisoformat(each.decode()) for each in found.groups())
        return begins, ends

    def certificate(self) -> "x509.Certificate":
        """Our present certificate.

        Raises:
            IdentityError: it is damaged or gone.
        """
        from cryptography import x509  # noqa: PLC0415  some MB that an agent rarely needs

        try:
            return x509.load_pem_x509_certificate(self._credentials())
        except ValueError as error:
            raise IdentityError(f"our certificate in {self.folder} is damaged ({error}): {_AGAIN}") from None

    def context(self) -> ssl.SSLContext:
        """Mutual TLS to the broker: our certificate, and the coordinator's own CA as the only one trusted.

        Raises:
            IdentityError: key or certificate is damaged or gone.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cadata=self.answer.ca)
            context.load_cert_chain(self.folder / _CREDENTIALS)
        except OSError as error:
            raise IdentityError(f"our certificate in {self.folder} can't be used: {error}") from error
        return context

    def _credentials(self) -> bytes:
        try:
            return (self.folder / _CREDENTIALS).read_bytes()
        except OSError as error:
            raise IdentityError(f"can't read our certificate in {self.folder}: {error.strerror}") from None


def renewal_due(begins: datetime, ends: datetime) -> datetime:
    """When to ask for the next certificate: after two thirds of its life, so that twenty days are left to get it."""
    return ends - max((ends - begins) / 3, timedelta())


def load(folder: Path) -> Identity:
    """The identity that `save` left in `folder`.

    Raises:
        IdentityError: none, or damaged.
    """
    try:
        data = (folder / _ANSWER).read_bytes()
    except FileNotFoundError:
        raise IdentityError(
            "this agent has not joined yet: get an invite from your coordinator, then run"
            " muster-agent enroll INVITE"
        ) from None
    except OSError as error:
        raise IdentityError(f"can't read {folder / _ANSWER}: {error.strerror}") from error
    try:
        return Identity(folder, msgspec.json.decode(data, type=Answer))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IdentityError(f"{folder / _ANSWER} is damaged ({error}): remove it and enroll again") from None


def save(folder: Path, answer: Answer, key: str) -> Identity:
    """Keep an enrolment's result; `key` is our private key in PEM.

    Raises:
        IdentityError: the folder can't be written.
    """
    known = Identity(folder, answer)
    try:
        _make(folder)
        # Should we be cut off in between: the same invite brings the same answer.
        write(folder / _CREDENTIALS, _pair(key, answer.certificate))
        write(folder / _ANSWER, msgspec.json.encode(answer))
    except OSError as error:
        raise IdentityError(f"can't write to {folder}: {error.strerror}") from error
    forget_upcoming(folder)
    return known


def replace(known: Identity, certificate: str, key: str) -> Identity:
    """Keep the next key and certificate, both in PEM, instead of the present ones; all at once.

    Raises:
        IdentityError: the folder can't be written.
    """
    try:
        write(known.folder / _CREDENTIALS, _pair(key, certificate))
    except OSError as error:
        raise IdentityError(f"can't write to {known.folder}: {error.strerror}") from error
    forget_upcoming(known.folder)
    return known


def upcoming(folder: Path) -> ec.EllipticCurvePrivateKey:
    """The key to ask a certificate for: the one of a try that was cut off, else a new one, which is on disk then.

    Raises:
        IdentityError: the folder can't be written.
    """
    path = folder / _UPCOMING
    try:
        kept = load_pem_private_key(path.read_bytes(), password=None)
        if isinstance(kept, ec.EllipticCurvePrivateKey):
            return kept
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        pass  # none, or half of one: it was never spoken of
    key = ec.generate_private_key(ec.SECP256R1())
    try:
        _make(folder)
        write(path, in_pem(key).encode())
    except OSError as error:
        raise IdentityError(f"can't write to {folder}: {error.strerror}") from error
    return key


def forget_upcoming(folder: Path) -> None:
    """The key that was asked a certificate for has one, or will never get it.

    Raises:
        IdentityError: the folder can't be written.
    """
    try:
        (folder / _UPCOMING).unlink(missing_ok=True)
    except OSError as error:
        raise IdentityError(f"can't write to {folder}: {error.strerror}") from error


def in_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """A private key in PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _pair(key: str, certificate: str) -> bytes:
    """Key and certificate in one file, under a line that can be read without what knows X.509."""
    from cryptography import x509  # noqa: PLC0415  some MB that an agent rarely needs

    read = x509.load_pem_x509_certificate(certificate.encode())
    begins, ends = (each.isoformat() for each in (read.not_valid_before_utc, read.not_valid_after_utc))
    return f"good from {begins} until {ends}\n{key}{certificate}".encode()


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def write(path: Path, data: bytes) -> None:
    """Replace a file as a whole, readable by us only."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
