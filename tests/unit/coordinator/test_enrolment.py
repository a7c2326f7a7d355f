"""An invite lets one agent in, once, within its time."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from coordinator.errors import Conflict, Forbidden, Invalid
from tests.unit.coordinator.office import Office
from wire import enrolment
from wire.enrolment import Request


def asks(code: str, name: str, csr: str | None = None) -> Request:
    return Request(code=code, name=name, csr=_csr(name) if csr is None else csr)


def code(office: Office) -> str:
    return enrolment.parse(office.desk.invite(by="carl")).code


def test_an_invited_agent_is_let_in_and_learns_whom_to_believe(office: Office):
    answer = office.desk.enrol(asks(code(office), "anna"))
    assert answer.agent == "anna"
    assert answer.ca == office.authority.certificate
    assert answer.keys == office.keyring.signed


def test_an_invite_serves_once(office: Office):
    invite = code(office)
    office.desk.enrol(asks(invite, "anna"))
    with pytest.raises(Forbidden):
        office.desk.enrol(asks(invite, "ben"))


def test_an_invite_is_good_for_a_quarter_of_an_hour(office: Office):
    invite = code(office)
    office.now[0] += 901
    with pytest.raises(Forbidden, match="15 minutes"):
        office.desk.enrol(asks(invite, "anna"))


def test_who_was_not_invited_does_not_even_learn_who_is_here(office: Office):
    office.agent("anna")
    for name in ("anna", "nobody"):
        with pytest.raises(Forbidden):
            office.desk.enrol(asks("a-code-that-was-only-guessed", name))


def test_a_name_is_given_once_and_the_invite_serves_for_another(office: Office):
    office.agent("anna")
    invite = code(office)
    with pytest.raises(Conflict, match="another name"):
        office.desk.enrol(asks(invite, "anna"))
    assert office.desk.enrol(asks(invite, "anna-2")).agent == "anna-2"


def test_a_request_that_is_none_spends_nothing(office: Office):
    invite = code(office)
    with pytest.raises(Invalid):
        office.desk.enrol(asks(invite, "anna", "-----BEGIN NOTHING"))
    assert office.desk.enrol(asks(invite, "anna")).agent == "anna"


def _csr(name: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()
