import json
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.structs import replace

from agent.http.address import parse_private
from agent.http.client import HttpClient
from agent.http.deadline import within
from agent.membership import credentials, identity
from agent.membership.enrolment import EnrolmentError, enrol, renew
from agent.membership.identity import IdentityError
from tests.farend.authority import Authority
from tests.farend.files import Server, serving
from tests.farend.keys import Keys
from wire import keyset
from wire.enrolment import PATH, RENEWAL_PATH, EnrolmentAnswer, EnrolmentRequest, Invite, Renewal, Renewed


class Desk:
    """The coordinator's side of joining; each knob makes it wrong in one way."""

    def __init__(self, server: Server) -> None:
        self.authority = Authority()
        self.signer = self.authority
        self.own_key = False
        self.behind = ""
        self.name = "ana"
        self.status = 200
        self.body: bytes | None = None
        self.keys = Keys()
        self.believed = self.keys.signed
        self.asked: list[object] = []
        self.server = server
        server.post = self.post

    @property
    def invite(self) -> Invite:
        return Invite(self.server.url, "a-code-that-is-long-enough", self.authority.digest, self.keys.root_id)

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        if path == RENEWAL_PATH:
            csr = x509.load_pem_x509_csr(msgspec.json.decode(body, type=Renewal).csr.encode())
            key = csr.public_key()
            assert isinstance(key, ec.EllipticCurvePublicKey)
            return 200, msgspec.json.encode(Renewed(self.signer.sign(self.name, key)))
        assert path == PATH
        request = msgspec.json.decode(body, type=EnrolmentRequest)
        csr = x509.load_pem_x509_csr(request.csr.encode())
        assert csr.is_signature_valid
        assert request.name == "ana"
        self.asked.append(csr.public_key())
        key = ec.generate_private_key(ec.SECP256R1()).public_key() if self.own_key else csr.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        answer = EnrolmentAnswer(
            agent="ana",
            certificate=self.signer.sign(self.name, key),
            ca=self.authority.pem + self.behind,
            broker="mqtts://localhost:8883",
            keys=self.believed,
            url=self.server.url,
        )
        return self.status, msgspec.json.encode(answer) if self.body is None else self.body


@pytest.fixture
def desk() -> Iterator[Desk]:
    with serving() as server:
        yield Desk(server)


def test_an_agent_joins_and_finds_its_identity_again(desk: Desk, tmp_path: Path):
    enrol(desk.invite, "ana", tmp_path)
    found = identity.load(tmp_path)
    assert found.agent == "ana"
    assert found.answer.keys == desk.keys.signed
    assert found.context().get_ca_certs()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"credentials.pem": 0o600, "identity.json": 0o600}


