"""Looks at a printer without ever acting on it, while the agent drives it or nobody does."""

import contextlib
import os
import socket
from pathlib import Path
from typing import Protocol

import msgspec

from agent.drivers import driver
from agent.printers.driver import Condition, PrinterError, Status
from agent.printers.order import LONGEST, Order, decode_answer, encode, place, reachable
from agent.settings import OctoPrintPrinter, Printer, SerialPrinter

PATIENCE = 2.0
"""Seconds; a pump answers within milliseconds."""


class Onlooker(Protocol):
    """One printer. Never two calls at a time."""

    def status(self) -> Status:
        """Look; an unreachable printer is a condition."""
        ...

    def close(self) -> None:
        """Look no more; nothing changes for the printer."""
        ...


def onlooker(printer: Printer, state: Path) -> Onlooker:
    """Who can look at this printer: over its pump if there is one, else at its server.

    Raises:
        PrinterError: its settings can't be right.
    """
    match printer:
        case SerialPrinter():
            return PumpOnlooker(place(state / "pumps", printer.name))
        case OctoPrintPrinter():
            from agent.printers.octoprint import OctoPrintDriver  # noqa: PLC0415  requests costs 10 MB

            # Without a note: that is the agent's own.
            return OctoPrintDriver(printer.name, printer.url, printer.key)
        case _:
            return driver(printer, state)


class PumpOnlooker:
    """Asks the pump that is there. Starts none, so that no port is opened; and gives it no order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._connection: socket.socket | None = None

    def status(self) -> Status:
        """Look at the printer."""
        try:
            return self._ask()
        except (FileNotFoundError, ConnectionRefusedError):
            self.close()
            return Status(condition=Condition.UNREACHABLE, why="nobody drives it now: its agent does not run")
        except (OSError, msgspec.MsgspecError) as error:
            self.close()
            return Status(condition=Condition.UNREACHABLE, why=f"its process does not answer: {error}")

    def close(self) -> None:
        """Hang up; the pump goes on."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _ask(self) -> Status:
        if self._connection is None:
            self._connection = self._call()
        self._connection.sendall(encode(Order("status")) + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            more = self._connection.recv(LONGEST)
            if not more:
                raise ConnectionRefusedError
            answer += more
        return decode_answer(answer).status

    def _call(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with contextlib.ExitStack() as undo:
            undo.callback(connection.close)
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                connection.settimeout(PATIENCE)
                connection.connect(reachable(self._folder / "pump.sock", folder))
            finally:
                os.close(folder)
            undo.pop_all()
        return connection


def unreachable(error: PrinterError) -> Status:
    """What a printer is that can't even be looked at."""
    return Status(condition=Condition.UNREACHABLE, why=str(error))
