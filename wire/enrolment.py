"""How an agent joins: a one-time invite, passed on by a person, then one HTTPS request.

The agent makes its own key, which never leaves its machine; the coordinator's own CA signs a certificate for
it. The invite pins that CA, and the root key that says which other keys may sign, so that nobody on the way can
answer instead. Asked again with the same invite and the same key, while the invite lasts, the coordinator gives the
same answer: one that got lost costs nothing. Well before its certificate ends, the agent asks for the next one, with
a new key, by a signature of the present one.
"""

import base64
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from wire.errors import RemoteError
from wire.keyset import SignedKeys
from wire.manifest import Digest, Name

PATH = "/api/enrol"
"""Where a `EnrolmentRequest` is posted, below the invite's `url`."""
RENEWAL_PATH = "/api/renew"
"""Where a `Renewal` is posted, below the coordinator's `url`."""
PREFIX = "muster1."
LIMIT = 16 * 1024
"""Bytes of a request or an answer."""

Pem = Annotated[str, Meta(pattern="^-----BEGIN ", max_length=8192)]
Url = Annotated[str, Meta(pattern=r"^https?://[!-~]+(?!\n)$", max_length=200)]


class Invite(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a person hands over. `ca` is the SHA-256 of the CA certificate's DER bytes, in hex; `root` the root's id.

    `agent` names an agent that is known already and joins again (its disk died, its certificate ended).
    """

    url: Url
    code: Annotated[str, Meta(min_length=20, max_length=64)]
    ca: Digest
    root: Digest
    agent: Name | None = None

    def __str__(self) -> str:
        return PREFIX + base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


class EnrolmentRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The agent asks to join under `name`; `csr` is its PKCS #10 request in PEM."""

    code: str
    name: Name
    csr: Pem


class EnrolmentAnswer(Struct, frozen=True):
    """All that an agent needs to take part.

    `broker` is `mqtt://host:port` (loopback only) or `mqtts://host:port`; `keys` is the key set by which it goes until
    it hears of a newer one; `url` is where files are fetched.
    """

    agent: Name
    certificate: Pem
    ca: Pem
    broker: Annotated[str, Meta(pattern=r"^mqtts?://[^/:\s]+:[0-9]+(?!\n)$")]
    keys: SignedKeys
    url: Url


class Renewal(Struct, frozen=True, forbid_unknown_fields=True):
    """The agent asks for its next certificate.

    `certificate` is the present one; `csr` the PKCS #10 request with the new key; `proof` the signature of the
    present key over `to_be_signed(csr)` (ECDSA with SHA-256).
    """

    certificate: Pem
    csr: Pem
    proof: Annotated[bytes, Meta(max_length=256)]


class Renewed(Struct, frozen=True):
    """The next certificate."""

    certificate: Pem


def to_be_signed(csr: str) -> bytes:
    """What the present key signs, to be followed by the key in `csr`; good for nothing else."""
    return b"muster renewal 1\0" + csr.encode()


def parse(text: str) -> Invite:
    """An invite as a person pasted it.

    Raises:
        RemoteError: not an invite.
    """
    text = "".join(text.split())
    try:
        if not text.startswith(PREFIX):
            raise RemoteError("invite", f"an invite starts with {PREFIX!r}: copy it whole")
        body = text.removeprefix(PREFIX)
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(data, type=Invite)
    except (msgspec.DecodeError, ValueError):
        raise RemoteError("invite", "this is not a whole invite: copy it again, to its last sign") from None
