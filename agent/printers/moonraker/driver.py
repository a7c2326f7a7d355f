"""Drives a printer that Klipper moves, through Moonraker's REST interface."""

import time
from collections.abc import Callable
from pathlib import Path

from agent.http.deadline import Clock
from agent.http.lookup import Resolver, system
from agent.printers.driver import PrinterError
from agent.printers.moonraker.answers import MoonrakerView
from agent.printers.moonraker.followed import MoonrakerAttempt
from agent.printers.moonraker.server import MoonrakerServer
from agent.printers.server.client import ServerClient
from agent.printers.server.driver import ServerDriver

ADVICE = "Copy the API key from Mainsail's or Fluidd's settings, or let Moonraker trust this machine."


class MoonrakerDriver(ServerDriver[MoonrakerView, MoonrakerAttempt]):
    """One printer behind one Moonraker. See `Driver` for the contract."""

    def __init__(
        self,
        name: str,
        url: str,
        key: str = "",
        note: Path | None = None,
        *,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        resolver: Resolver = system,
    ) -> None:
        """Make no contact yet.

        Args:
            name: what the owner calls the printer, for messages.
            url: Moonraker's address, with its path if it is behind a proxy.
            key: Moonraker's API key; may be empty where it trusts this machine.
            note: see `ServerDriver`.
            clock: monotonic seconds.
            sleep: waits, between two looks at a print that was just ordered.
            resolver: looks names up.

        Raises:
            PrinterError: the address is not one, the key can't be one, or the note can't be read.
        """
        if not key.isascii() or not (key.isprintable() or not key):
            raise PrinterError(
                "Moonraker's key is not one: copy it from Mainsail or Fluidd, Settings, API key"
            )
        headers = {"X-Api-Key": key} if key else {}
        client = ServerClient("Moonraker", url, clock, advice=ADVICE, headers=headers, resolver=resolver)
        super().__init__(name, MoonrakerServer(client, clock), note, clock, sleep)
