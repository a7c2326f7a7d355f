"""The machine that `muster-agent setup` runs on, and all the printers in its reach."""

import os
import time
from collections.abc import Callable

from agent.discovery import search
from agent.discovery.findings import Found, FoundPort, inspect
from agent.discovery.probe import ask
from agent.discovery.search import Scope
from agent.printers.kind import PrinterSettings
from agent.printers.serial.port import Outlet

PORT_SECONDS = 12.0
"""A single port that was named is worth waiting for; some boards need eight to wake up."""


class ThisMachine:
    """Finds printers; see `dialogue.PrinterFinder`. `scope` tells where to look, given the printers that are known."""

    def __init__(self, scope: Callable[[tuple[PrinterSettings, ...]], Scope]) -> None:
        self._scope = scope

    def find(self, *, known: tuple[PrinterSettings, ...]) -> Found:
        """Look for printers."""
        return search.discover(self._scope(known), known)

    def inspect(self, path: str) -> FoundPort:
        """Open one port and ask who is there."""
        outlet = Outlet(path=path, device=os.path.realpath(path))
        return inspect(outlet, ask(path, time.monotonic() + PORT_SECONDS))
