"""Which printer server answers at an address: OctoPrint, Moonraker or PrusaLink. Asked with a few GETs, no key."""

import http.client
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal, cast
from urllib.parse import urlsplit

from msgspec import Struct

Kind = Literal["octoprint", "moonraker", "prusalink"]

PATIENCE = 1.5
"""Seconds for each step of a request."""
MOST = 65_536
OCTOPRINT_DOOR = "/plugin/appkeys/probe"
"""Answers 204 where a key can be asked for; documented for this purpose."""
REALM = "Printer API"
"""What PrusaLink calls itself when it asks for a password, in firmware and on a Raspberry Pi."""


class Server(Struct, frozen=True, kw_only=True):
    """A server that was recognised. `open` if it needs no key from this machine; `state` as it tells itself."""

    kind: Kind
    url: str
    version: str = ""
    state: str = ""
    open: bool = False
    gives_keys: bool = False
    """Whether its owner can confirm a key there, so that none is typed."""


class _Reply(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def result(self) -> dict[str, object]:
        """What Moonraker answers with; empty if this is no such answer."""
        try:
            told: object = json.loads(self.content)
        except ValueError:
            return {}
        result = cast("dict[str, object]", told).get("result") if isinstance(told, dict) else None
        return cast("dict[str, object]", result) if isinstance(result, dict) else {}


def recognise(url: str) -> Server | None:
    """The server at this address; None if nobody answers, or it is none of them.

    Raises nothing: what is at an address of a home network may be anything.
    """
    url = url.rstrip("/")
    try:
        return _moonraker(url) or _octoprint(url) or _prusalink(url)
    except (OSError, http.client.HTTPException, ValueError):
        return None


def _moonraker(url: str) -> Server | None:
    reply = _get(url, "/server/info")
    if reply.status == HTTPStatus.UNAUTHORIZED:
        if "trusted" not in _get(url, "/access/info").result:
            return None
        return Server(kind="moonraker", url=url)
    told = reply.result
    if "klippy_state" not in told:
        return None
    return Server(
        kind="moonraker",
        url=url,
        version=_word(told.get("moonraker_version")),
        state=_word(told.get("klippy_state")),
        open=True,
    )


def _octoprint(url: str) -> Server | None:
    if _get(url, OCTOPRINT_DOOR).status == HTTPStatus.NO_CONTENT:
        return Server(kind="octoprint", url=url, gives_keys=True)
    return None


def _prusalink(url: str) -> Server | None:
    reply = _get(url, "/api/version")
    asks = reply.headers.get("WWW-Authenticate", "")
    if reply.status == HTTPStatus.UNAUTHORIZED and REALM in asks:
        return Server(kind="prusalink", url=url)
    return None


def _get(url: str, path: str) -> _Reply:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request("GET", parts.path + path, headers={"Accept": "application/json"})
        response = connection.getresponse()
        return _Reply(response.status, dict(response.getheaders()), response.read(MOST))
    finally:
        connection.close()


def _word(value: object) -> str:
    return "".join(char for char in value if char.isprintable())[:60] if isinstance(value, str) else ""
