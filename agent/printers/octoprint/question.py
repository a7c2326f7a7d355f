"""Asks by a file in OctoPrint whether the bed is clear: who loads it there, and doesn't print it, says so.

OctoPrint has no other way to answer without a plug-in. It loads no file by itself, but a plug-in might; and a file that
is printed has our word that nothing in it moves, but not that of its owner's own scripts, which may leave plastic.
"""

import io
from collections.abc import Iterable

from agent.printers.driver import PrinterError
from agent.printers.octoprint.answers import Look
from agent.printers.octoprint.session import Session
from agent.printers.octoprint.upload import ORDER
from agent.printers.server.http import Clock, LateError
from agent.printers.server.multipart import Form
from agent.printers.server.paths import FOLDER, question_of, question_path
from agent.printers.server.upload import Shipment

TEXT = b"; Load this file in OctoPrint to say that the bed is clear. There is nothing in it to print.\n"
SOONEST = 2.0
"""Seconds before which nobody has found the file and loaded it."""
TRIES = 3
"""After so many questions in a row that were loaded sooner, it is no person who loads them."""


class Question:
    """The one that stands, and the one that was answered last, by the names that their askers gave them."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self.asks = ""
        self.answered = ""
        self._session = session
        self._clock = clock
        self._asked_at = 0.0
        self._too_soon = 0

    def find(self, paths: Iterable[str]) -> None:
        """See at the first look whether a question of an earlier process still lies there."""
        self.asks = next((question for path in paths if (question := question_of(path))), "")

    def put(self, name: str) -> None:
        """Lay the file there, by the session's deadline.

        Raises:
            PrinterError: OctoPrint does not take it, or loads such files by itself.
        """
        if self._too_soon >= TRIES:
            raise PrinterError("something in OctoPrint loads new files: set clear_in_octoprint to false")
        folder, _, file = question_path(name).partition("/")
        assert folder == FOLDER
        form = Form({"path": folder}, (file, io.BytesIO(TEXT), "application/octet-stream"))
        shipment = Shipment(self._session, ORDER, form, {"Content-Type": form.content_type}, self._clock)
        try:
            if not shipment.push(self._session.until) or shipment.heard is None:
                raise LateError("OctoPrint does not take a small file in time")
        finally:
            shipment.close()
        self._session.judge(*ORDER, *shipment.heard)
        self.asks, self.answered, self._asked_at = name, "", self._clock()

    def see(self, look: Look) -> None:
        """Whether it is loaded. One that was printed, or loaded too soon, stands no more: it is to be asked anew."""
        if not self.asks or look.path != question_path(self.asks):
            return
        if look.active or look.completion:
            self.forget()
        elif not self.answered and self._clock() - self._asked_at < SOONEST:
            self._too_soon += 1
            self.forget()
        elif look.ready:
            self.answered, self._too_soon = self.asks, 0

    def forget(self) -> None:
        """Nothing is asked any more."""
        self.asks = self.answered = ""
