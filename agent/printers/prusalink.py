"""Drives a printer through PrusaLink's REST interface.

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
- while the printer heats, a pause or stop waits until it is hot.
"""

import contextlib
import hashlib
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import msgspec

from agent.printers import prusalink_answers as answers
from agent.printers.driver import Condition, Ending, PrinterError, Status
from agent.printers.exchange import Clock, Content, Exchange, Login, RefusedError, SilentError
from agent.printers.prusalink_answers import FOLDER, MARKS, OVER, Look, attempt_of, path_of

PATIENCE = 4.5
"""Seconds a call may take; the protocol allows five."""
RESERVE = 1.0
"""Seconds kept back from `PATIENCE` to withdraw a start that cannot be confirmed."""
GRACE = 5.0
"""Seconds without our print, after which it is over."""
SETTLED = 15.0
"""Seconds after which a printer that still shows a finished print takes orders."""
ADVICE = "Its settings, on its page or the printer's screen, show the right one."
YES, NO = "?1", "?0"


class PrusaLinkDriver:
    """One printer behind one PrusaLink. See `Driver` for the contract."""

    def __init__(
        self,
        name: str,
        url: str,
        key: str = "",
        *,
        login: Login | None = None,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Make no contact yet.

        Args:
            name: what the owner calls the printer, for messages.
            url: PrusaLink's address.
            key: PrusaLink's API key, as its settings show it.
            login: instead of the key, the user's name and password.
            clock: monotonic seconds.
            sleep: waits, between two looks at a print that was just ordered.

        Raises:
            PrinterError: the address is not one, or neither key nor login is there.
        """
        if bool(key) == bool(login) or not key.isascii() or not (key.isprintable() or not key):
            raise PrinterError(
                "PrusaLink needs its API key, or a user's name and password: its settings show both"
            )
        self.name = name
        self._clock = clock
        self._sleep = sleep
        headers = {"X-Api-Key": key} if key else {}
        self._server = Exchange("PrusaLink", url, clock, advice=ADVICE, headers=headers, login=login)
        self._storage = ""
        self._met = False
        self._attempt: str | None = None
        self._ending: Ending | None = None
        self._seen: Ending | None = None
        self._why = ""
        self._told = False
        self._progress = 0.0
        self._cancelled = False
        self._seconds = 0.0
        self._last_seen = 0.0
        self._left: float | None = None
        self._over_since: float | None = None
        self._job: int | None = None
        self._stale: float | None = None
        """The progress that was shown first, which may be the last print's; -1 as soon as it has changed."""

    def status(self) -> Status:
        """Look at the printer."""
        self._server.until = self._clock() + PATIENCE
        try:
            look = self._look()
        except PrinterError as error:
            return self._status(Condition.UNREACHABLE, str(error))
        condition = look.condition(self._attempt if self._pending else None, self._settled)
        why = self._why or look.why(condition)
        if self._pending and not look.runs(self._attempt) and condition in {Condition.IDLE, Condition.BUSY}:
            condition, why = (
                Condition.PRINTING,
                "The print is over; the printer is not yet ready for another.",
            )
        return self._status(condition, why, look)

    def start(self, attempt: str, path: Path, seconds: float) -> None:
        """Upload the file, order its print, and see that it runs."""
        deadline = self._clock() + PATIENCE
        self._server.until = deadline
        if not answers.is_name(attempt):
            raise PrinterError(f"attempt {attempt!r} cannot be a file's name in PrusaLink")
        self._must_be_ready(self._look())
        if self._pending:
            raise PrinterError(f"how attempt {self._attempt} ended is not known yet; nothing starts before")
        if attempt == self._attempt:
            raise PrinterError(f"attempt {attempt} was printed already")
        if self._told:
            self._sweep()
        try:
            self._store(attempt, path)
            self._must_be_ready(self._glance())  # another hand may have started something meanwhile
        except PrinterError:
            self._withdrawn(attempt)  # a file that stays would look like an attempt
            raise
        self._server.until = deadline - RESERVE
        try:
            self._order(attempt)
        except PrinterError as error:
            self._server.until = deadline
            if self._withdrawn(attempt):
                raise PrinterError(
                    f"PrusaLink did not start the print, and nothing moves: {error}"
                ) from error
        self._attempt, self._ending, self._seen, self._why, self._told = attempt, None, None, "", False
        self._progress, self._cancelled, self._seconds, self._left = 0.0, False, seconds, None
        self._last_seen, self._over_since, self._job, self._stale = self._clock(), None, None, None

    def pause(self) -> None:
        """Ask for a pause; the printer parks its head."""
        self._ask_of_ours("PUT", "/pause")

    def resume(self) -> None:
        """Go on."""
        self._ask_of_ours("PUT", "/resume")

    def cancel(self) -> None:
        """Stop; the printer switches its heaters off and parks."""
        before, self._cancelled = (
            self._cancelled,
            True,
        )  # first: an order may be heard though its answer is lost
        try:
            self._ask_of_ours("DELETE", "")
        except RefusedError:
            self._cancelled = before
            raise

    def close(self) -> None:
        """Nothing to let go of: no connection outlives its request."""

    @property
    def _pending(self) -> bool:
        """Whether an attempt of ours has begun and no ending of it was told."""
        return self._attempt is not None and self._ending is None

    @property
    def _settled(self) -> bool:
        return self._over_since is not None and self._clock() - self._over_since >= SETTLED

    def _status(self, condition: Condition, why: str, look: Look | None = None) -> Status:
        self._told = self._told or self._ending is not None
        return Status(
            condition=condition,
            attempt=self._attempt,
            ending=self._ending,
            why=why,
            progress=1.0 if self._ending is Ending.DONE else self._progress,
            nozzle=look.nozzle if look else None,
            bed=look.bed if look else None,
        )

    def _ask_of_ours(self, method: str, order: str) -> None:
        """Send an order, if what runs is ours: another hand's print is not ours to touch."""
        self._server.until = self._clock() + PATIENCE
        look = self._look()
        if not (self._pending and look.runs(self._attempt)):
            raise PrinterError("nothing of ours runs on this printer")
        with contextlib.suppress(SilentError):  # it may have been heard; the state tells
            self._server.send(method, f"/api/v1/job/{look.job}{order}")

    def _look(self) -> Look:
        """Look at the printer, and follow our attempt."""
        if not self._storage:
            self._storage = self._find_storage()
        look = self._glance()
        if look.state not in OVER:
            self._over_since = None
        elif self._over_since is None:
            self._over_since = self._clock()
        if not self._met:
            self._meet(look)
        if self._pending:
            self._follow(look)
        return look

    def _glance(self) -> Look:
        """What the printer does, and with which file."""
        status = self._server.read(answers.Status, "GET", "/api/v1/status")
        content = self._server.send("GET", "/api/v1/job")
        try:
            job = msgspec.json.decode(content, type=answers.Job) if content else None
        except msgspec.MsgspecError as error:
            raise PrinterError(f"PrusaLink answers in a way that is not known: {error}") from error
        return answers.look(status, job)

    def _find_storage(self) -> str:
        """The name of the storage that can be written to."""
        found = self._server.read(answers.Storages, "GET", "/api/v1/storage").storage_list
        for storage in found:
            if storage.available and not storage.read_only:
                return storage.path.strip("/")
        raise PrinterError("PrusaLink has nowhere to store a file: is a USB stick in the printer?")

    def _meet(self, look: Look) -> None:
        """Find what PrusaLink holds of us: the attempt that runs or has just ended, else the one that came last."""
        path = look.path
        if look.state in OVER and not path:
            with contextlib.suppress(RefusedError):
                old = self._server.read(answers.Old, "GET", "/api/job").job.file.path or ""
                path = "/".join(old.split("/")[-2:])
        entries = self._entries()
        shown = look.active or look.state in OVER
        self._attempt = (attempt_of(path) if shown else None) or answers.newest(entries)
        self._met, self._last_seen = True, self._clock()
        if self._attempt is None:
            return
        self._seen = answers.marked(self._attempt, entries)
        if self._seen is not None:
            self._ending = self._seen
            self._explain()
        elif look.state in OVER and attempt_of(path) == self._attempt:
            self._note(look)

    def _follow(self, look: Look) -> None:
        """See whether our attempt still runs, else how it ended."""
        if look.runs(self._attempt) and self._job in {None, look.job}:
            self._job, self._last_seen, self._left = look.job, self._clock(), look.left
            if self._stale in {None, look.progress}:
                self._stale = look.progress
            else:
                self._stale = -1.0
                self._progress = max(self._progress, min(look.progress, 0.99))
            return
        elapsed = self._clock() - self._last_seen
        if self._seen is None:
            if look.state == "ERROR" or (
                look.state in OVER and look.path in {"", path_of(self._attempt or "")}
            ):
                self._note(look)
            elif elapsed >= GRACE and look.state != "BUSY":
                self._guess(elapsed)
        if self._seen is not None and (look.state not in OVER | {"BUSY"} or self._settled):
            self._ending = self._seen

    def _note(self, look: Look) -> None:
        """Note what the printer shows of our print, which is over."""
        if look.state == "FINISHED":
            self._seen = Ending.DONE
        else:
            self._seen = Ending.CANCELLED if self._cancelled and look.state == "STOPPED" else Ending.FAILED
        self._explain(look.trouble)
        self._remember()

    def _guess(self, elapsed: float) -> None:
        """Rule on a print that was over when nobody looked."""
        left = (1 - self._progress) * self._seconds if self._left is None else self._left
        self._seen = Ending.FAILED if elapsed < left / 2 else Ending.UNKNOWN
        if self._seen is Ending.FAILED and self._cancelled:
            self._seen = Ending.CANCELLED
        self._explain()
        self._remember()

    def _explain(self, trouble: str = "") -> None:
        if self._seen is Ending.FAILED:
            said = f" ({trouble})" if trouble else ""
            self._why = (
                f"The print ended early{said}: it was stopped at the printer, or the printer restarted."
            )
        elif self._seen is Ending.UNKNOWN:
            self._why = "The print is over and PrusaLink kept no record of how: look at the bed."

    def _remember(self) -> None:
        """Write the ending down. Should that fail, a later driver asks the owner."""
        mark = MARKS.get(self._seen) if self._seen else None
        if mark:
            with contextlib.suppress(PrinterError):
                self._server.send(
                    "PUT", self._place(f"{self._attempt}{mark}"), headers={"Create-Folder": YES}
                )

    def _must_be_ready(self, look: Look) -> None:
        condition = look.condition(None, self._settled)
        if condition is not Condition.IDLE:
            raise PrinterError(look.why(condition) or f"the printer is not ready ({look.state})")

    def _sweep(self) -> None:
        """Delete our old files and what was written down of them; a file that another hand prints stays."""
        for entry in self._entries():
            stem = next(
                (entry.called.removesuffix(m) for m in MARKS.values() if entry.called.endswith(m)), ""
            )
            if attempt_of(f"{FOLDER}/{entry.called}") or (entry.type == "FOLDER" and answers.is_name(stem)):
                with contextlib.suppress(RefusedError):
                    self._server.send("DELETE", self._place(entry.called))

    def _store(self, attempt: str, path: Path) -> None:
        """Upload, wait until PrusaLink knows the file, and see that it holds our bytes."""
        with contextlib.suppress(RefusedError):  # of a start that failed
            self._server.send("DELETE", self._place(f"{attempt}.gcode"))
        headers = {"Content-Type": "text/x.gcode", "Overwrite": NO, "Print-After-Upload": NO}
        try:
            with path.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
                self._server.send(
                    "PUT", self._place(f"{attempt}.gcode"), body=Content(content), headers=headers
                )
                size = len(Content(content))
        except OSError as error:
            raise PrinterError(f"the job's file {path} cannot be read: {error}") from error
        while (entry := self._entry(attempt)) is None:
            self._sleep(0.1)
        changed = entry.size not in {None, size}
        if self._storage == "local" and entry.refs and entry.refs.download:
            changed = changed or self._server.sha256(entry.refs.download) != digest
        if changed:
            raise PrinterError("PrusaLink changed the uploaded file; nothing was started")

    def _order(self, attempt: str) -> None:
        """Order the print, then see it run."""
        self._server.send("POST", self._place(f"{attempt}.gcode"))
        while self._clock() < self._server.until:
            if self._glance().runs(attempt):
                return
            self._sleep(0.1)
        raise PrinterError("it took the order and did nothing")

    def _withdrawn(self, attempt: str) -> bool:
        """Make sure that an order comes to nothing, by deleting its file. False if it runs, or may run."""
        try:
            self._server.send("DELETE", self._place(f"{attempt}.gcode"))
        except RefusedError as refusal:
            return refusal.code == HTTPStatus.NOT_FOUND
        except PrinterError:
            return False
        try:
            return not self._glance().runs(attempt)
        except PrinterError:
            return False

    def _place(self, name: str) -> str:
        return f"/api/v1/files/{self._storage}/{FOLDER}/{name}"

    def _entry(self, attempt: str) -> answers.Entry | None:
        try:
            return self._server.read(answers.Entry, "GET", self._place(f"{attempt}.gcode"))
        except RefusedError as refusal:
            if refusal.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _entries(self) -> list[answers.Entry]:
        """What lies in our folder; nothing where it is not there."""
        try:
            return self._server.read(answers.Entry, "GET", f"/api/v1/files/{self._storage}/{FOLDER}").children
        except RefusedError as refusal:
            if refusal.code == HTTPStatus.NOT_FOUND:
                return []
            raise
