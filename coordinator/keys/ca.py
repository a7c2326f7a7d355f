"""The coordinator's own certificate authority. It lives in one directory, readable by us only.

An agent makes its own key and sends a request; nothing of that request is taken over but the public key. The
name in the certificate is the one that the broker's access rules go by.
"""

import hashlib
import ipaddress
import os
import re
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from coordinator.endpoint import Credentials
from coordinator.errors import Invalid, StartError
from wire.topics import NAME

COORDINATOR = "muster:coordinator"
"""The common name of the coordinator's own client certificate: no agent can have it, a name has no colon."""

_AUTHORITY_DAYS = 3650
_SERVER_DAYS = 825
_CLIENT_DAYS = 60
_DOUBLE_DAYS = 1 / 96
_EARLY = timedelta(days=1)  # a Raspberry Pi without network time starts in the past

_name = re.compile(NAME[:-1] + r"\Z")

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class Authority:
    """Signs who may speak with whom. `directory` holds `ca.crt`, `ca.key` and our own."""

    def __init__(self, directory: Path, clock: Callable[[], float]) -> None:
        """Open the authority, or create it at the first start. `clock` gives seconds since 1970 UTC.

        Raises:
            StartError: what lies there can't be read, or half of it is gone.
        """
        self._directory = directory
        self._clock = clock
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._path("ca.key").exists() and self._path("ca.crt").exists():
            raise StartError(
                f"{self._path('ca.key')} is gone, but ca.crt is there: bring the key back from your backup, "
                "or remove ca.crt too (then every agent must be enrolled again)"
            )
        self._key = self._keep_ec_key("ca.key")
        if not self._path("ca.crt").exists():
            publish(self._path("ca.crt"), self._root().public_bytes(serialization.Encoding.PEM))
        self._certificate = self._read_certificate("ca.crt")
        if self._certificate.public_key() != self._key.public_key():
            raise StartError(f"{self._path('ca.crt')} does not belong to ca.key: bring both from one backup")

    @property
    def certificate(self) -> str:
        """The authority's certificate in PEM."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def certificate_file(self) -> Path:
        """Where it lies, for programs that want a file."""
        return self._path("ca.crt")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate's DER bytes in hex, as an invite carries it."""
        return hashlib.sha256(self._certificate.public_bytes(serialization.Encoding.DER)).hexdigest()

    def issue_client(self, csr: str, name: str, days: float = _CLIENT_DAYS) -> str:
        """A certificate in PEM for an agent called `name`; of its PKCS #10 request only the key is used.

        Raises:
            Invalid: not an agent's name, not a request, a wrong signature, or a kind of key we don't take.
        """
        self.check_name(name)
        return self.issue_for(requested_key(csr), name, days)

    def issue_for(self, key: "PublicKey", name: str, days: float = _CLIENT_DAYS) -> str:
        """A certificate in PEM for the agent called `name`, which has the private part of `key`."""
        return self._issue(name, key, ExtendedKeyUsageOID.CLIENT_AUTH, timedelta(days=days)).decode()

    def check_name(self, name: str) -> None:
        """Raise `Invalid` for what can't be an agent's name."""
        if not _name.match(name):
            raise Invalid(
                f"{name[:60]!r} can't be an agent's name: use a to z, 0 to 9 and -, at most 48 signs"
            )

    def recognised(self, pem: str) -> tuple[str, str, float] | None:
        """Serial (hex), name and end of an agent's certificate that we signed; None if this is none.

        Whether it is good still, it does not tell.
        """
        try:
            certificate = x509.load_pem_x509_certificate(pem.encode())
            certificate.verify_directly_issued_by(self._certificate)
            usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
            return None
        [name] = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if ExtendedKeyUsageOID.CLIENT_AUTH not in usage or not _name.match(str(name.value)):
            return None
        return (
            f"{certificate.serial_number:x}",
            str(name.value),
            certificate.not_valid_after_utc.timestamp(),
        )

    def revocations(self, serials: Iterable[tuple[str, float]]) -> str:
        """The list of revoked certificates in PEM, of serials in hex and when that was.

        It ends with the authority, not before: a broker that holds an old list must not lock everybody out.
        """
        now = self._now()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(now - _EARLY)
            .next_update(self._certificate.not_valid_after_utc)
            .add_extension(x509.CRLNumber(int(self._clock() * 1000)), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        for serial, at in serials:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(int(serial, 16))
                .revocation_date(datetime.fromtimestamp(at, UTC))
                .build()
            )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def issue_double(self, name: str, directory: Path) -> Credentials:
        """A key and a certificate for the agent's name, good for minutes: by it we take its place at the broker."""
        return self._own("double", name, ExtendedKeyUsageOID.CLIENT_AUTH, _DOUBLE_DAYS, directory=directory)

    def issue_server(self, hosts: Iterable[str], directory: Path | None = None) -> Credentials:
        """A new key and certificate for servers of ours that are reached as `hosts` (names or addresses).

        They lie in `directory`, else beside our own keys.
        """
        usage = ExtendedKeyUsageOID.SERVER_AUTH
        return self._own("server", "muster", usage, _SERVER_DAYS, hosts, directory)

    def issue_coordinator(self) -> Credentials:
        """A new key and certificate for the coordinator's own connection to the broker."""
        return self._own("coordinator", COORDINATOR, ExtendedKeyUsageOID.CLIENT_AUTH, _SERVER_DAYS)

    def _own(
        self,
        stem: str,
        name: str,
        usage: x509.ObjectIdentifier,
        days: float,
        hosts: Iterable[str] = (),
        directory: Path | None = None,
    ) -> Credentials:
        key = ec.generate_private_key(ec.SECP256R1())
        chain = self._issue(name, key.public_key(), usage, timedelta(days=days), hosts)
        place = directory or self._directory
        publish(place / f"{stem}.key", _pem(key), replace=True)
        publish(place / f"{stem}.crt", chain, replace=True)
        return Credentials(self.certificate_file, place / f"{stem}.crt", place / f"{stem}.key")

    def _issue(
        self,
        name: str,
        key: PublicKey,
        usage: x509.ObjectIdentifier,
        lifetime: timedelta,
        hosts: Iterable[str] = (),
    ) -> bytes:
        now = self._now()
        builder = (
            x509.CertificateBuilder()
            .subject_name(_called(name))
            .issuer_name(self._certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _EARLY)
            .not_valid_after(min(now + lifetime, self._certificate.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        if names := [_alternative(host) for host in dict.fromkeys(hosts)]:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _root(self) -> x509.Certificate:
        now = self._now()
        # The name tells authorities apart in a trust store that holds several.
        name = _called(f"Muster authority {secrets.token_hex(4)}")
        key = self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _EARLY)
            .not_valid_after(now + timedelta(days=_AUTHORITY_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _keep_ec_key(self, name: str) -> ec.EllipticCurvePrivateKey:
        if not self._path(name).exists():
            publish(self._path(name), _pem(ec.generate_private_key(ec.SECP256R1())))
        key = self._read_key(name)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise StartError(f"{self._path(name)} is not an EC key: bring it back from your backup")
        return key

    def _read_key(self, name: str) -> object:
        try:
            return serialization.load_pem_private_key(self._path(name).read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise StartError(f"{self._path(name)} can't be read: {error}") from None

    def _read_certificate(self, name: str) -> x509.Certificate:
        try:
            return x509.load_pem_x509_certificate(self._path(name).read_bytes())
        except (OSError, ValueError) as error:
            raise StartError(f"{self._path(name)} can't be read: {error}") from None

    def _path(self, name: str) -> Path:
        return self._directory / name

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def requested_key(csr: str) -> PublicKey:
    """The key of a PKCS #10 request in PEM, which is all that we take of it.

    Raises:
        Invalid: not a request, a wrong signature, or a kind of key we don't take.
    """
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        key = request.public_key()
        genuine = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm, InvalidSignature):
        raise Invalid("this is not a certificate request (PKCS #10 in PEM)") from None
    if not genuine:
        raise Invalid("the certificate request is not signed by its own key: make a new one")
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1):
        return key
    raise Invalid("the certificate request's key must be EC P-256, EC P-384 or Ed25519")


def key_digest(key: PublicKey) -> str:
    """SHA-256 of a public key (its SubjectPublicKeyInfo), in hex."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(serialization.Encoding.DER, form)).hexdigest()


def particulars(pem: str) -> tuple[str, float]:
    """A certificate's serial in hex, and when it ends in seconds since 1970 UTC."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return f"{certificate.serial_number:x}", certificate.not_valid_after_utc.timestamp()


def is_signed(pem: str, signature: bytes, data: bytes) -> bool:
    """Whether the key of the certificate `pem` signed `data`."""
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def publish(path: Path, data: bytes, *, replace: bool = False, mode: int = 0o600) -> None:
    """Put a whole file at `path`, by default readable by us only; without `replace`, one that is there already wins.

    Raises:
        StartError: it can't be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)  # whatever the umask says
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
        elif not path.exists():
            path.hardlink_to(temporary)
    except FileExistsError:
        return
    except OSError as error:
        raise StartError(f"can't write {path}: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)
