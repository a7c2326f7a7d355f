"""Joining: one invite, one request, and a distrustful look at the answer."""

import hashlib
import http.client
import json
import urllib.error
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from msgspec import structs

from agent import identity, web
from agent.errors import OwnerError
from agent.identity import Identity
from agent.trust import first
from wire.enrolment import LIMIT, PATH, Answer, Invite, Request
from wire.errors import RemoteError


class EnrolmentError(OwnerError):
    """The coordinator did not take us, or can't be trusted. Says what to do."""


def enrol(invite: Invite, name: str, folder: Path, trust: str = "") -> Identity:
    """Make a key, have the coordinator sign its certificate, and keep both in `folder`.

    `trust` is a CA in PEM to trust for the HTTPS request, beside the machine's own.

    Raises:
        EnrolmentError: refused, unreachable, or an answer that does not fit the invite.
        IdentityError: the folder can't be written.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    request = Request(invite.code, name, csr.public_bytes(Encoding.PEM).decode())
    answer = _post(invite.url.rstrip("/") + PATH, msgspec.json.encode(request), trust)
    check(answer, invite, key.public_key())
    # Of what came as the CA only the certificate that the invite names: another behind it would be trusted too.
    ca = x509.load_pem_x509_certificate(answer.ca.encode()).public_bytes(Encoding.PEM).decode()
    answer = structs.replace(answer, ca=ca)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return identity.save(folder, answer, pem)


def check(answer: Answer, invite: Invite, key: ec.EllipticCurvePublicKey) -> None:
    """Hold an answer against the invite and our own key.

    Raises:
        EnrolmentError: another CA or root key than the invite names, or a certificate that is not ours.
    """
    try:
        ca = x509.load_pem_x509_certificate(answer.ca.encode())
        certificate = x509.load_pem_x509_certificate(answer.certificate.encode())
        theirs = certificate.public_key()
    except ValueError as error:
        raise EnrolmentError(f"the coordinator's answer holds no readable certificate: {error}") from None
    if hashlib.sha256(ca.public_bytes(Encoding.DER)).hexdigest() != invite.ca:
        raise EnrolmentError(
            "somebody else than the coordinator answered (its certificate is not the one in the invite):"
            " nothing was kept; tell your coordinator"
        )
    try:
        first(answer.keys, invite.root)
    except RemoteError as error:
        raise EnrolmentError(f"{error}: nothing was kept; tell your coordinator") from None
    if theirs != key:
        raise EnrolmentError("the coordinator sent a certificate for another key: nothing was kept")
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        raise EnrolmentError(
            "the coordinator's certificate was not signed by its own CA: nothing was kept"
        ) from None
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if [name.value for name in names] != [answer.agent]:
        raise EnrolmentError(f"the coordinator's certificate is not for {answer.agent}: nothing was kept")


def _post(url: str, data: bytes, trust: str) -> Answer:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    try:
        with web.ask(url, ca=trust, data=data, headers=headers) as response:
            body = response.read(LIMIT + 1)
    except web.WebError as error:
        raise EnrolmentError(str(error)) from None
    except urllib.error.HTTPError as error:
        with error:
            raise EnrolmentError(f"the coordinator refused: {_reason(error)}") from None
    except (OSError, http.client.HTTPException) as error:
        raise EnrolmentError(f"can't reach the coordinator at {url}: {error}") from None
    if len(body) > LIMIT:
        raise EnrolmentError(f"what answered at {url} is not a coordinator: too much was sent")
    try:
        return msgspec.json.decode(body, type=Answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EnrolmentError(f"what answered at {url} is not a coordinator: {error}") from None


def _reason(error: urllib.error.HTTPError) -> str:
    """What an RFC 9457 problem says, else the bare status."""
    try:
        problem: Any = json.loads(error.read(LIMIT))
        told = problem.get("detail") or problem.get("title")
    except (OSError, ValueError, AttributeError, http.client.HTTPException):
        told = None
    return " ".join(str(told).split())[:400] if told else f"HTTP {error.code} {error.reason}"
