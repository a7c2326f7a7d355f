"""Says who asks. A password in an address is sent (RFC 7617); by digest (RFC 7616) it is proved and never sent.

The standard library's arithmetic for digests has no `-sess` algorithms.
"""

import base64
import hashlib
import secrets
import urllib.request
from collections.abc import Callable, Iterable, Mapping

from agent.http.address import Login


def basic(login: Login) -> str:
    """The header that tells name and password."""
    return f"Basic {base64.b64encode(f'{login.user}:{login.password}'.encode()).decode()}"


class DigestAuth:
    """Answers the challenges of one server."""

    def __init__(self, login: Login, token: Callable[[], str] = lambda: secrets.token_hex(8)) -> None:
        """`token` gives a new word that nobody can guess."""
        self._login = login
        self._token = token
        self._challenge: dict[str, str] | None = None
        self._count = 0

    def asked(self, challenges: Iterable[str]) -> bool:
        """Keep the challenge of a 401. False if it is none that can be answered, or this login was refused."""
        answered = self._count > 0
        for value in challenges:
            scheme, _, rest = value.partition(" ")
            fields = urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))
            if scheme.lower() == "digest" and _family(fields) in {"MD5", "SHA-256"}:
                fresh = not answered or fields.get("stale", "").lower() == "true"
                self._challenge, self._count = fields if fresh else None, 0
                return fresh
        return False

    def credentials(self, method: str, path: str) -> str | None:
        """The header for a request, None as long as nobody asked for it."""
        if self._challenge is None:
            return None
        self._count += 1
        asked, count, own = self._challenge, f"{self._count:08x}", self._token()
        algorithm, nonce, realm = (
            asked.get("algorithm", "MD5"),
            asked.get("nonce", ""),
            asked.get("realm", ""),
        )
        secret = _hash(algorithm, f"{self._login.user}:{realm}:{self._login.password}")
        if algorithm.lower().endswith("-sess"):
            secret = _hash(algorithm, f"{secret}:{nonce}:{own}")
        request = _hash(algorithm, f"{method}:{path}")
        between = f"{nonce}:{count}:{own}:auth" if "qop" in asked else nonce
        words = {
            "username": self._login.user,
            "realm": realm,
            "nonce": nonce,
            "uri": path,
            "response": _hash(algorithm, f"{secret}:{between}:{request}"),
        }
        if "qop" in asked or algorithm.lower().endswith("-sess"):
            words["cnonce"] = own  # which must not be there otherwise
        if "opaque" in asked:
            words["opaque"] = asked["opaque"]
        quoted = ", ".join(f'{name}="{value}"' for name, value in words.items())
        return f"Digest {quoted}, algorithm={algorithm}" + (
            f", qop=auth, nc={count}" if "qop" in asked else ""
        )


def _family(challenge: Mapping[str, str]) -> str:
    return challenge.get("algorithm", "MD5").upper().removesuffix("-SESS")


def _hash(algorithm: str, text: str) -> str:
    if algorithm.upper().startswith("SHA-256"):
        return hashlib.sha256(text.encode()).hexdigest()
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
