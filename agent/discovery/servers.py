"""Which printer server answers at an address: asked with the few GETs by which each kind is known, and no key."""

from typing import Any

import msgspec
from msgspec import structs

from agent.http.address import AddressError, parse
from agent.http.client import HttpClient
from agent.http.deadline import within
from agent.http.failure import Cause, NoAnswerError
from agent.http.response import Response
from agent.printers import catalogue
from agent.printers.kind import Get, PrinterKind, ServerGreeting, Size

PATIENCE = 3.0
"""Seconds for an answer."""
MOST = 65_536
NOBODY = {Cause.LATE, Cause.UNREACHABLE, Cause.UNKNOWN_NAME, Cause.LATE_NAME}
"""After these no other question is asked."""


class RecognisedServer(ServerGreeting, frozen=True, kw_only=True):
    """A server that was recognised, with what it tells of itself. `kind` is the name of its kind."""

    kind: str
    url: str


_TROUBLE = (NoAnswerError, AddressError, ValueError, msgspec.MsgspecError)
"""All that an address of a home network may answer with."""


def recognise(url: str) -> RecognisedServer | None:
    """The server at this address; None if nobody answers, or it is of no kind that we know."""
    url = url.rstrip("/")
    for kind, traits in catalogue.servers():
        try:
            greeting = traits.recognise(_asking(url))
        except NoAnswerError as failure:
            if failure.cause in NOBODY:
                return None
            continue
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
    """Asks the server at `url` for a path, on a connection of its own each time.

    Raises:
        AddressError: it is no address.
    """
    headers = {"Accept": "application/json"} | ({"X-Api-Key": key} if key else {})
    client = HttpClient(parse(url), headers=headers)

    def get(path: str) -> Response:
        return client.ask("GET", path, within(PATIENCE), most=MOST)

    return get
