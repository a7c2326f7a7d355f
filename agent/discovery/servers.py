"""Which printer server answers at an address: asked with the few GETs by which each kind is known, and no key."""

import http.client
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import structs

from agent.printers import catalogue
from agent.printers.kind import Get, PrinterKind, ServerGreeting, ServerReply, Size

PATIENCE = 1.5
"""Seconds for each step of a request."""
MOST = 65_536


class RecognisedServer(ServerGreeting, frozen=True, kw_only=True):
    """A server that was recognised, with what it tells of itself. `kind` is the name of its kind."""

    kind: str
    url: str


_TROUBLE = (OSError, http.client.HTTPException, ValueError, msgspec.MsgspecError)
"""All that an address of a home network may answer with."""


def recognise(url: str) -> RecognisedServer | None:
    """The server at this address; None if nobody answers, or it is of no kind that we know."""
    url = url.rstrip("/")
    for kind, traits in catalogue.servers():
        try:
            greeting = traits.recognise(_asking(url))
        except TimeoutError:
            return None
        except _TROUBLE:
            continue
        if greeting:
            return RecognisedServer(kind=kind.name, url=url, **structs.asdict(greeting))
    return None


def size(kind: PrinterKind[Any], url: str, key: str) -> Size | None:
    """How large the printer is, where the server tells that to who has this key."""
    try:
        return kind.server.size(_asking(url, key)) if kind.server else None
    except _TROUBLE:
        return None


def _asking(url: str, key: str = "") -> Get:
    """Asks the server at `url` for a path, on a connection of its own each time."""

    def get(path: str) -> ServerReply:
        parts = urlsplit(url)
        connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = connect(parts.hostname or "", parts.port, timeout=PATIENCE)
        try:
            headers = {"Accept": "application/json"} | ({"X-Api-Key": key} if key else {})
            connection.request("GET", parts.path.rstrip("/") + path, headers=headers)
            response = connection.getresponse()
            return ServerReply(response.status, dict(response.getheaders()), response.read(MOST))
        finally:
            connection.close()

    return get
