"""OctoPrint as a printer's server: what is particular to it. Nothing is believed that it does not show.

Its push channel is not used. It would spare no request that decides: an ending counts only with its trace in the
file's history, which also tells what nobody saw, and a start only with our file seen running.
"""

import contextlib

from agent.http.deadline import Clock
from agent.http.multipart import Form
from agent.http.status import HTTPStatus
from agent.printers.driver import Condition, PrinterError
from agent.printers.octoprint import answers, followed
from agent.printers.octoprint.answers import OctoPrintView
from agent.printers.octoprint.followed import OctoPrintAttempt
from agent.printers.octoprint.question import BedQuestion
from agent.printers.octoprint.rest import UPLOAD, OctoPrintRest
from agent.printers.server.client import ServerClient, ServerRefusedError, UnansweredError
from agent.printers.server.outgoing import OutgoingFile
from agent.printers.server.paths import FOLDER, attempt_of, newest, path_of, question_of
from agent.printers.server.printer_server import PrintOrder, StoredFile
from agent.printers.server.upload import UploadRequest

TRIES = 3
"""How often a look is taken again because the state changed while it was taken."""
PERMISSION = (
    "OctoPrint 2 gives no check sum of what it stores: "
    "allow the key's account to download files, so that it can be compared"
)


class OctoPrintServer:
    """One OctoPrint, and the question that may lie in it."""

    awaited = "OctoPrint has stopped; its record of the print is awaited."

    def __init__(self, client: ServerClient, clock: Clock) -> None:
        """Make no contact yet."""
        self.client = client
        self.rest = OctoPrintRest(client)
        self.question = BedQuestion(self.rest, client, clock)
        self._clock = clock
        self._warning: str | None = None
        self._knows_question = False

    def look(self) -> OctoPrintView:
        """Put two answers into one look; ask again if the state changed between them."""
        if self._warning is None:
            self._warning = _warning(self.rest.version())
        if not self._knows_question:
            self.question.find(file.path for file in self.rest.files())
            self._knows_question = True
        view = None
        for _ in range(TRIES):
            job, printer = self.rest.job(), self.rest.printer()
            view = answers.view_of(job, printer)
            if printer is None or printer.state.text == job.state:
                break
        assert view is not None
        self.question.see(view)
        return view

    def condition(self, view: OctoPrintView, running: str | None) -> Condition:
        """The printer's condition."""
        return view.condition(running)

    def why(self, view: OctoPrintView, condition: Condition) -> str:
        """What to tell of it."""
        return view.why(condition) or self._warning or ""

    def lose_sight(self, attempt: OctoPrintAttempt | None) -> None:  # noqa: ARG002 - it prints on unseen
        """Who answers next may be another version."""
        self._warning = None

    def newest(self, view: OctoPrintView) -> str | None:  # noqa: ARG002 - its files tell
        """The attempt whose file came last."""
        return newest((file.path, file.date or 0.0) for file in self.rest.files())

    def begun(self, attempt: str, seconds: float) -> OctoPrintAttempt:  # noqa: ARG002 - OctoPrint estimates by itself
        """An attempt that begins."""
        return OctoPrintAttempt(id=attempt, last_seen=self._clock())

    def found(self, attempt: str, view: OctoPrintView, *, cancelled: bool) -> OctoPrintAttempt:  # noqa: ARG002 - the trace tells
        """An attempt of which only OctoPrint knows.

        A file with a trace was printed before: if it runs, another hand has started it once more.
        """
        found = OctoPrintAttempt(id=attempt, last_seen=self._clock(), cancelled=cancelled)
        ending = answers.ending_of(self._prints(attempt))
        if ending:
            followed.end(found, ending)
        return found

    def follow(self, attempt: OctoPrintAttempt, view: OctoPrintView) -> None:
        """See how it goes."""
        prints = None if followed.runs_on(attempt, view) else self._prints(attempt.id)
        followed.follow(attempt, view, prints, self._clock())

    def remark(self, attempt: OctoPrintAttempt) -> str:  # noqa: ARG002
        """Nothing."""
        return ""

    def tell(self, order: PrintOrder, attempt: OctoPrintAttempt, view: OctoPrintView) -> None:  # noqa: ARG002 - it has one job
        """Give an order to the job that is active."""
        orders = {
            PrintOrder.PAUSE: self.rest.pause,
            PrintOrder.RESUME: self.rest.resume,
            PrintOrder.CANCEL: self.rest.cancel,
        }
        with contextlib.suppress(UnansweredError):  # it may have been heard; the state tells
            orders[order]()

    def cool(self) -> None:
        """Switch off what the owner's script for cancelled prints left on."""
        self.rest.cool()

    def upload(self, file: OutgoingFile) -> UploadRequest:
        """A form; what a start that failed has left there would keep its trace."""
        with contextlib.suppress(ServerRefusedError):
            self.rest.delete(path_of(file.attempt))
        form = Form({"path": FOLDER}, file.name, file.body)
        return UploadRequest(*UPLOAD, form, {"Content-Type": form.content_type})

    def took(self, file: OutgoingFile, content: bytes) -> None:
        """See that it kept the name."""
        stored = self.client.understood(answers.OctoPrintUpload, content).files.get("local")
        if stored is None or stored.path != path_of(file.attempt):
            raise PrinterError(
                f"OctoPrint stored {path_of(file.attempt)} under another name; nothing was started"
            )

    def stored(self, file: OutgoingFile) -> StoredFile:
        """Our file as the folder lists it; asked for the one, OctoPrint 1.11.8 logs four tracebacks."""
        found = answers.named(self.rest.files(), file.attempt)
        if found is None:
            raise PrinterError(
                "OctoPrint, or a plug-in in it, took the uploaded file away; nothing was started"
            )
        if answers.ending_of(found.prints):
            raise PrinterError(f"OctoPrint has a record of {found.path} already; nothing was started")
        path = f"/downloads/files/local/{found.path}"
        return StoredFile(size=found.size, sha1=found.hash, path=path, permission=PERMISSION)

    def print(self, attempt: str) -> None:
        """Select and print."""
        self.rest.select_and_print(path_of(attempt))

    def has_begun(self, attempt: str, view: OctoPrintView) -> bool:
        """Whether it runs, or is over already."""
        return view.runs(attempt) or answers.ending_of(self._prints(attempt)) is not None

    def withdraw(self, attempt: str) -> bool:
        """Delete the file, which OctoPrint refuses for one that is printed."""
        try:
            self.rest.delete(path_of(attempt))
        except ServerRefusedError as refusal:
            return refusal.code == HTTPStatus.NOT_FOUND
        except PrinterError:
            return False
        return True

    def sweep(self) -> None:
        """Delete our old files, questions among them."""
        for file in self.rest.files():
            if attempt_of(file.path) or question_of(file.path):
                with contextlib.suppress(ServerRefusedError):
                    self.rest.delete(file.path)

    def _prints(self, attempt: str) -> answers.PrintCounts | None:
        return answers.prints_of(self.rest.files(), attempt)


def _warning(version: str) -> str:
    """What to tell of a version, once it is known; empty for a good one."""
    if not answers.is_old(version):
        return ""
    oldest = ".".join(map(str, answers.OLDEST_GOOD))
    return f"OctoPrint {version} has known holes: update it to {oldest}."
