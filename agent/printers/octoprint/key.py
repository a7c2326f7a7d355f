"""Gets an application key from OctoPrint: its owner confirms there, and nobody types or reads a key.

The protocol is that of OctoPrint's bundled plugin *Application Keys*: a request, and then a look at its fate
at least every five seconds, else OctoPrint withdraws it. The key may do what the account that confirms may do.
"""

import time
from collections.abc import Callable

import msgspec
from msgspec import Struct

from agent.http.body import BytesBody
from agent.http.deadline import Clock
from agent.http.lookup import Resolver, system
from agent.http.status import HTTPStatus
from agent.printers.driver import PrinterError
from agent.printers.octoprint.client import octoprint_client
from agent.printers.server.client import ServerClient, ServerRefusedError

WAIT = 300.0
"""Seconds that the owner gets to find the question; OctoPrint itself forgets it after ten minutes."""
LOOK = 1.0
"""Seconds between looks at the decision."""
PATIENCE = 4.0
"""Seconds for one request."""
JSON = {"Content-Type": "application/json"}


class _KeyRequested(Struct):
    """The answer to a request; `auth_dialog` is the page where it can be confirmed (1.8 and newer)."""

    app_token: str
    auth_dialog: str = ""


class _KeyGranted(Struct):
    api_key: str


class KeyRefusedError(PrinterError):
    """The owner said no, or nobody said yes in time."""


def ask(
    url: str,
    app: str,
    user: str = "",
    *,
    show: Callable[[str], object] = lambda _page: None,
    wait: float = WAIT,
    clock: Clock = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    resolver: Resolver = system,
) -> str:
    """Ask for a key and wait until it is granted.

    Args:
        url: OctoPrint's address, as for the driver.
        app: who asks, as its owner reads it in OctoPrint. Who asks again by the same name and is confirmed by
            the same account gets the same key.
        user: the account that has to confirm; empty for whoever is logged in.
        show: is told the address of the page where the owner can confirm; OctoPrint also asks in every
            browser that has it open. Not called where OctoPrint is too old to have such a page.
        wait: seconds until we give up.
        clock: monotonic seconds.
        sleep: waits between two looks at the decision.
        resolver: looks names up.

    Raises:
        KeyRefusedError: the owner refused, or did not answer.
        PrinterError: OctoPrint is out of reach, or can't give keys this way. The text says what to do.
    """
    client = octoprint_client(url, clock, resolver=resolver)
    try:
        token = _request(client, app, user, show)
        ends = clock() + wait
        while clock() < ends:
            key = _decision(client, token)
            if key:
                return key
            sleep(LOOK)
    finally:
        client.close()
    raise KeyRefusedError(
        f"nobody confirmed it within {wait / 60:.0f} min: open {client.origin} in a browser, log in, and ask again"
    )


def _request(client: ServerClient, app: str, user: str, show: Callable[[str], object]) -> str:
    order = msgspec.json.encode({"app": app, "user": user} if user else {"app": app})
    try:
        client.allow(PATIENCE)
        client.ask("GET", "/plugin/appkeys/probe")
        client.allow(PATIENCE)
        answer = client.ask("POST", "/plugin/appkeys/request", body=BytesBody(order), headers=JSON)
    except ServerRefusedError as refusal:
        raise _explained(refusal, client.origin) from refusal
    asked = client.understood(_KeyRequested, answer.content)
    if asked.auth_dialog:
        show(asked.auth_dialog)
    return asked.app_token


def _decision(client: ServerClient, token: str) -> str | None:
    """The key; None while there is no decision."""
    client.allow(PATIENCE)
    try:
        answer = client.ask("GET", f"/plugin/appkeys/request/{token}")
    except ServerRefusedError as refusal:
        if refusal.code == HTTPStatus.NOT_FOUND:
            raise KeyRefusedError("OctoPrint's owner refused, or closed the question") from refusal
        raise
    if answer.status == HTTPStatus.ACCEPTED:
        return None
    return client.understood(_KeyGranted, answer.content).api_key


def _explained(refusal: ServerRefusedError, origin: str) -> PrinterError:
    by_hand = "make a key by hand in OctoPrint's settings, Application Keys"
    if refusal.code == HTTPStatus.NOT_FOUND:
        return PrinterError(
            f"{origin} knows no application keys: is it OctoPrint, with its plugin Application Keys on? Else {by_hand}"
        )
    if refusal.code == HTTPStatus.TOO_MANY_REQUESTS:
        return PrinterError(f"OctoPrint was asked too often for a key: wait ten minutes, or {by_hand}")
    if refusal.code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return PrinterError(
            f"OctoPrint is not set up yet: open {origin} in a browser and go through its first steps"
        )
    return refusal
