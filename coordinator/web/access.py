"""Who may look and act: one access key, kept by a browser as a signed session, never as the key itself."""

import base64
import hashlib
import hmac
import json
import re
import secrets
import threading
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from coordinator.errors import Invalid

COOKIE = "muster"
SESSION = 7 * 86_400
"""Seconds that a session lasts."""
ONCE = 600
"""Seconds that a one-time login code is good for."""
BY = "coordinator"
"""Who acts, where nobody gave a name."""

_name = re.compile(r"\S(.{0,78}\S)?\Z")


def name(text: str) -> str:
    """The name of who acts, as it will stand in the records.

    Raises:
        Invalid: longer than 80 signs, or not plain text.
    """
    text = text.strip()
    if not text:
        return BY
    if not text.isprintable() or not _name.match(text):
        raise Invalid("a name is one line of at most 80 signs")
    return text


class Access:
    """Keys, sessions and one-time codes. Thread-safe; codes live in this process only."""

    def __init__(self, check: Callable[[str], bool], clock: Callable[[], float], secret: bytes) -> None:
        self.check = check
        """Whether this is the access key; takes the same time for each wrong one."""
        self._clock = clock
        self._secret = secret
        self._lock = threading.Lock()
        self._codes: dict[bytes, float] = {}

    def once(self) -> str:
        """A code that logs one browser in, once, within ten minutes; it belongs into `/login/{code}`."""
        code = secrets.token_urlsafe(24)
        now = self._clock()
        with self._lock:
            self._codes = {each: until for each, until in self._codes.items() if until > now}
            self._codes[_digest(code)] = now + ONCE
        return code

    def knows(self, code: str) -> bool:
        """Whether a one-time code is still good; does not use it up."""
        with self._lock:
            return self._codes.get(_digest(code), 0) > self._clock()

    def redeem(self, code: str) -> bool:
        """Use a one-time code up; whether it was still good."""
        with self._lock:
            return self._codes.pop(_digest(code), 0) > self._clock()

    def session(self, by: str) -> str:
        """A cookie's value: who acts and until when, signed."""
        body = json.dumps([by, self._clock() + SESSION]).encode()
        return base64.urlsafe_b64encode(self._sign(body) + body).decode()

    def who(self, session: str) -> str | None:
        """Who acts by this cookie's value; None if it is not ours or has ended."""
        try:
            data = base64.urlsafe_b64decode(session)
        except ValueError:
            return None
        signature, body = data[:32], data[32:]
        if not hmac.compare_digest(signature, self._sign(body)):
            return None
        by, until = json.loads(body)
        return by if until > self._clock() else None

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, b"muster session 1\0" + body, "sha256")


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


def _by(request: Request) -> str:
    return str(request.state.by)


By = Annotated[str, Depends(_by)]
"""Who acts: the gate has let them in."""
