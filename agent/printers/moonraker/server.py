"""Moonraker as a printer's server: what is particular to it, and to the Klipper behind it.

Klipper has ways of its own that must be known:

- a command waits until those before it are done, so that a pause or a cancellation in the middle of heating
  takes effect when it is hot, after our request has long timed out: it counts as given once it was sent;
- an order to print waits likewise, and would start a print at a bad moment: its file is deleted if it is late;
- it says that a print is complete when the last line was read; the last moves follow for some seconds;
- its own cancellation leaves the heaters on, unless the owner's macros switch them off: here they go off.

What was learned of Moonraker: its history writes a print off when Moonraker itself stops (as if Klipper had gone),
though Klipper prints on. Then only Klipper's `print_stats` knows the ending, until the next print or Klipper's restart.
"""

import contextlib
from urllib.parse import quote

from agent.http.deadline import Clock
from agent.http.multipart import Form
from agent.http.status import HTTPStatus
from agent.printers.driver import Condition, Ending, PrinterError
from agent.printers.moonraker import answers
from agent.printers.moonraker.answers import MoonrakerResult, MoonrakerView
from agent.printers.moonraker.followed import MoonrakerAttempt, end
from agent.printers.server.client import ServerClient, ServerRefusedError, UnansweredError
from agent.printers.server.followed import GRACE
from agent.printers.server.outgoing import OutgoingFile
from agent.printers.server.paths import FOLDER, attempt_of, newest, path_of
from agent.printers.server.printer_server import PrintOrder, StoredFile
from agent.printers.server.upload import UploadRequest

LAST_MOVES = 60.0
"""Seconds that may pass between Klipper's last line and its last move; it reads about two ahead."""
REMEMBERED = 100
"""Prints, newest first, among which ours is looked for."""
OFF = "TURN_OFF_HEATERS"
UPLOAD = ("POST", "/server/files/upload")
CALLED = {
    PrintOrder.PAUSE: "The pause",
    PrintOrder.RESUME: "The order to go on",
    PrintOrder.CANCEL: "The cancellation",
}


