"""The second factor: codes from an authenticator (TOTP, RFC 6238), and recovery codes for when that is lost."""

import base64
import hmac
import secrets
from collections.abc import Callable

import segno
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pyotp import random_base32
from pyotp.totp import TOTP

from coordinator import ids

STEP = 30
"""Seconds that a code stands for."""
RECOVERY = 10
"""Recovery codes that a person gets."""
_SLACK = 1
"""Steps that an authenticator's clock may be off, either way."""
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"


def fresh() -> str:
    """A new secret, 160 bits in base 32, as authenticators take it."""
    return random_base32()


def address(secret: str, name: str, house: str) -> str:
    """The `otpauth:` address of a secret."""
    return TOTP(secret).provisioning_uri(name=name, issuer_name=house)


def picture(text: str) -> str:
    """A QR code as an `<svg>` of its own, without style or script."""
    return segno.make(text, error="m", micro=False).svg_inline(scale=5, border=4, dark="#000", light="#fff")


def step_of(secret: str, code: str, now: float, last: int) -> int | None:
    """The step that a code stands for, if it is right and newer than `last`: no code is good twice.

    None for a wrong, an old or a used one. Every step that could be is looked at, whichever it is.
    """
    code = "".join(code.split())
    here = int(now) // STEP
    found = None
    for step in range(here - _SLACK, here + _SLACK + 1):
        right = hmac.compare_digest(TOTP(secret).generate_otp(step).encode(), code.encode())
        if right and step > last:
            found = step
    return found


def recovery_codes() -> list[str]:
    """New recovery codes, such as `k7m2-p9xq-rt4h-w8zc`: 79 bits each."""
    return [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
        for _ in range(RECOVERY)
    ]


def recovery_digest(code: str) -> str:
    """What is kept of a recovery code, however it was typed."""
    return ids.digest("".join(each for each in code.lower() if each.isalnum()))


class Seal:
    """Keeps secrets that we must be able to read again; whoever has the database alone can't."""

    def __init__(
        self, secret: bytes, purpose: str, nonce: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self._aead = AESGCM(hmac.digest(secret, b"muster seal 1\0" + purpose.encode(), "sha256"))
        self._nonce = nonce

    def close(self, text: str, owner: str) -> str:
        """`text`, sealed; it opens only as this `owner`'s."""
        nonce = self._nonce(12)
        return base64.b64encode(nonce + self._aead.encrypt(nonce, text.encode(), owner.encode())).decode()

    def open(self, sealed: str, owner: str) -> str | None:
        """What was sealed; None if it was changed, or sealed by another key."""
        try:
            data = base64.b64decode(sealed, validate=True)
            return self._aead.decrypt(data[:12], data[12:], owner.encode()).decode()
        except (ValueError, InvalidTag):
            return None
