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
- while the printer heats, a pause or stop waits until it is hot;
- what is built into a printer shows no job once a print is over, so not whose it was: its `FINISHED` is ours only
  if no other print can have been between.
"""

import contextlib
import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path

import msgspec

from agent.printers.driver import Condition, Ending, PrinterError
from agent.printers.prusalink import answers
from agent.printers.prusalink.answers import MARKS, OVER, Look
from agent.printers.server.driver import GRACE, Door, Order
from agent.printers.server.followed import Errand
from agent.printers.server.http import Clock, Content, Exchange, Login, RefusedError, SilentError
from agent.printers.server.outgoing import Parcel
from agent.printers.server.paths import FOLDER, attempt_of, is_name, newest, path_of
from agent.printers.server.upload import Shipment

ON_A_PI = "local"
"""The storage of PrusaLink on a Pi; what is built into a printer has a stick."""
SETTLED = 15.0
"""Seconds that PrusaLink on a Pi gets after a print until it takes orders; a printer itself takes them at once."""
BETWEEN = 60.0
"""Seconds, beyond what our print had left, in which no other print can have begun and ended."""
ADVICE = "Its settings, on its page or the printer's screen, show the right one."
YES, NO = "?1", "?0"
ORDERS = {Order.PAUSE: ("PUT", "/pause"), Order.RESUME: ("PUT", "/resume"), Order.CANCEL: ("DELETE", "")}


class PrusaLinkErrand(Errand, kw_only=True):
    """An attempt in PrusaLink."""

    seen: Ending | None = None
    """The ending, until the printer takes orders again: then it is told."""
    seconds: float = 0.0
    """How long the print was reckoned to last."""
    left: float | None = None
    """Seconds that PrusaLink last reckoned with."""
    witnessed: bool = False
    """Whether this driver has started it, or seen it run."""
    job: int | None = None
    stale: float | None = None
    """The progress that was shown first, which may be the last print's; -1 as soon as it has changed."""

    @property
    def remaining(self) -> float:
        """Seconds that it would have gone on when it was last seen."""
        return (1 - self.progress) * self.seconds if self.left is None else self.left


