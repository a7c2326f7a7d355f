"""Passwords: what is one, and how it is kept (argon2id)."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from coordinator.errors import Invalid

LEAST, MOST = 12, 200
"""Characters of a password."""

# OWASP's least for argon2id that a small server can bear: 19 MiB, two passes; some 50 ms of one core.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_turns = threading.BoundedSemaphore(2)
"""How many are worked on at once: a crowd at the door must not take the machine's memory."""
_nobody = ""

_COMMON = ("password", "passwort", "contraseña", "qwerty", "123456", "muster", "letmein")


def check(password: str, name: str) -> None:
    """Whether this can be a person's password.

    Raises:
        Invalid: it is too short, or easily thought of.
    """
    if not LEAST <= len(password) <= MOST:
        raise Invalid(
            f"a password has {LEAST} to {MOST} characters; a few words that only you combine are good"
        )
    plain = password.lower()
    for word in (name.lower(), *_COMMON):
        plain = plain.replace(word, "")
    if len(set(plain)) < 5:
        raise Invalid("this password is easily guessed: take a few words that only you combine")


def keep(password: str) -> str:
    """What is kept of a password."""
    with _turns:
        return _hasher.hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Whether this is the password. Takes as long where there is no such person, or none is set (`kept` None)."""
    global _nobody  # noqa: PLW0603 - made once, when it is first needed
    if not _nobody:
        _nobody = keep("nobody has this one")
    with _turns:
        try:
            return _hasher.verify(kept or _nobody, password[: MOST + 1]) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """Whether it was kept by weaker rules than ours: keep it anew, now that it is known."""
    return _hasher.check_needs_rehash(kept)
