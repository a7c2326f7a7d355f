"""Looks at a printer without acting on it, while the agent drives it or nobody does; or acts past the agent."""

import time
from pathlib import Path
from typing import Protocol

import msgspec

from agent.drivers import driver
from agent.printers.driver import Condition, PrinterError, Status
from agent.printers.serial.options import PortOptions
from agent.printers.serial.pump_client import PumpClient
from agent.printers.serial.pump_protocol import PumpAnswer, PumpOrder, place
from agent.settings import OctoPrintPrinter, Printer, SerialPrinter
from agent.state_directory import pumps

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
            return reins(state, printer.name)
        case OctoPrintPrinter():
            from agent.printers.octoprint.driver import OctoPrintDriver  # noqa: PLC0415  requests costs 10 MB

            # Without a note: that is the agent's own.
            return OctoPrintDriver(printer.name, printer.url, printer.key)
        case _:
            return driver(printer, state)


class PumpOnlooker:
    """Asks the pump that is there. Starts none, so that no port is opened; and gives it no order."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the pump's."""
        self._pump = PumpClient(folder, PortOptions(port=""))

    def status(self) -> Status:
        """Look at the printer."""
        try:
            return self._say(PumpOrder("status")).status
        except PrinterError as error:
            return unreachable(error)

    def close(self) -> None:
        """Hang up; the pump goes on."""
        self._pump.hang_up()

    def _say(self, order: PumpOrder) -> PumpAnswer:
        deadline = time.monotonic() + PATIENCE
        try:
            if not (self._pump.is_open or self._pump.connect(deadline)):
                raise PrinterError("nobody drives it now: muster-agent run does")
            return self._pump.exchange(order, deadline)
        except (OSError, msgspec.MsgspecError) as error:
            self.close()
            raise PrinterError(f"its process does not answer: {error}") from error


class Reins(PumpOnlooker):
    """An owner's hand on the pump that is there, past whoever else speaks to it.

    That works while the agent hangs, restarts or is gone, and needs neither network nor journal.
    """

    def cancel(self) -> None:
        """End its print.

        Raises:
            PrinterError: it has none, or does not answer.
        """
        self._order(PumpOrder("cancel"))

    def reset(self) -> None:
        """Its owner has looked at the printer: a fault is over.

        Raises:
            PrinterError: a print runs, the port is not there, or nobody answers.
        """
        self._order(PumpOrder("reset"))

    def _order(self, order: PumpOrder) -> None:
        if why := self._say(order).error:
            raise PrinterError(why)


def reins(state: Path, name: str) -> Reins:
    """For the printer of this name, whether it is in the settings or was."""
    return Reins(place(pumps(state), name))


def pumped(state: Path) -> list[str]:
    """The printers that have, or had, a pump; also those that are in the settings no more."""
    try:
        return sorted(folder.name for folder in pumps(state).iterdir() if folder.is_dir())
    except OSError:
        return []


def unreachable(error: PrinterError) -> Status:
    """What a printer is that can't even be looked at."""
    return Status(condition=Condition.UNREACHABLE, why=str(error))
