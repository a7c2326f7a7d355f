"""PrusaLink as a printer's server: what is particular to it.

What was learned of PrusaLink, and is minded here:

- it keeps no history, and on a Pi even "finished" is forgotten after 11 s: an ending that was seen is written
  down beside the file, as an empty folder named by attempt and ending, for a driver that is made later;
- a print that was not seen to finish counts as finished by nobody's guess: it failed if it had too much left to
  print for the time that nobody looked, else its owner is asked;
- on a Pi it takes no order for 11 s after a print: until then the attempt is reported as running;
- a print's progress begins with that of the print before it;
- a printer that it loses, if only by the cable, has lost the print: PrusaLink on a Pi sends it line by line;
- an uploaded file exists for its other parts a second later;
- of an upload with `application/octet-stream` it looks at a file that is not there yet, and fails;
- while the printer heats, a pause or stop waits until it is hot;
- what is built into a printer shows no job once a print is over, so not whose it was: its `FINISHED` is ours only
  if no other print can have been between.
"""

import contextlib

import msgspec

from agent.http.deadline import Clock
from agent.http.status import HTTPStatus
from agent.printers.driver import Condition, PrinterError
from agent.printers.prusalink import answers
from agent.printers.prusalink.answers import MARKS, OVER, PrusaLinkView
from agent.printers.prusalink.followed import PrusaLinkAttempt
from agent.printers.server.client import ServerClient, ServerRefusedError, UnansweredError
from agent.printers.server.followed import GRACE
from agent.printers.server.outgoing import OutgoingFile
from agent.printers.server.paths import FOLDER, attempt_of, is_name, newest, path_of
from agent.printers.server.printer_server import PrintOrder, StoredFile
from agent.printers.server.upload import UploadRequest

ON_A_PI = "local"
"""The storage of PrusaLink on a Pi; what is built into a printer has a stick."""
SETTLED = 15.0
"""Seconds that PrusaLink on a Pi gets after a print until it takes orders; a printer itself takes them at once."""
BETWEEN = 60.0
"""Seconds, beyond what our print had left, in which no other print can have begun and ended."""
YES, NO = "?1", "?0"
ORDERS = {
    PrintOrder.PAUSE: ("PUT", "/pause"),
    PrintOrder.RESUME: ("PUT", "/resume"),
    PrintOrder.CANCEL: ("DELETE", ""),
}


