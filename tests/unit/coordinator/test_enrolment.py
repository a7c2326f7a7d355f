"""An invite lets one agent in, once, within its time."""

import base64
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from coordinator.agents.enrolment import MOST
from coordinator.errors import Conflict, Forbidden, Invalid, Missing
from coordinator.keys.ca import Authority, key_digest
from coordinator.store import certificates
from tests.unit.coordinator.office import A_DAY, NOON, Office
from wire import enrolment
from wire.enrolment import EnrolmentRequest, Renewal
from wire.lifecycle import State, Step


def asks(code: str, name: str, csr: str | None = None) -> EnrolmentRequest:
    return EnrolmentRequest(code=code, name=name, csr=certificate_request(name) if csr is None else csr)


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


def test_an_invite_has_128_bits_and_only_its_hash_is_kept(office: Office):
    invite = code(office)
    assert len(base64.urlsafe_b64decode(invite + "==")) == 16
    with office.store.read() as tx:
        [kept] = certificates.invites.find(tx)
    assert kept.code == hashlib.sha256(invite.encode()).hexdigest()


def test_why_an_invite_is_no_good_is_told_by_kind(office: Office):
    used, old = code(office), code(office)
    office.desk.enrol(asks(used, "anna"))
    kinds = list[str]()
    for each in (used, "a-code-that-was-only-guessed"):
        with pytest.raises(Forbidden) as told:
            office.desk.enrol(asks(each, "ben"))
        kinds.append(told.value.kind)
    office.now[0] += 901
    with pytest.raises(Forbidden) as told:
        office.desk.enrol(asks(old, "ben"))
    assert [*kinds, told.value.kind] == ["invite-used", "invite-unknown", "invite-expired"]


def test_of_many_who_use_an_invite_at_once_one_is_let_in(office: Office):
    invite = code(office)
    requests = [asks(invite, f"anna-{number}") for number in range(8)]
    start = threading.Barrier(len(requests))

    def join(request: EnrolmentRequest) -> str | None:
        start.wait()
        try:
            return office.desk.enrol(request).agent
        except Forbidden:
            return None

    with ThreadPoolExecutor(len(requests)) as pool:
        joined = [each for each in pool.map(join, requests) if each]
    assert len(joined) == 1
    assert [each.name for each in office.desk.agents()] == joined


def test_who_lost_the_answer_gets_the_same_one_again_with_the_same_key_only(office: Office):
    invite, key = code(office), _key()
    first = office.desk.enrol(asks(invite, "anna", certificate_request("anna", key)))
    assert office.desk.enrol(asks(invite, "anna", certificate_request("anna", key))) == first
    for name, other in (("anna", _key()), ("ben", key)):
        with pytest.raises(Forbidden, match="good for one agent"):
            office.desk.enrol(asks(invite, name, certificate_request(name, other)))
    office.now[0] += 901
    with pytest.raises(Forbidden, match="15 minutes"):
        office.desk.enrol(asks(invite, "anna", certificate_request("anna", key)))


def test_an_agent_joins_again_with_an_invite_made_for_it_and_its_old_certificate_is_worth_nothing(
    office: Office,
):
    old = _key()
    office.desk.enrol(asks(code(office), "anna", certificate_request("anna", old)))
    again = enrolment.parse(office.desk.invite(by="carl", agent="anna"))
    assert again.agent == "anna"
    with pytest.raises(Conflict, match="--name anna"):
        office.desk.enrol(asks(again.code, "ben"))
    office.desk.enrol(asks(again.code, "anna"))
    with pytest.raises(Forbidden) as told:
        office.desk.renew(_renewal(office, old))
    assert told.value.kind == "revoked"
    with office.store.read() as tx:
        assert len(certificates.of_agent(tx, "anna", office.now[0])) == 1
        assert len(certificates.revoked(tx, office.now[0])) == 1


def test_nobody_who_never_joined_is_invited_again(office: Office):
    with pytest.raises(Missing, match="agent list"):
        office.desk.invite(by="carl", agent="nobody")


# ── renewal ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_certificate_lasts_sixty_days_and_who_has_its_key_gets_the_next(office: Office):
    key, new = _key(), _key()
    answer = office.desk.enrol(asks(code(office), "anna", certificate_request("anna", key)))
    first = x509.load_pem_x509_certificate(answer.certificate.encode())
    assert (first.not_valid_after_utc.timestamp() - NOON) / A_DAY == 60
    renewed = x509.load_pem_x509_certificate(
        office.desk.renew(_renewal(office, key, new)).certificate.encode()
    )
    assert renewed.public_key() == new.public_key()
    assert [each.value for each in renewed.subject] == ["anna"]
    assert renewed.serial_number != first.serial_number


def test_a_renewal_whose_answer_was_lost_is_answered_the_same_again(office: Office):
    key, new = _key(), _key()
    office.desk.enrol(asks(code(office), "anna", certificate_request("anna", key)))
    first = office.desk.renew(_renewal(office, key, new))
    assert office.desk.renew(_renewal(office, key, new)) == first
    # And by the new key too: it may have been cut off after it was kept.
    assert office.desk.renew(_renewal(office, new, new)) == first


