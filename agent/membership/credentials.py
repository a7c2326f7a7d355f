"""Our key and certificate: made, read, and replaced as one.

They are one file, so that one rename replaces both. A key that no certificate answers to yet lies beside it, and is
used again after a crash: the coordinator knows by it that it has answered before. Loaded to join and to renew only:
what knows X.509 takes some MB.
"""

from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from agent.membership.identity import AGAIN, ANSWER, CREDENTIALS, TRUST, Identity, IdentityError, write
from wire.enrolment import EnrolmentAnswer

_UPCOMING = "upcoming.pem"


def key(known: Identity) -> ec.EllipticCurvePrivateKey:
    """The private key of our present certificate.

    Raises:
        IdentityError: it is damaged or gone.
    """
    try:
        key = load_pem_private_key(known.credentials(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise IdentityError(f"our key in {known.folder} is damaged ({error}): {AGAIN}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise IdentityError(f"our key in {known.folder} is not ours: {AGAIN}")
    return key


def certificate(known: Identity) -> x509.Certificate:
    """Our present certificate.

    Raises:
        IdentityError: it is damaged or gone.
    """
    try:
        return x509.load_pem_x509_certificate(known.credentials())
    except ValueError as error:
        raise IdentityError(f"our certificate in {known.folder} is damaged ({error}): {AGAIN}") from None


def save(folder: Path, answer: EnrolmentAnswer, key: str, trust: str = "") -> Identity:
    """Keep an enrolment's result; `key` is our private key in PEM, `trust` a CA for HTTPS, in PEM.

    Raises:
        IdentityError: the folder can't be written.
    """
    known = Identity(folder, answer)
    try:
        _make(folder)
        # Should we be cut off in between: the same invite brings the same answer.
        (folder / TRUST).unlink(missing_ok=True)
        if trust:
            write(folder / TRUST, trust.encode())
        write(folder / CREDENTIALS, _pair(key, answer.certificate))
        write(folder / ANSWER, msgspec.json.encode(answer))
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
        write(known.folder / CREDENTIALS, _pair(key, certificate))
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
    read = x509.load_pem_x509_certificate(certificate.encode())
    begins, ends = (each.isoformat() for each in (read.not_valid_before_utc, read.not_valid_after_utc))
    return f"good from {begins} until {ends}\n{key}{certificate}".encode()


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
