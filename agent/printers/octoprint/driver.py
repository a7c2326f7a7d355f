"""Drives a printer through OctoPrint's REST interface.

The key should be an application key of an account with just these permissions: status; list, upload, select,
delete and (for OctoPrint 2) download files; print; control (heaters off, where the owner's script for
cancelled prints leaves them on).
"""

import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from agent.http.deadline import Clock
from agent.http.lookup import Resolver, system
from agent.printers.driver import PrinterError, Status
from agent.printers.octoprint.answers import OctoPrintView
from agent.printers.octoprint.client import octoprint_client
from agent.printers.octoprint.followed import OctoPrintAttempt
from agent.printers.octoprint.server import OctoPrintServer
from agent.printers.server.driver import ServerDriver


class OctoPrintDriver(ServerDriver[OctoPrintView, OctoPrintAttempt]):
    """One printer behind one OctoPrint, in whose pages a person can be asked. See `Driver` and `Askable`."""

    def __init__(
        self,
        name: str,
        url: str,
        key: str,
        note: Path | None = None,
        *,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        resolver: Resolver = system,
    ) -> None:
        """Make no contact yet.

        Args:
            name: what the owner calls the printer, for messages.
            url: OctoPrint's address as a browser has it, with its path if it is behind a proxy.
            key: an application key.
            note: see `ServerDriver`.
            clock: monotonic seconds.
            sleep: waits, between two looks at a print that was just ordered.
            resolver: looks names up.

        Raises:
            PrinterError: the address is not one, the key is empty, or the note can't be read.
        """
        if not key or not key.isascii() or not key.isprintable():
            raise PrinterError(
                "OctoPrint's key is missing or not a key; make one in its settings, Application Keys"
            )
        client = octoprint_client(url, clock, key, resolver)
        self._octoprint = OctoPrintServer(client, clock)
        super().__init__(name, self._octoprint, note, clock, sleep)

    def status(self) -> Status:
        """Look at the printer, and at the question that lies there."""
        question = self._octoprint.question
        return replace(super().status(), asks=question.asks, answered=question.answered)

    def ask(self, question: str) -> None:
        """Ask by a file, which is to be loaded there; one that asked before is taken away."""
        self._octoprint.client.allow()
        self._octoprint.question.ask(question)

    def hush(self) -> None:
        """Take away what asks, also from before a restart; OctoPrint then has nothing loaded."""
        self._octoprint.client.allow()
        self._octoprint.question.hush()
