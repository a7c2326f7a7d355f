"""Drives a printer through PrusaLink's REST interface."""

import time
from collections.abc import Callable
from pathlib import Path

from agent.http.address import Login
from agent.http.deadline import Clock
from agent.http.lookup import Resolver, system
from agent.printers.driver import PrinterError
from agent.printers.prusalink.answers import PrusaLinkView
from agent.printers.prusalink.followed import PrusaLinkAttempt
from agent.printers.prusalink.server import PrusaLinkServer
from agent.printers.server.client import ServerClient
from agent.printers.server.driver import ServerDriver

ADVICE = "Its settings, on its page or the printer's screen, show the right one."


class PrusaLinkDriver(ServerDriver[PrusaLinkView, PrusaLinkAttempt]):
    """One printer behind one PrusaLink. See `Driver` for the contract."""

    def __init__(
        self,
        name: str,
        url: str,
        key: str = "",
        note: Path | None = None,
        *,
        login: Login | None = None,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        resolver: Resolver = system,
    ) -> None:
        """Make no contact yet.

        Args:
            name: what the owner calls the printer, for messages.
            url: PrusaLink's address.
            key: PrusaLink's API key, as its settings show it.
            login: instead of the key, the user's name and password.
            note: see `ServerDriver`.
            clock: monotonic seconds.
            sleep: waits, between two looks at a print that was just ordered.
            resolver: looks names up.

        Raises:
            PrinterError: the address is not one, neither key nor login is there, or the note can't be read.
        """
        if bool(key) == bool(login) or not key.isascii() or not (key.isprintable() or not key):
            raise PrinterError(
                "PrusaLink needs its API key, or a user's name and password: its settings show both"
            )
        headers = {"X-Api-Key": key} if key else {}
        client = ServerClient(
            "PrusaLink", url, clock, advice=ADVICE, headers=headers, login=login, resolver=resolver
        )
        super().__init__(name, PrusaLinkServer(client, clock), note, clock, sleep)
