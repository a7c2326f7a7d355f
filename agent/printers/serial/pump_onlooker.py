"""Looks at a serial printer over the pump that drives it, whether an agent runs or not; or acts past the agent."""

import time
from pathlib import Path

import msgspec

from agent.printers.driver import Condition, PrinterError, Status
from agent.printers.serial.options import PortOptions
from agent.printers.serial.pump_client import PumpClient
from agent.printers.serial.pump_protocol import PumpAnswer, PumpOrder, place, pumps

PATIENCE = 2.0
"""Seconds; a pump answers within milliseconds."""


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
            return Status(condition=Condition.UNREACHABLE, why=str(error))

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


class PumpControl(PumpOnlooker):
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


def pump_control(state: Path, name: str) -> PumpControl:
    """For the printer of this name, whether it is in the settings or was."""
    return PumpControl(place(pumps(state), name))


def pump_names(state: Path) -> list[str]:
    """The printers that have, or had, a pump; also those that are in the settings no more."""
    try:
        return sorted(folder.name for folder in pumps(state).iterdir() if folder.is_dir())
    except OSError:
        return []
