"""How an agent joins: a one-time invite, passed on by a person, then one HTTPS request.

The agent makes its own key, which never leaves its machine; the coordinator's own CA signs a certificate for
it. The invite pins that CA, and the root key that says which other keys may sign, so that nobody on the way can
answer instead.
"""

import base64
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from wire.errors import RemoteError
from wire.keyset import SignedKeys
from wire.manifest import Digest, Name

PATH = "/api/enrol"
"""Where a `Request` is posted, below the invite's `url`."""
PREFIX = "muster1."
LIMIT = 16 * 1024
"""Bytes of a request or an answer."""

Pem = Annotated[str, Meta(pattern="^-----BEGIN ", max_length=8192)]
Url = Annotated[str, Meta(pattern=r"^https?://[!-~]+(?!\n)$", max_length=200)]


class Invite(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person hands over. `ca` is the SHA-256 of the CA certificate's DER bytes, in hex; `root` the root's id."""

    url: Url
    code: Annotated[str, Meta(min_length=20, max_length=64)]
    ca: Digest
    root: Digest

    def __str__(self) -> str:
        return PREFIX + base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


class Request(Struct, frozen=True, forbid_unknown_fields=True):
    """The agent asks to join under `name`; `csr` is its PKCS #10 request in PEM."""

    code: str
    name: Name
    csr: Pem


class Answer(Struct, frozen=True):
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