class PrusaLinkDriver(Door[Look, PrusaLinkErrand]):
    """One printer behind one PrusaLink. See `Driver` for the contract."""

    AWAITED = "The print is over; the printer is not yet ready for another."

    def __init__(
        self,
        name: str,
        url: str,
        key: str = "",
        note: Path | None = None,
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
            note: see `Door`.
            clock: monotonic seconds.
            sleep: waits, between two looks at a print that was just ordered.

        Raises:
            PrinterError: the address is not one, neither key nor login is there, or the note can't be read.
        """
        if bool(key) == bool(login) or not key.isascii() or not (key.isprintable() or not key):
            raise PrinterError(
                "PrusaLink needs its API key, or a user's name and password: its settings show both"
            )
        headers = {"X-Api-Key": key} if key else {}
        server = Exchange("PrusaLink", url, clock, advice=ADVICE, headers=headers, login=login)
        super().__init__(name, server, note, clock, sleep)
        self._storage = ""
        self._over_since: float | None = None

    def _condition(self, look: Look, running: str | None) -> Condition:
        return look.condition(running, self._settled)

    @property
    def _settled(self) -> bool:
        wait = SETTLED if self._storage == ON_A_PI else 0.0
        return self._over_since is not None and self._clock() - self._over_since >= wait

    def _begun(self, attempt: str, seconds: float) -> PrusaLinkErrand:
        return PrusaLinkErrand(attempt=attempt, last_seen=self._clock(), seconds=seconds, witnessed=True)

    def _tell(self, order: Order, errand: PrusaLinkErrand, look: Look) -> None:  # noqa: ARG002 - the job is enough
        method, path = ORDERS[order]
        with contextlib.suppress(SilentError):  # it may have been heard; the state tells
            self._server.send(method, f"/api/v1/job/{look.job}{path}")

    def _glance(self) -> Look:
        """What the printer does, and with which file."""
        if not self._storage:
            self._storage = self._find_storage()
        status = self._server.read(answers.Status, "GET", "/api/v1/status")
        content = self._server.send("GET", "/api/v1/job")
        try:
            job = msgspec.json.decode(content, type=answers.Job) if content else None
        except msgspec.MsgspecError as error:
            raise PrinterError(f"PrusaLink answers in a way that is not known: {error}") from error
        look = answers.look(status, job)
        if look.state not in OVER:
            self._over_since = None
        elif self._over_since is None:
            self._over_since = self._clock()
        return look

    def _find_storage(self) -> str:
        """The name of the storage that can be written to."""
        found = self._server.read(answers.Storages, "GET", "/api/v1/storage").storage_list
        for storage in found:
            if storage.available and not storage.read_only:
                return storage.path.strip("/")
        raise PrinterError("PrusaLink has nowhere to store a file: is a USB stick in the printer?")

    def _meet(self, look: Look) -> PrusaLinkErrand | None:
        over = look.state in OVER
        path = self._shown_path(look) if over else look.path
        entries = self._entries()
        attempt = attempt_of(path) if look.active or over else None
        attempt = attempt or newest((f"{FOLDER}/{entry.called}", entry.m_timestamp) for entry in entries)
        if attempt is None:
            return None
        errand = PrusaLinkErrand(attempt=attempt, last_seen=self._clock())
        errand.seen = answers.marked(attempt, entries)
        if errand.seen is not None:
            errand.ending = errand.seen
            self._explain(errand)
        return errand

    def _shown_path(self, look: Look) -> str:
        """Whose print is over; empty where that is not told. PrusaLink on a Pi does in its older interface."""
        if look.path:
            return look.path
        try:
            old = self._server.read(answers.Old, "GET", "/api/job").job
        except RefusedError:
            return ""
        return "/".join((old.file.path or "").split("/")[-2:]) if old else ""

    def _follow(self, errand: PrusaLinkErrand, look: Look) -> None:
        if look.runs(errand.attempt) and errand.job in {None, look.job}:
            errand.runs(self._clock())
            errand.job, errand.left, errand.witnessed = look.job, look.left, True
            if errand.stale in {None, look.progress}:
                errand.stale = look.progress
            else:
                errand.stale = -1.0
                errand.progress = max(errand.progress, min(look.progress, 0.99))
            return
        elapsed, rested = self._clock() - errand.last_seen, errand.rests(self._clock())
        if errand.seen is None:
            if look.state == "ERROR" or (look.state in OVER and self._is_ours(errand, look, elapsed)):
                self._note(errand, look)
            elif rested >= GRACE and look.state != "BUSY":
                self._guess(errand, elapsed)
        if errand.seen is not None and (look.state not in OVER | {"BUSY"} or self._settled):
            errand.ending = errand.seen

    def _is_ours(self, errand: PrusaLinkErrand, look: Look, elapsed: float) -> bool:
        """Whether the print that is shown to be over is this one."""
        path = self._shown_path(look)
        alone = errand.witnessed and elapsed <= errand.remaining + BETWEEN
        since = (
            self._over_since is not None and self._over_since >= errand.last_seen
        )  # else it is the one before
        return path == path_of(errand.attempt) or (not path and alone and since)

    def _note(self, errand: PrusaLinkErrand, look: Look) -> None:
        """Note what the printer shows of our print, which is over."""
        if look.state == "FINISHED":
            errand.seen = Ending.DONE
        else:
            cancelled = errand.cancelled and look.state == "STOPPED"
            errand.seen = Ending.CANCELLED if cancelled else Ending.FAILED
        self._explain(errand, look.trouble)
        self._remember(errand)

    def _guess(self, errand: PrusaLinkErrand, elapsed: float) -> None:
        """Rule on a print that was over when nobody looked."""
        errand.seen = Ending.FAILED if elapsed < errand.remaining / 2 else Ending.UNKNOWN
        if errand.seen is Ending.FAILED and errand.cancelled:
            errand.seen = Ending.CANCELLED
        self._explain(errand)
        self._remember(errand)

    def _explain(self, errand: PrusaLinkErrand, trouble: str = "") -> None:
        if errand.seen is Ending.FAILED:
            said = f" ({trouble})" if trouble else ""
            errand.why = (
                f"The print ended early{said}: it was stopped at the printer, or the printer restarted."
            )
        elif errand.seen is Ending.UNKNOWN:
            errand.why = "The print is over and PrusaLink kept no record of how: look at the bed."

    def _remember(self, errand: PrusaLinkErrand) -> None:
        """Write the ending down. Should that fail, a later driver asks the owner."""
        mark = MARKS.get(errand.seen) if errand.seen else None
        if mark:
            place, headers = self._place(f"{errand.attempt}{mark}"), {"Create-Folder": YES}
            with contextlib.suppress(PrinterError):
                self._server.send("PUT", place, headers=headers)

    def _sweep(self) -> None:
        # And what was written down of them.
        for entry in self._entries():
            stem = next(
                (entry.called.removesuffix(m) for m in MARKS.values() if entry.called.endswith(m)), ""
            )
            if attempt_of(f"{FOLDER}/{entry.called}") or (entry.type == "FOLDER" and is_name(stem)):
                with contextlib.suppress(RefusedError):
                    self._server.send("DELETE", self._place(entry.called))

    def _shipment(self, parcel: Parcel) -> Shipment:
        place = self._place(f"{parcel.attempt}.gcode")
        with contextlib.suppress(RefusedError):  # of a start that failed
            self._server.send("DELETE", place)
        headers = {"Content-Type": "text/x.gcode", "Overwrite": NO, "Print-After-Upload": NO}
        return Shipment(self._server, ("PUT", place), Content(parcel.file), headers, self._clock)

    def _took(self, parcel: Parcel, answer: HTTPResponse, content: bytes) -> None:
        self._server.judge("PUT", self._place(f"{parcel.attempt}.gcode"), answer, content)

    def _is_whole(self, parcel: Parcel) -> bool:
        entry = self._entry(parcel.attempt)
        if entry is None:
            return False
        changed = entry.size not in {None, parcel.size}
        if self._storage == ON_A_PI and entry.refs and entry.refs.download:
            changed = changed or self._server.sha256(entry.refs.download) != parcel.sha256
        if changed:
            raise PrinterError("PrusaLink changed the uploaded file; nothing was started")
        return True

    def _print(self, attempt: str) -> None:
        self._server.send("POST", self._place(f"{attempt}.gcode"))

    def _withdrawn(self, attempt: str) -> bool:
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
