import hashlib
import stat
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from coordinator.errors import Invalid, StartError
from coordinator.keys.ca import COORDINATOR, Authority
from coordinator.keys.keyring import pem
from tests.unit.coordinator.network.enrolled import csr

NOW = datetime(2020, 3, 20, tzinfo=UTC).timestamp()


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, lambda: NOW)


def parsed(pem):
    return x509.load_pem_x509_certificate(pem.encode())


def test_an_agents_certificate_holds_its_name_and_nothing_of_what_it_asked_for(authority):
    key = ec.generate_private_key(ec.SECP256R1())
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(
            x509.Name(
                [
                    x509.NameAttribute(NameOID.COMMON_NAME, COORDINATOR),
                    x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Hospital"),
                ]
            )
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("muster.example.org")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate = parsed(
        authority.issue_client(request.public_bytes(serialization.Encoding.PEM).decode(), "anna-1", days=60)
    )
    assert [each.value for each in certificate.subject] == ["anna-1"]
    assert certificate.public_key() == key.public_key()
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    with pytest.raises(x509.ExtensionNotFound):
        certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert (certificate.not_valid_after_utc.timestamp() - NOW) / 86_400 == 60
    certificate.verify_directly_issued_by(parsed(authority.certificate))


@pytest.mark.parametrize("name", ["", "Anna", "a/b", "a+", "#", "a\n", COORDINATOR, "a" * 49, "ä", "-a"])
def test_only_an_agents_name_gets_a_certificate(authority, name):
    with pytest.raises(Invalid, match="agent's name"):
        authority.issue_client(csr()[1], name)


def test_what_is_not_a_request_gets_no_certificate(authority):
    begin, end = "-----BEGIN CERTIFICATE REQUEST-----\n", "\n-----END CERTIFICATE REQUEST-----\n"
    for text in ("", "hello", begin, begin + "AAAA" + end, begin + "ä" + end, authority.certificate):
        with pytest.raises(Invalid, match="not a certificate request"):
            authority.issue_client(text, "anna")


def test_a_request_that_its_key_did_not_sign_gets_no_certificate(authority):
    request = x509.load_pem_x509_csr(csr()[1].encode())
    data = bytearray(request.public_bytes(serialization.Encoding.DER))
    data[-1] ^= 1
    forged = x509.load_der_x509_csr(bytes(data)).public_bytes(serialization.Encoding.PEM).decode()
    with pytest.raises(Invalid, match="own key"):
        authority.issue_client(forged, "anna")


def test_only_kinds_of_keys_that_are_quick_for_the_broker_are_taken(authority):
    slow = rsa.generate_private_key(65537, 2048)
    with pytest.raises(Invalid, match="P-256"):
        authority.issue_client(csr(key=slow)[1], "anna")


def test_an_authority_stays_the_same_over_restarts(tmp_path):
    first = Authority(tmp_path, lambda: NOW)
    second = Authority(tmp_path, lambda: NOW + 1000)
    assert second.fingerprint == first.fingerprint
    der = parsed(first.certificate).public_bytes(serialization.Encoding.DER)
    assert first.fingerprint == hashlib.sha256(der).hexdigest()


def test_what_is_issued_to_ourselves_names_us_and_our_hosts(authority):
    own = x509.load_pem_x509_certificate(authority.issue_coordinator().certificate.read_bytes())
    assert own.subject.rfc4514_string() == f"CN={COORDINATOR}"
    files = authority.issue_server(["muster.example.org", "127.0.0.1", "127.0.0.1"])
    server = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(each.value) for each in names] == ["muster.example.org", "127.0.0.1"]


def test_all_is_readable_to_us_only(tmp_path):
    authority = Authority(tmp_path / "ca", lambda: NOW)
    authority.issue_coordinator()
    authority.issue_server(["localhost"])
    assert stat.S_IMODE((tmp_path / "ca").stat().st_mode) == 0o700
    names = sorted(each.name for each in (tmp_path / "ca").iterdir())
    assert [n for n in names if n.endswith(".key")] == [
        "ca.key",
        "coordinator.key",
        "server.key",
    ]
    for name in names:
        assert stat.S_IMODE((tmp_path / "ca" / name).stat().st_mode) == 0o600


def test_half_an_authority_is_not_silently_replaced(tmp_path):
    Authority(tmp_path, lambda: NOW)
    key = (tmp_path / "ca.key").read_bytes()
    (tmp_path / "ca.key").unlink()
    with pytest.raises(StartError, match="backup"):
        Authority(tmp_path, lambda: NOW)
    (tmp_path / "ca.key").write_bytes(pem(ed25519.Ed25519PrivateKey.generate()))
    with pytest.raises(StartError, match="not an EC key"):
        Authority(tmp_path, lambda: NOW)
    (tmp_path / "ca.key").write_bytes(b"")
    with pytest.raises(StartError, match="can't be read"):
        Authority(tmp_path, lambda: NOW)
    (tmp_path / "ca.key").write_bytes(key)
    Authority(tmp_path / "other", lambda: NOW)
    (tmp_path / "ca.crt").write_bytes((tmp_path / "other" / "ca.crt").read_bytes())
    with pytest.raises(StartError, match="does not belong"):
        Authority(tmp_path, lambda: NOW)


def test_a_start_that_was_cut_short_is_gone_on_with(tmp_path):
    first = Authority(tmp_path, lambda: NOW)
    (tmp_path / "ca.crt").unlink()
    again = Authority(tmp_path, lambda: NOW)
    assert parsed(again.certificate).public_key() == parsed(first.certificate).public_key()
