"""The bed that is said to be clear at the printer itself: a question on its display, and a press of its knob.

Only where the owner wants that (`clear_by_knob`), the printer has a knob and is idle. A press counts for the question
that this process asked last, and for no other: whatever happened in between, nobody has answered it.
"""

import logging
import secrets

from agent.printers.driver import Condition, Driver, Knobbed, PrinterError, Status
from agent.settings import Printer, SerialPrinter

log = logging.getLogger(__name__)


class Knob:
    """One printer's."""

    def __init__(self, printer: Printer, driver: Driver) -> None:
        wanted = isinstance(printer, SerialPrinter) and printer.clear_by_knob
        self._knobbed = driver if wanted and isinstance(driver, Knobbed) else None
        self._name = printer.name
        self._question = ""
        self._complained = False

    def asks(self, status: Status) -> bool:
        """Whether a question stands on the display, by which nothing could be printed."""
        return self._knobbed is not None and bool(status.asks)

    def look(self, status: Status, *, wanted: bool) -> bool:
        """Ask if the bed is `wanted` clear, or ask no more; whether the question was answered just now."""
        knobbed = self._knobbed
        if knobbed is None or status.condition is not Condition.IDLE:
            return False
        try:
            if wanted and self._question and status.pressed == self._question:
                self._question = ""
                return True
            if wanted and (not self._question or status.asks != self._question):
                self._question = secrets.token_hex(8)
                knobbed.ask(self._question)
            elif not wanted and status.asks:
                self._question = ""
                knobbed.hush()
            self._complained = False
        except PrinterError as error:
            self._question = ""
            if not self._complained:
                log.warning("%s: can't ask at its knob: %s", self._name, error)
            self._complained = True
        return False