def test_nobody_renews_without_the_present_key(office: Office):
    key, stranger = _key(), _key()
    office.desk.enrol(asks(code(office), "anna", certificate_request("anna", key)))
    right = _renewal(office, key)
    for wrong in (
        msgspec.structs.replace(right, proof=_signed(right.csr, stranger)),
        msgspec.structs.replace(right, proof=b""),
        msgspec.structs.replace(right, csr=certificate_request("anna", stranger)),
        msgspec.structs.replace(right, certificate=office.authority.certificate),
        msgspec.structs.replace(right, certificate="-----BEGIN nothing"),
    ):
        with pytest.raises(Forbidden):
            office.desk.renew(wrong)
    office.desk.renew(right)


def test_a_certificate_that_has_ended_is_not_renewed_and_it_is_told_how_to_join_again(office: Office):
    key = _key()
    office.desk.enrol(asks(code(office), "anna", certificate_request("anna", key)))
    asked = _renewal(office, key)
    office.now[0] += 61 * A_DAY
    with pytest.raises(Forbidden, match="--agent anna"):
        office.desk.renew(asked)


def test_a_certificate_that_a_restored_database_has_forgotten_is_renewed_if_its_agent_is_known(
    office: Office, tmp_path: Path
):
    office.agent("anna")
    key = _key()
    csr = certificate_request("anna")
    for name in ("anna", "nobody"):
        pem = office.authority.issue_for(key.public_key(), name)
        asked = Renewal(pem, csr, _signed(csr, key))
        if name == "anna":
            assert office.desk.renew(asked).certificate != pem
        else:
            with pytest.raises(Forbidden, match="not known here"):
                office.desk.renew(asked)
    pem = Authority(tmp_path / "stranger", lambda: NOON).issue_for(key.public_key(), "anna")
    with pytest.raises(Forbidden, match="not known here"):
        office.desk.renew(Renewal(pem, csr, _signed(csr, key)))


def test_who_renews_without_end_harms_only_itself(office: Office):
    key = _key()
    office.desk.enrol(asks(code(office), "anna", certificate_request("anna", key)))
    for _ in range(MOST - 1):
        office.desk.renew(_renewal(office, key, _key()))
    with pytest.raises(Conflict, match="enough certificates"):
        office.desk.renew(_renewal(office, key, _key()))


# ── taking access back ────────────────────────────────────────────────────────────────────────────────────


def test_a_revoked_agent_gets_nothing_and_is_not_heard(office: Office):
    office.needs(24)
    anna = office.agent("anna")
    anna.is_ready()
    held = anna.attempt()
    path = office.desk.body(held.id, anna.grants[-1].url.rpartition("/")[2])
    assert path.is_file()
    view = office.desk.revoke("anna", by="carl", why="stolen")
    assert (view.revoked_by, view.revoked_why, view.online) == ("carl", "stolen", False)
    assert office.desk.attempt(held.id).state is State.SUSPECT
    with pytest.raises(Missing):
        office.desk.body(held.id, anna.grants[-1].url.rpartition("/")[2])

    posted = len(office.posted)
    anna.connection += 1
    anna.is_born()
    anna.reports(held.id, Step.FETCH, Step.CHECK)
    anna.is_ready()
    assert len(office.posted) == posted
    assert office.desk.attempt(held.id).state is State.SUSPECT
    [printer] = office.desk.printers()
    assert not printer.printer.online
    assert not printer.waiting


def test_what_a_revoked_agent_waited_for_is_void(office: Office):
    anna = office.agent("anna")
    anna.is_ready()
    office.desk.revoke("anna", by="carl", why="stolen")
    office.needs(24)
    office.conversation.plan()
    assert anna.grants == []
    assert office.conversation.known() == []


def test_who_is_revoked_can_neither_renew_nor_use_its_old_invite_again(office: Office):
    invite, key = code(office), _key()
    office.desk.enrol(asks(invite, "anna", certificate_request("anna", key)))
    office.desk.revoke("anna", by="carl", why="stolen")
    for act in (
        lambda: office.desk.renew(_renewal(office, key)),
        lambda: office.desk.enrol(asks(invite, "anna", certificate_request("anna", key))),
    ):
        with pytest.raises(Forbidden) as told:
            act()
        assert told.value.kind == "revoked"
    with pytest.raises(Conflict, match="revoked already"):
        office.desk.revoke("anna", by="carl", why="again")
    with pytest.raises(Missing):
        office.desk.revoke("nobody", by="carl", why="why not")


def test_a_revoked_agent_that_joins_again_is_heard_again_and_its_lots_turn_up(office: Office):
    office.needs(9)
    anna = office.agent("anna")
    anna.is_ready()
    held = anna.attempt()
    office.desk.revoke("anna", by="carl", why="lost")
    again = enrolment.parse(office.desk.invite(by="carl", agent="anna"))
    office.desk.enrol(asks(again.code, "anna"))
    assert office.desk.agents()[0].revoked is None
    anna.connection += 1
    anna.is_born(anna.holds(held.id))
    anna.reports(held.id, Step.FETCH)
    assert office.desk.attempt(held.id).state is State.FETCHING


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate_request(name: str, key: ec.EllipticCurvePrivateKey | None = None) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key or _key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _signed(csr: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.sign(enrolment.to_be_signed(csr), ec.ECDSA(hashes.SHA256()))


def _renewal(
    office: Office, key: ec.EllipticCurvePrivateKey, new: ec.EllipticCurvePrivateKey | None = None
) -> Renewal:
    """What asks for the next certificate, by the present one's key."""
    with office.store.read() as tx:
        [present] = [
            each for each in certificates.certificates.find(tx) if each.key == key_digest(key.public_key())
        ]
    csr = certificate_request("anna", new)
    return Renewal(present.pem, csr, _signed(csr, key))
