"""An agent's certificate, got in the way an agent gets it."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.farend.mqtt import Speaker


def csr(name="whatever", key=None):
    key = key or ec.generate_private_key(ec.SECP256R1())
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .sign(key, hashes.SHA256())
    )
    return key, request.public_bytes(serialization.Encoding.PEM).decode()


def speaker(broker, authority, directory, name, client_id=None):
    """An MQTT client that is `name` to the broker."""
    if not broker.endpoint.tls:
        return Speaker(broker.agents_url, client_id or name)
    key, request = csr()
    certificate_file, key_file = directory / f"{name}.crt", directory / f"{name}.key"
    certificate_file.write_text(authority.issue_client(request, name))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return Speaker(
        broker.agents_url,
        client_id or name,
        ca=authority.certificate_file,
        certificate=certificate_file,
        key=key_file,
    )
