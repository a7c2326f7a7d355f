"""The person and the machine that `muster-agent setup` has to do with."""

import os
import time
from collections.abc import Callable
from getpass import getpass

from agent.discovery import search
from agent.discovery.findings import Found, FoundPort, inspect
from agent.discovery.probe import ask
from agent.discovery.search import Scope
from agent.printers.serial.port import Outlet
from agent.settings import Printer

APP = "muster-agent"
"""Who asks for a key, as the owner reads it in OctoPrint."""
PORT_SECONDS = 12.0
"""A single port that was named is worth waiting for; some boards need eight to wake up."""


class Keyboard:
    """Who sits at this terminal."""

    def ask(self, prompt: str) -> str:
        """One line of an answer."""
        return input(prompt)

    def ask_secret(self, prompt: str) -> str:
        """The same, without showing what is typed."""
        return getpass(prompt)

    def say(self, text: str) -> None:
        """Show something."""
        print(text)  # noqa: T201  the terminal is what this is for


class Machine:
    """This machine. `scope` tells where to look, given the printers that are known."""

    def __init__(self, scope: Callable[[tuple[Printer, ...]], Scope]) -> None:
        self._scope = scope

    def find(self, *, known: tuple[Printer, ...]) -> Found:
        """Look for printers."""
        return search.discover(self._scope(known), known)

    def inspect(self, path: str) -> FoundPort:
        """Open one port and ask who is there."""
        outlet = Outlet(path=path, device=os.path.realpath(path))
        return inspect(outlet, ask(path, time.monotonic() + PORT_SECONDS))

    def octoprint_key(self, url: str, show: Callable[[str], object]) -> str:
        """A key that the owner confirms in OctoPrint.

        Raises:
            PrinterError: refused, not answered, or not possible there.
        """
        from agent.printers.octoprint.key import ask as ask_for_key  # noqa: PLC0415  for OctoPrint's owners

        return ask_for_key(url, APP, show=show)
