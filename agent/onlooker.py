"""Looks at a printer without ever acting on it, while the agent drives it or nobody does."""

import time
from pathlib import Path
from typing import Protocol

import msgspec

from agent.drivers import driver
from agent.printers.attachment import Attachment
from agent.printers.driver import Condition, PrinterError, Status
from agent.printers.order import Order, place
from agent.printers.setup import Setup
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
            return PumpOnlooker(place(state / "pumps", printer.name), printer.port)
        case OctoPrintPrinter():
            from agent.printers.octoprint import OctoPrintDriver  # noqa: PLC0415  requests costs 10 MB

            # Without a note: that is the agent's own.
            return OctoPrintDriver(printer.name, printer.url, printer.key)
        case _:
            return driver(printer, state)


class PumpOnlooker:
    """Asks the pump that is there. Starts none, so that no port is opened; and gives it no order."""

    def __init__(self, folder: Path, port: str) -> None:
        """`folder` is the pump's."""
        self._pump = Attachment(folder, Setup(port=port))

    def status(self) -> Status:
        """Look at the printer."""
        deadline = time.monotonic() + PATIENCE
        try:
            if not (self._pump.is_open or self._pump.connect(deadline)):
                return Status(condition=Condition.UNREACHABLE, why="nobody drives it now")
            return self._pump.exchange(Order("status"), deadline).status
        except (OSError, msgspec.MsgspecError) as error:
            self.close()
            return Status(condition=Condition.UNREACHABLE, why=f"its process does not answer: {error}")

    def close(self) -> None:
        """Hang up; the pump goes on."""
        self._pump.hang_up()


def unreachable(error: PrinterError) -> Status:
    """What a printer is that can't even be looked at."""
    return Status(condition=Condition.UNREACHABLE, why=str(error))
