"""Asks by a file in OctoPrint whether the bed is clear: who loads it there, and doesn't print it, says so.

OctoPrint has no other way to answer without a plug-in. It loads no file by itself, but a plug-in might; and a file that
is printed has our word that nothing in it moves, but not that of its owner's own scripts, which may leave plastic.
"""

from collections.abc import Iterable

from agent.http.body import BytesBody
from agent.http.deadline import Clock
from agent.http.multipart import Form
from agent.printers.driver import PrinterError
from agent.printers.octoprint.answers import OctoPrintView
from agent.printers.octoprint.rest import UPLOAD, OctoPrintRest
from agent.printers.server.client import ServerClient
from agent.printers.server.paths import FOLDER, question_of, question_path

TEXT = b"; Load this file in OctoPrint to say that the bed is clear. There is nothing in it to print.\n"
SOONEST = 2.0
"""Seconds before which nobody has found the file and loaded it."""
TRIES = 3
"""After so many questions in a row that were loaded sooner, it is no person who loads them."""


class BedQuestion:
    """The one that stands, and the one that was answered last, by the names that their askers gave them."""

    def __init__(self, rest: OctoPrintRest, client: ServerClient, clock: Clock) -> None:
        self.asks = ""
        self.answered = ""
        self._rest = rest
        self._client = client
        self._clock = clock
        self._asked_at = 0.0
        self._too_soon = 0

    def find(self, paths: Iterable[str]) -> None:
        """See at the first look whether a question of an earlier process still lies there."""
        self.asks = next((question for path in paths if (question := question_of(path))), "")

    def ask(self, name: str) -> None:
        """Lay the file there instead of any that lies there, by the client's deadline.

        Raises:
            PrinterError: OctoPrint does not take it, or loads such files by itself.
        """
        self.hush()
        if self._too_soon >= TRIES:
            raise PrinterError("something in OctoPrint loads new files: set clear_in_octoprint to false")
        folder, _, file = question_path(name).partition("/")
        assert folder == FOLDER
        form = Form({"path": folder}, file, BytesBody(TEXT))
        self._client.ask(*UPLOAD, body=form, headers={"Content-Type": form.content_type})
        self.asks, self.answered, self._asked_at = name, "", self._clock()

    def hush(self) -> None:
        """Take away what asks, also from before a restart; OctoPrint then has nothing loaded.

        Raises:
            PrinterError: OctoPrint is out of reach, or does not let go of it.
        """
        for file in self._rest.files():
            if question_of(file.path):
                self._rest.delete(file.path)
        self._forget()

    def see(self, view: OctoPrintView) -> None:
        """Whether it is loaded. One that was printed, or loaded too soon, stands no more: it is to be asked anew."""
        if not self.asks or view.path != question_path(self.asks):
            return
        if view.active or view.completion:
            self._forget()
        elif not self.answered and self._clock() - self._asked_at < SOONEST:
            self._too_soon += 1
            self._forget()
        elif view.ready:
            self.answered, self._too_soon = self.asks, 0

    def _forget(self) -> None:
        """Nothing is asked any more."""
        self.asks = self.answered = ""