class MoonrakerServer:
    """One Moonraker."""

    awaited = "The last moves, or Moonraker's record of them, are awaited."

    def __init__(self, client: ServerClient, clock: Clock) -> None:
        """Make no contact yet."""
        self.client = client
        self._clock = clock

    def look(self) -> MoonrakerView:
        """Klipper's parts; where it has none to show, Moonraker's word on why."""
        try:
            parts = self.client.read(
                MoonrakerResult[answers.KlipperQuery], "GET", answers.QUERY
            ).result.status
        except ServerRefusedError as refusal:
            if refusal.code == HTTPStatus.UNAUTHORIZED:
                raise
            return self._absent(refusal)
        view = answers.view_of(parts)
        return answers.view_of(parts, self._queue()) if view.ready else view

    def condition(self, view: MoonrakerView, running: str | None) -> Condition:
        """The printer's condition."""
        return view.condition(running)

    def why(self, view: MoonrakerView, condition: Condition) -> str:
        """What to tell of it."""
        return view.why(condition)

    def lose_sight(self, attempt: MoonrakerAttempt | None) -> None:
        """It runs, as far as anybody can tell."""
        if attempt:
            attempt.runs(self._clock())
            attempt.blind = True

    def newest(self, view: MoonrakerView) -> str | None:  # noqa: ARG002 - its files tell
        """The attempt whose file came last."""
        return newest((f"{FOLDER}/{file.filename}", file.modified) for file in self._files())

    def begun(self, attempt: str, seconds: float) -> MoonrakerAttempt:  # noqa: ARG002 - nobody asks for the time
        """An attempt that begins."""
        return MoonrakerAttempt(id=attempt, last_seen=self._clock(), blind=False)

    def found(self, attempt: str, view: MoonrakerView, *, cancelled: bool) -> MoonrakerAttempt:
        """An attempt of which only Moonraker knows."""
        found = MoonrakerAttempt(id=attempt, last_seen=self._clock(), cancelled=cancelled)
        end(found, view.trace(attempt, self._history(), blind=True), view)
        return found

    def follow(self, attempt: MoonrakerAttempt, view: MoonrakerView) -> None:
        """See how it goes."""
        running = view.runs(attempt.id)
        if running:
            attempt.runs(self._clock())
            attempt.blind = False
            fraction = min(view.parts.virtual_sdcard.progress, 0.99)
            if fraction >= attempt.progress or view.parts.print_stats.state == "paused":
                attempt.progress = max(attempt.progress, fraction)
                return
            # Less than before: another hand may print our file again. The trace tells.
        if view.state in {"disconnected", "startup"}:
            attempt.runs(self._clock())
            return  # Klipper may print on unseen; what it shows when it is back tells more than its absence
        rested = 0.0 if running else attempt.rests(self._clock())
        if view.holds(attempt.id) and view.moving and rested < LAST_MOVES:
            return
        ending = view.trace(attempt.id, self._history(), blind=attempt.blind)
        if ending is None and rested >= GRACE:
            ending = Ending.UNKNOWN
        end(attempt, ending, view)

    def remark(self, attempt: MoonrakerAttempt) -> str:
        """What waits in Klipper's queue."""
        late = (
            f"{attempt.late} is given; Klipper first ends what it is doing, which may be minutes of heating."
        )
        return late if attempt.late else ""

    def tell(self, order: PrintOrder, attempt: MoonrakerAttempt, view: MoonrakerView) -> None:  # noqa: ARG002 - it has one print
        """Give an order to what is printed."""
        attempt.late = ""
        try:
            self.client.ask("POST", f"/printer/print/{order}")
        except UnansweredError:
            attempt.late = CALLED[order]  # Klipper has it in its queue

    def cool(self) -> None:
        """Switch off what Klipper left on."""
        with contextlib.suppress(UnansweredError):  # it waits in Klipper's queue
            self.client.ask("POST", f"/printer/gcode/script?script={OFF}")

    def upload(self, file: OutgoingFile) -> UploadRequest:
        """A form with a check sum."""
        path = path_of(file.attempt)
        if any(job.filename == path for job in self._history()):
            raise PrinterError(f"Moonraker has a record of {path} already; nothing was started")
        fields = {"root": "gcodes", "path": FOLDER, "checksum": file.sha256}
        form = Form(fields, file.name, file.body)
        return UploadRequest(*UPLOAD, form, {"Content-Type": form.content_type})

    def took(self, file: OutgoingFile, content: bytes) -> None:
        """See that it kept the name."""
        if self.client.understood(answers.MoonrakerUpload, content).item.path != path_of(file.attempt):
            raise PrinterError(
                f"Moonraker stored {path_of(file.attempt)} under another name; nothing was started"
            )

    def stored(self, file: OutgoingFile) -> StoredFile:
        """Its bytes, to be read back.

        Moonraker's own check sum is of what came in. What it stores may differ: it may be set to rewrite uploads; and
        two Moonrakers on one machine use one temporary file for uploads that begin in the same second.
        """
        return StoredFile(path=f"/server/files/gcodes/{path_of(file.attempt)}")

    def print(self, attempt: str) -> None:
        """Start it."""
        self.client.ask("POST", f"/printer/print/start?filename={quote(path_of(attempt), safe='')}")

    def has_begun(self, attempt: str, view: MoonrakerView) -> bool:
        """Whether it runs, or is over already."""
        return view.runs(attempt) or view.trace(attempt, [], blind=True) is not None

    def withdraw(self, attempt: str) -> bool:
        """Delete the file, and see that Klipper has not opened it before."""
        try:
            if self.look().holds(attempt):
                return False
            with contextlib.suppress(ServerRefusedError):  # as for a file that was never stored
                self._delete(attempt)
            there = any(attempt_of(f"{FOLDER}/{file.filename}") == attempt for file in self._files())
            return not (there or self.look().holds(attempt))
        except PrinterError:
            return False

    def sweep(self) -> None:
        """Delete our old files."""
        for file in self._files():
            if attempt := attempt_of(f"{FOLDER}/{file.filename}"):
                with contextlib.suppress(ServerRefusedError):
                    self._delete(attempt)

    def _absent(self, refusal: ServerRefusedError) -> MoonrakerView:
        """What Moonraker says of a Klipper that shows nothing."""
        contact = self.client.read(MoonrakerResult[answers.KlippyContact], "GET", "/server/info").result
        if contact.klippy_connected and contact.klippy_state not in {"startup", "disconnected"}:
            return MoonrakerView(state="error", message=str(refusal))
        return MoonrakerView(state=contact.klippy_state if contact.klippy_connected else "disconnected")

    def _queue(self) -> str:
        """What Moonraker's job queue is about; a Moonraker without one starts nothing by itself."""
        path = "/server/job_queue/status"
        try:
            return self.client.read(MoonrakerResult[answers.JobQueue], "GET", path).result.queue_state
        except ServerRefusedError:
            return "paused"

    def _delete(self, attempt: str) -> None:
        self.client.ask("DELETE", f"/server/files/gcodes/{path_of(attempt)}")

    def _files(self) -> list[answers.MoonrakerFile]:
        """Our files; none where the folder is not there, which older versions call a bad request."""
        path = f"/server/files/directory?path=gcodes/{FOLDER}"
        try:
            return self.client.read(MoonrakerResult[answers.MoonrakerFolder], "GET", path).result.files
        except ServerRefusedError as refusal:
            if refusal.code in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}:
                return []
            raise

    def _history(self) -> list[answers.PastPrint]:
        """The last prints, newest first; none where the owner has no `[history]`."""
        path = f"/server/history/list?limit={REMEMBERED}&order=desc"
        try:
            return self.client.read(MoonrakerResult[answers.PrintHistory], "GET", path).result.jobs
        except ServerRefusedError as refusal:
            if refusal.code == HTTPStatus.NOT_FOUND:
                return []
            raise
