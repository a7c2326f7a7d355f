"""Names for new things, and secrets that only their holder knows."""

import hashlib
import secrets

_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""No 0, 1, i, l or o: these names are read out on the telephone."""


def fresh(kind: str) -> str:
    """A new name like `a-k7m2p9xqrt`: 50 bits, so that two never meet."""
    return f"{kind}-{''.join(secrets.choice(_LETTERS) for _ in range(10))}"


def token() -> str:
    """192 unguessable bits, safe in a URL."""
    return secrets.token_urlsafe(24)


def digest(secret: str) -> str:
    """What is kept of a secret: SHA-256 in hex. Enough for what is random, never for a password."""
    return hashlib.sha256(secret.encode()).hexdigest()
