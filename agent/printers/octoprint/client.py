"""The way to an OctoPrint, with a key or while one is asked for."""

import time

from agent.http.deadline import Clock
from agent.http.lookup import Resolver, system
from agent.printers.server.client import ServerClient

ADVICE = "Make a new one in its settings, Application Keys, with an account that may print."


def octoprint_client(
    url: str, clock: Clock = time.monotonic, key: str = "", resolver: Resolver = system
) -> ServerClient:
    """The way to an OctoPrint; without a key for those who have none.

    Raises:
        PrinterError: the address is not one.
    """
    headers = {"X-Api-Key": key} if key else {}
    return ServerClient(
        "OctoPrint",
        url,
        clock,
        advice=ADVICE,
        headers=headers,
        has_permissions=True,
        keeps=True,
        resolver=resolver,
    )