def test_the_ca_that_was_named_to_join_is_trusted_ever_after(tmp_path: Path):
    """The pages lie behind a web server whose certificate no machine knows by itself."""
    front = Authority("another CA")
    _, ours, secret = front.server(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(ours, secret)
    with serving(tls) as server:
        desk, folder = Desk(server), tmp_path / "state"
        with pytest.raises(EnrolmentError, match="certificate is not trusted"):
            enrol(desk.invite, "ana", folder)
        before = credentials.certificate(enrol(desk.invite, "ana", folder, front.pem))
        known = identity.load(folder)
        assert credentials.certificate(renew(known)) != before
        part = server.serve("/files/part", b"part")
        answer = HttpClient(parse_private(part), ca=known.trust).ask("GET", "", within(20))
        assert answer.content == b"part"
        enrol(desk.invite, "ana", tmp_path / "state", front.pem)
    with serving() as plain:
        enrol(Desk(plain).invite, "ana", folder)
    assert front.pem not in identity.load(folder).trust, "joined anew without it, it is not trusted any more"


def test_a_second_ca_behind_the_invites_is_not_trusted(desk: Desk, tmp_path: Path):
    desk.behind = Authority().pem
    enrol(desk.invite, "ana", tmp_path)
    assert len(identity.load(tmp_path).context().get_ca_certs()) == 1


def test_another_ca_than_the_invites_is_not_trusted(desk: Desk, tmp_path: Path):
    invite = desk.invite
    desk.authority = desk.signer = Authority()
    with pytest.raises(EnrolmentError, match="somebody else"):
        enrol(invite, "ana", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_keys_that_the_invites_root_did_not_sign_are_not_kept(desk: Desk, tmp_path: Path):
    strange = Keys()
    ours, theirs = desk.keys.root.public_key(), strange.root.public_key()
    heir = keyset.bequeath(strange.root, theirs)
    for believed in (
        strange.signed,
        replace(strange.signed, root=ours.public_bytes_raw()),
        replace(strange.signed, heirs=(heir,)),
        replace(strange.signed, heirs=(replace(heir, root=ours.public_bytes_raw()),)),
        replace(desk.keys.signed, body=strange.signed.body),
    ):
        desk.believed = believed
        with pytest.raises(EnrolmentError, match=r"root|signature"):
            enrol(desk.invite, "ana", tmp_path)
        assert list(tmp_path.iterdir()) == []


def test_a_certificate_that_the_ca_did_not_sign_is_not_kept(desk: Desk, tmp_path: Path):
    desk.signer = Authority()
    with pytest.raises(EnrolmentError, match="not signed"):
        enrol(desk.invite, "ana", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_for_another_key_is_not_kept(desk: Desk, tmp_path: Path):
    desk.own_key = True
    with pytest.raises(EnrolmentError, match="another key"):
        enrol(desk.invite, "ana", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_for_another_name_is_not_kept(desk: Desk, tmp_path: Path):
    desk.name = "bea"
    with pytest.raises(EnrolmentError, match="not for ana"):
        enrol(desk.invite, "ana", tmp_path)


def test_a_spent_invite_is_told_in_the_coordinators_words(desk: Desk, tmp_path: Path):
    desk.status = 410
    desk.body = json.dumps(
        {"type": "urn:muster:invite-used", "title": "gone", "detail": "this invite was used already"}
    ).encode()
    with pytest.raises(EnrolmentError, match="this invite was used already"):
        enrol(desk.invite, "ana", tmp_path)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"agent": 1}', b" " * 20_000])
@pytest.mark.parametrize("status", [200, 400])
def test_rubbish_is_no_answer(desk: Desk, tmp_path: Path, body: bytes, status: int):
    desk.body, desk.status = body, status
    with pytest.raises(EnrolmentError):
        enrol(desk.invite, "ana", tmp_path)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://coordinator.example"])
def test_a_coordinator_that_is_not_there_or_in_the_open_is_told(desk: Desk, tmp_path: Path, url: str):
    with pytest.raises(EnrolmentError):
        enrol(msgspec.structs.replace(desk.invite, url=url), "ana", tmp_path)


def test_what_is_no_coordinator_is_said_to_be_none(desk: Desk, tmp_path: Path):
    desk.status, desk.body = 404, b"<html>nothing here</html>"
    with pytest.raises(EnrolmentError, match=r"not a coordinator \(HTTP 404"):
        enrol(desk.invite, "ana", tmp_path)


def test_a_lost_answer_is_asked_for_again_with_the_same_key(desk: Desk, tmp_path: Path):
    desk.body = b""
    with pytest.raises(EnrolmentError):
        enrol(desk.invite, "ana", tmp_path)
    desk.body = None
    enrol(desk.invite, "ana", tmp_path)
    first, second = desk.asked
    assert first == second
    assert not (tmp_path / "upcoming.pem").exists()


def test_after_a_refusal_the_next_try_is_another_key(desk: Desk, tmp_path: Path):
    desk.status, desk.body = 403, b'{"type": "urn:muster:invite-used", "title": "used"}'
    with pytest.raises(EnrolmentError):
        enrol(desk.invite, "ana", tmp_path)
    desk.status, desk.body = 200, None
    enrol(desk.invite, "ana", tmp_path)
    first, second = desk.asked
    assert first != second


def test_a_machine_that_dies_before_all_is_kept_joins_with_the_same_invite(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    invite = desk.invite
    replace = Path.replace

    def dies(self: Path, target: Path) -> Path:
        if target.name == "identity.json":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", dies)
        with pytest.raises(IdentityError, match="No space"):
            enrol(invite, "ana", tmp_path)
    with pytest.raises(IdentityError, match="not joined yet"):
        identity.load(tmp_path)
    enrol(invite, "ana", tmp_path)
    first, second = desk.asked
    assert first == second
    assert identity.load(tmp_path).context()


def test_who_has_not_joined_is_told_how(tmp_path: Path):
    with pytest.raises(IdentityError, match="enroll"):
        identity.load(tmp_path)


def test_a_damaged_identity_is_told(desk: Desk, tmp_path: Path):
    enrol(desk.invite, "ana", tmp_path)
    (tmp_path / "identity.json").write_bytes(b"{")
    with pytest.raises(IdentityError, match="damaged"):
        identity.load(tmp_path)
    enrol(desk.invite, "ana", tmp_path)
    (tmp_path / "credentials.pem").unlink()
    with pytest.raises(IdentityError, match="certificate"):
        identity.load(tmp_path).context()
