"""The bed that is said to be clear at the printer itself: by its knob, or in its OctoPrint.

Only where the owner wants that (`PrinterKind.says_clear` tells) and the printer is idle. An answer counts for
the question that this process asked last, and for no other: whatever happened in between, nobody has answered it.
"""

import logging
import secrets

from agent.printers.catalogue import kind_of
from agent.printers.driver import Askable, Condition, Driver, PrinterError, Status
from agent.printers.kind import PrinterSettings

log = logging.getLogger(__name__)


class BedConfirmation:
    """One printer's. `place` is where it is said, empty where it can't be."""

    def __init__(self, printer: PrinterSettings, driver: Driver) -> None:
        says_clear = kind_of(printer).says_clear(printer)
        self.place, self._way = (says_clear.where, says_clear.how) if says_clear else ("", "")
        self._askable = driver if self.place and isinstance(driver, Askable) else None
        self._name = printer.name
        self._question = ""
        self._complained = False

    @property
    def hint(self) -> str:
        """What else its owner can do to say that the bed is clear, to follow after a command."""
        return f", or {self._way}" if self._question else ""

    def asks(self, status: Status) -> bool:
        """Whether a question stands there, which is to be taken away before anything is printed."""
        return self._askable is not None and bool(status.asks)

    def look(self, status: Status, *, wanted: bool) -> bool:
        """Ask if the bed is `wanted` clear, or ask no more; whether the question was answered just now."""
        askable = self._askable
        if askable is None or status.condition is not Condition.IDLE:
            return False
        try:
            if wanted and self._question and status.answered == self._question:
                self._question = ""
                return True
            if wanted and (not self._question or status.asks != self._question):
                self._question = secrets.token_hex(4)
                askable.ask(self._question)
            elif not wanted and status.asks:
                self._question = ""
                askable.hush()
            self._complained = False
        except PrinterError as error:
            self._question = ""
            if not self._complained:
                log.warning("%s: can't ask %s: %s", self._name, self.place, error)
            self._complained = True
        return False