class PrusaLinkServer:
    """One PrusaLink."""

    awaited = "The print is over; the printer is not yet ready for another."

    def __init__(self, client: ServerClient, clock: Clock) -> None:
        """Make no contact yet."""
        self.client = client
        self._clock = clock
        self._storage = ""
        self._over_since: float | None = None

    def look(self) -> PrusaLinkView:
        """What the printer does, and with which file."""
        if not self._storage:
            self._storage = self._find_storage()
        status = self.client.read(answers.PrusaLinkStatus, "GET", "/api/v1/status")
        content = self.client.ask("GET", "/api/v1/job").content
        try:
            job = msgspec.json.decode(content, type=answers.PrusaLinkJob) if content else None
        except msgspec.MsgspecError as error:
            raise PrinterError(f"PrusaLink answers in a way that is not known: {error}") from error
        view = answers.view_of(status, job)
        if view.state not in OVER:
            self._over_since = None
        elif self._over_since is None:
            self._over_since = self._clock()
        return view

    def condition(self, view: PrusaLinkView, running: str | None) -> Condition:
        """The printer's condition."""
        return view.condition(running, self._settled)

    def why(self, view: PrusaLinkView, condition: Condition) -> str:
        """What to tell of it."""
        return view.why(condition)

    def lose_sight(self, attempt: PrusaLinkAttempt | None) -> None:
        """It may be over when it is seen again."""

    def newest(self, view: PrusaLinkView) -> str | None:
        """The attempt whose print is shown to be over, or whose file came last."""
        shown = attempt_of(self._shown_path(view)) if view.state in OVER else None
        entries = self._entries()
        return shown or newest((f"{FOLDER}/{entry.called}", entry.m_timestamp) for entry in entries)

    def begun(self, attempt: str, seconds: float) -> PrusaLinkAttempt:
        """An attempt that begins."""
        return PrusaLinkAttempt(id=attempt, last_seen=self._clock(), seconds=seconds, witnessed=True)

    def found(self, attempt: str, view: PrusaLinkView, *, cancelled: bool) -> PrusaLinkAttempt:  # noqa: ARG002 - it keeps nothing
        """An attempt whose ending may have been written down beside its file."""
        found = PrusaLinkAttempt(id=attempt, last_seen=self._clock(), cancelled=cancelled)
        found.seen = found.ending = answers.marked(attempt, self._entries())
        found.explain()
        return found

    def follow(self, attempt: PrusaLinkAttempt, view: PrusaLinkView) -> None:
        """See how it goes."""
        if view.runs(attempt.id) and attempt.job in {None, view.job}:
            attempt.runs(self._clock())
            attempt.job, attempt.left, attempt.witnessed = view.job, view.left, True
            attempt.shows(view.progress)
            return
        elapsed, rested = self._clock() - attempt.last_seen, attempt.rests(self._clock())
        if attempt.seen is None:
            if view.state == "ERROR" or (view.state in OVER and self._is_ours(attempt, view, elapsed)):
                attempt.is_over(view.state, view.trouble)
                self._remember(attempt)
            elif rested >= GRACE and view.state != "BUSY":
                attempt.guess(elapsed)
                self._remember(attempt)
        if attempt.seen is not None and (view.state not in OVER | {"BUSY"} or self._settled):
            attempt.ending = attempt.seen

    def remark(self, attempt: PrusaLinkAttempt) -> str:  # noqa: ARG002
        """Nothing."""
        return ""

    def tell(self, order: PrintOrder, attempt: PrusaLinkAttempt, view: PrusaLinkView) -> None:  # noqa: ARG002 - the job is enough
        """Give an order to the job."""
        method, path = ORDERS[order]
        with contextlib.suppress(UnansweredError):  # it may have been heard; the state tells
            self.client.ask(method, f"/api/v1/job/{view.job}{path}")

    def cool(self) -> None:
        """The printers do it by themselves, and PrusaLink has no order for it."""

    def upload(self, file: OutgoingFile) -> UploadRequest:
        """The bare file."""
        place = self._place(file.name)
        with contextlib.suppress(ServerRefusedError):  # of a start that failed
            self.client.ask("DELETE", place)
        headers = {"Content-Type": "text/x.gcode", "Overwrite": NO, "Print-After-Upload": NO}
        return UploadRequest("PUT", place, file.body, headers)

    def took(self, file: OutgoingFile, content: bytes) -> None:
        """It says nothing of use."""

    def stored(self, file: OutgoingFile) -> StoredFile | None:
        """Its size, and on a Pi its bytes."""
        entry = self._entry(file.name)
        if entry is None:
            return None
        path = (entry.refs.download or "") if self._storage == ON_A_PI and entry.refs else ""
        return StoredFile(size=entry.size, path=path)

    def print(self, attempt: str) -> None:
        """Start it."""
        self.client.ask("POST", self._place(f"{attempt}.gcode"))

    def has_begun(self, attempt: str, view: PrusaLinkView) -> bool:
        """Whether it runs."""
        return view.runs(attempt)

    def withdraw(self, attempt: str) -> bool:
        """Delete the file, and see that it does not run."""
        try:
            self.client.ask("DELETE", self._place(f"{attempt}.gcode"))
        except ServerRefusedError as refusal:
            return refusal.code == HTTPStatus.NOT_FOUND
        except PrinterError:
            return False
        try:
            return not self.look().runs(attempt)
        except PrinterError:
            return False

    def sweep(self) -> None:
        """Delete our old files, and what was written down of them."""
        for entry in self._entries():
            stem = next(
                (entry.called.removesuffix(m) for m in MARKS.values() if entry.called.endswith(m)), ""
            )
            if attempt_of(f"{FOLDER}/{entry.called}") or (entry.type == "FOLDER" and is_name(stem)):
                with contextlib.suppress(ServerRefusedError):
                    self.client.ask("DELETE", self._place(entry.called))

    @property
    def _settled(self) -> bool:
        """Whether a print that is over has been so for long enough."""
        wait = SETTLED if self._storage == ON_A_PI else 0.0
        return self._over_since is not None and self._clock() - self._over_since >= wait

    def _find_storage(self) -> str:
        """The name of the storage that can be written to."""
        found = self.client.read(answers.PrusaLinkStorages, "GET", "/api/v1/storage").storage_list
        for storage in found:
            if storage.available and not storage.read_only:
                return storage.path.strip("/")
        raise PrinterError("PrusaLink has nowhere to store a file: is a USB stick in the printer?")

    def _shown_path(self, view: PrusaLinkView) -> str:
        """Whose print is over; empty where that is not told. PrusaLink on a Pi does in its older interface."""
        if view.path:
            return view.path
        try:
            old = self.client.read(answers.OlderJobAnswer, "GET", "/api/job").job
        except ServerRefusedError:
            return ""
        return "/".join((old.file.path or "").split("/")[-2:]) if old else ""

    def _is_ours(self, attempt: PrusaLinkAttempt, view: PrusaLinkView, elapsed: float) -> bool:
        """Whether the print that is shown to be over is this one."""
        path = self._shown_path(view)
        alone = attempt.witnessed and elapsed <= attempt.remaining + BETWEEN
        since = self._over_since is not None and self._over_since >= attempt.last_seen
        return path == path_of(attempt.id) or (not path and alone and since)  # else it is the one before

    def _remember(self, attempt: PrusaLinkAttempt) -> None:
        """Write the ending down. Should that fail, a later driver asks the owner."""
        mark = MARKS.get(attempt.seen) if attempt.seen else None
        if mark:
            with contextlib.suppress(PrinterError):
                self.client.ask("PUT", self._place(f"{attempt.id}{mark}"), headers={"Create-Folder": YES})

    def _place(self, name: str) -> str:
        return f"/api/v1/files/{self._storage}/{FOLDER}/{name}"

    def _entry(self, name: str) -> answers.PrusaLinkEntry | None:
        try:
            return self.client.read(answers.PrusaLinkEntry, "GET", self._place(name))
        except ServerRefusedError as refusal:
            if refusal.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _entries(self) -> list[answers.PrusaLinkEntry]:
        """What lies in our folder; nothing where it is not there."""
        try:
            path = f"/api/v1/files/{self._storage}/{FOLDER}"
            return self.client.read(answers.PrusaLinkEntry, "GET", path).children
        except ServerRefusedError as refusal:
            if refusal.code == HTTPStatus.NOT_FOUND:
                return []
            raise
