"""Joining, and staying: requests for a certificate, and a distrustful look at the answers.

The key is on disk before it is spoken of (`credentials.upcoming`): who lost the answer asks again with the same key,
and gets the same answer.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from msgspec import structs

from agent.errors import OwnerError
from agent.http.address import AddressError, parse_private
from agent.http.body import BytesBody
from agent.http.client import HttpClient
from agent.http.deadline import within
from agent.http.failure import Cause, NoAnswerError
from agent.http.response import Response
from agent.membership import credentials
from agent.membership.identity import Identity
from agent.membership.trust import first
from wire.enrolment import (
    LIMIT,
    PATH,
    RENEWAL_PATH,
    EnrolmentAnswer,
    EnrolmentRequest,
    Invite,
    Renewal,
    Renewed,
    to_be_signed,
)
from wire.errors import RemoteError

PATIENCE = 20.0
"""Seconds for an answer."""

_A = TypeVar("_A", EnrolmentAnswer, Renewed)


class EnrolmentError(OwnerError):
    """The coordinator did not take us, or can't be trusted. Says what to do."""


class EnrolmentRefusedError(EnrolmentError):
    """The coordinator understood, and said no: to ask again brings nothing."""


def enrol(invite: Invite, name: str, folder: Path, trust: str = "") -> Identity:
    """Make a key, have the coordinator sign its certificate, and keep both in `folder`.

    `trust` is a CA in PEM to trust for HTTPS, now and later, beside the machine's own. What is kept there already is
    replaced once the answer is found good, and not before.

    Raises:
        EnrolmentError: refused, unreachable, or an answer that does not fit the invite.
        IdentityError: the folder can't be written.
    """
    key = credentials.upcoming(folder)
    request = EnrolmentRequest(invite.code, name, _csr(key, name))
    try:
        answer = _post(invite.url.rstrip("/") + PATH, msgspec.json.encode(request), EnrolmentAnswer, trust)
        check(answer, invite, key.public_key())
    except EnrolmentRefusedError:
        credentials.forget_upcoming(folder)
        raise
    # Of what came as the CA only the certificate that the invite names: another behind it would be trusted too.
    ca = x509.load_pem_x509_certificate(answer.ca.encode()).public_bytes(Encoding.PEM).decode()
    return credentials.save(folder, structs.replace(answer, ca=ca), credentials.in_pem(key), trust)


def renew(known: Identity) -> Identity:
    """Get the next certificate, for a new key, by a signature of the present one; the new pair replaces the old.

    Raises:
        EnrolmentRefusedError: the coordinator will not (the certificate has ended, or was revoked).
        EnrolmentError: it can't be reached, or what answered can't be trusted; all is as it was.
        IdentityError: the present key is damaged, or the folder can't be written.
    """
    key = credentials.upcoming(known.folder)
    csr = _csr(key, known.agent)
    proof = credentials.key(known).sign(to_be_signed(csr), ec.ECDSA(hashes.SHA256()))
    present = credentials.certificate(known).public_bytes(Encoding.PEM).decode()
    asked = Renewal(present, csr, proof)
    url = known.answer.url.rstrip("/") + RENEWAL_PATH
    answer = _post(url, msgspec.json.encode(asked), Renewed, known.trust)
    _check_certificate(answer.certificate, known.answer.ca, known.agent, key.public_key())
    return credentials.replace(known, answer.certificate, credentials.in_pem(key))


def check(answer: EnrolmentAnswer, invite: Invite, key: ec.EllipticCurvePublicKey) -> None:
    """Hold an answer against the invite and our own key.

    Raises:
        EnrolmentRefusedError: another CA or root key than the invite names, or a certificate that is not ours.
    """
    try:
        ca = x509.load_pem_x509_certificate(answer.ca.encode())
    except ValueError as error:
        raise EnrolmentRefusedError(
            f"the coordinator's answer holds no readable certificate: {error}"
        ) from None
    if hashlib.sha256(ca.public_bytes(Encoding.DER)).hexdigest() != invite.ca:
        raise EnrolmentRefusedError(
            "somebody else than the coordinator answered (its certificate is not the one in the invite):"
            " nothing was kept; tell your coordinator"
        )
    try:
        first(answer.keys, invite.root)
    except RemoteError as error:
        raise EnrolmentRefusedError(f"{error}: nothing was kept; tell your coordinator") from None
    _check_certificate(answer.certificate, answer.ca, answer.agent, key)


def _check_certificate(pem: str, authority: str, agent: str, key: ec.EllipticCurvePublicKey) -> None:
    try:
        ca = x509.load_pem_x509_certificate(authority.encode())
        certificate = x509.load_pem_x509_certificate(pem.encode())
        theirs = certificate.public_key()
    except ValueError as error:
        raise EnrolmentRefusedError(
            f"the coordinator's answer holds no readable certificate: {error}"
        ) from None
    if theirs != key:
        raise EnrolmentRefusedError("the coordinator sent a certificate for another key: nothing was kept")
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        raise EnrolmentRefusedError(
            "the coordinator's certificate was not signed by its own CA: nothing was kept"
        ) from None
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if [name.value for name in names] != [agent]:
        raise EnrolmentRefusedError(f"the coordinator's certificate is not for {agent}: nothing was kept")


def _csr(key: ec.EllipticCurvePrivateKey, name: str) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(Encoding.PEM).decode()


def _post(url: str, data: bytes, shape: type[_A], trust: str) -> _A:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    try:
        client = HttpClient(parse_private(url), ca=trust)
        answer = client.ask("POST", "", within(PATIENCE), body=BytesBody(data), headers=headers, most=LIMIT)
    except AddressError as error:
        raise EnrolmentError(str(error)) from None
    except NoAnswerError as failure:
        if failure.cause is Cause.TOO_LONG:
            raise EnrolmentError(f"what answered at {url} is not a coordinator: too much was sent") from None
        raise EnrolmentError(
            f"can't reach the coordinator at {url} ({failure}): is it the right address, and does it run? What was"
            " asked may have arrived all the same, so just try again, with the same invite"
        ) from None
    if not answer.is_good:
        raise _refusal(answer, url)
    try:
        return msgspec.json.decode(answer.content, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EnrolmentError(f"what answered at {url} is not a coordinator: {error}") from None


def _refusal(answer: Response, url: str) -> EnrolmentError:
    """What an RFC 9457 problem says, else that a stranger answered. Only a coordinator's word is final."""
    try:
        problem: Any = json.loads(answer.content)
        ours = str(problem.get("type", "")).startswith("urn:muster:")
        told = [str(problem[name]) for name in ("title", "detail") if problem.get(name)]
    except (ValueError, AttributeError):
        ours, told = False, []
    if not ours:
        return EnrolmentError(
            f"what answered at {url} is not a coordinator (HTTP {answer.status} {answer.reason}): check the address in"
            " the invite with whoever made it"
        )
    words = " ".join(": ".join(told).split())[:400]
    if answer.status in {429, 500, 502, 503, 504}:
        return EnrolmentError(f"the coordinator can't just now: {words}")
    return EnrolmentRefusedError(f"the coordinator refused: {words}")
