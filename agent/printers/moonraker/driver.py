"""Drives a printer that Klipper moves, through Moonraker's REST interface.

Klipper has ways of its own that a driver must know:

- a command waits until those before it are done, so that a pause or a cancellation in the middle of heating
  takes effect when it is hot, after our request has long timed out: it counts as given once it was sent;
- an order to print waits likewise, and would start a print at a bad moment: its file is deleted if it is late;
- it says that a print is complete when the last line was read; the last moves follow for some seconds;
- its own cancellation leaves the heaters on, unless the owner's macros switch them off: here they go off.

What was learned of Moonraker: its history writes a print off when Moonraker itself stops (as if Klipper had gone),
though Klipper prints on. Then only Klipper's `print_stats` knows the ending, until the next print or Klipper's restart.
"""

import contextlib
import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import quote

from agent.printers.driver import Condition, Ending, PrinterError
from agent.printers.moonraker import answers
from agent.printers.moonraker.answers import Look
from agent.printers.server.driver import GRACE, Door, Order
from agent.printers.server.followed import Errand
from agent.printers.server.http import Clock, Exchange, RefusedError, SilentError
from agent.printers.server.multipart import Form
from agent.printers.server.outgoing import Parcel
from agent.printers.server.paths import FOLDER, attempt_of, newest, path_of
from agent.printers.server.upload import Shipment

LAST_MOVES = 60.0
"""Seconds that may pass between Klipper's last line and its last move; it reads about two ahead."""
REMEMBERED = 100
"""Prints, newest first, among which ours is looked for."""
ADVICE = "Copy the API key from Mainsail's or Fluidd's settings, or let Moonraker trust this machine."
OFF = "TURN_OFF_HEATERS"
UPLOAD = ("POST", "/server/files/upload")
CALLED = {
    Order.PAUSE: "The pause",
    Order.RESUME: "The order to go on",
    Order.CANCEL: "The cancellation",
}


class MoonrakerErrand(Errand, kw_only=True):
    """An attempt in Moonraker."""

    late: str = ""
    """The order that Klipper has put off, as it is called."""
    blind: bool = True
    """Whether Moonraker was out of sight since our print was last seen to run."""


class MoonrakerDriver(Door[Look, MoonrakerErrand]):
    """One printer behind one Moonraker. See `Driver` for the contract."""

    AWAITED = "The last moves, or Moonraker's record of them, are awaited."

    def __init__(
        self,
        name: str,
        url: str,
        key: str = "",
        note: Path | None = None,
        *,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Make no contact yet.

        Args:
            name: what the owner calls the printer, for messages.
            url: Moonraker's address, with its path if it is behind a proxy.
            key: Moonraker's API key; may be empty where it trusts this machine.
            note: see `Door`.
            clock: monotonic seconds.
            sleep: waits, between two looks at a print that was just ordered.

        Raises:
            PrinterError: the address is not one, the key can't be one, or the note can't be read.
        """
        if not key.isascii() or not (key.isprintable() or not key):
            raise PrinterError(
                "Moonraker's key is not one: copy it from Mainsail or Fluidd, Settings, API key"
            )
        headers = {"X-Api-Key": key} if key else {}
        server = Exchange("Moonraker", url, clock, advice=ADVICE, headers=headers)
        super().__init__(name, server, note, clock, sleep)

    def _condition(self, look: Look, running: str | None) -> Condition:
        return look.condition(running)

    def _begun(self, attempt: str, seconds: float) -> MoonrakerErrand:  # noqa: ARG002 - nobody asks for the time
        return MoonrakerErrand(attempt=attempt, last_seen=self._clock(), blind=False)

    def _lose_sight(self) -> None:
        if self._errand:
            self._errand.runs(self._clock())  # as far as anybody can tell
            self._errand.blind = True

    def _remark(self, errand: MoonrakerErrand) -> str:
        late = (
            f"{errand.late} is given; Klipper first ends what it is doing, which may be minutes of heating."
        )
        return late if errand.late else ""

    def _tell(self, order: Order, errand: MoonrakerErrand, look: Look) -> None:  # noqa: ARG002 - it has one print
        errand.late = ""
        try:
            self._server.send("POST", f"/printer/print/{order}")
        except SilentError:
            errand.late = CALLED[order]  # Klipper has it in its queue

    def _glance(self) -> Look:
        """Klipper's parts; where it has none to show, Moonraker's word on why."""
        try:
            parts = self._server.read(answers.Result[answers.Query], "GET", answers.QUERY).result.status
        except RefusedError as refusal:
            if refusal.code == HTTPStatus.UNAUTHORIZED:
                raise
            return self._absent(refusal)
        look = answers.look(parts)
        if not look.ready:
            return look
        return answers.look(parts, self._queue())

    def _absent(self, refusal: RefusedError) -> Look:
        """What Moonraker says of a Klipper that shows nothing."""
        server = self._server.read(answers.Result[answers.Server], "GET", "/server/info").result
        if server.klippy_connected and server.klippy_state not in {"startup", "disconnected"}:
            return Look(state="error", message=str(refusal))
        return Look(state=server.klippy_state if server.klippy_connected else "disconnected")

    def _queue(self) -> str:
        """What Moonraker's job queue is about; a Moonraker without one starts nothing by itself."""
        try:
            return self._server.read(
                answers.Result[answers.Queue], "GET", "/server/job_queue/status"
            ).result.queue_state
        except RefusedError:
            return "paused"

    def _meet(self, look: Look) -> MoonrakerErrand | None:
        stats = look.parts.print_stats
        attempt = attempt_of(stats.filename) if look.active else None
        attempt = attempt or newest((f"{FOLDER}/{file.filename}", file.modified) for file in self._files())
        if attempt is None:
            return None
        errand = MoonrakerErrand(attempt=attempt, last_seen=self._clock())
        self._end(errand, look.trace(attempt, self._history(), blind=True), look)
        return errand

    def _follow(self, errand: MoonrakerErrand, look: Look) -> None:
        running = look.runs(errand.attempt)
        if running:
            errand.runs(self._clock())
            errand.blind = False
            fraction = min(look.parts.virtual_sdcard.progress, 0.99)
            if fraction >= errand.progress or look.parts.print_stats.state == "paused":
                errand.progress = max(errand.progress, fraction)
                return
            # Less than before: another hand may print our file again. The trace tells.
        if look.state in {"disconnected", "startup"}:
            errand.runs(self._clock())
            return  # Klipper may print on unseen; what it shows when it is back tells more than its absence
        rested = 0.0 if running else errand.rests(self._clock())
        if look.holds(errand.attempt) and look.moving and rested < LAST_MOVES:
            return
        ending = look.trace(errand.attempt, self._history(), blind=errand.blind)
        if ending is None and rested >= GRACE:
            ending = Ending.UNKNOWN
        self._end(errand, ending, look)
        if errand.cancelled and errand.ending is Ending.CANCELLED and look.hot and not look.active:
            self._cool(errand)

    def _end(self, errand: MoonrakerErrand, ending: Ending | None, look: Look) -> None:
        """Note the ending and what the owner should hear of it."""
        if ending is Ending.CANCELLED and not errand.cancelled:
            ending = Ending.FAILED
            errand.why = "The print was cancelled in Klipper, by another hand than ours."
        elif ending is Ending.FAILED:
            said = look.message if look.state in {"shutdown", "error"} else ""
            if look.holds(errand.attempt):
                said = said or look.parts.print_stats.message
            errand.why = (
                f"Klipper ended the print: {' '.join(said.split())}"
                if said
                else "Klipper stopped or restarted in the middle of the print: see klippy.log."
            )
        elif ending is Ending.UNKNOWN:
            errand.why = (
                "The print is over and neither Klipper nor Moonraker kept a record of how: look at the bed."
            )
        errand.ending = ending

    def _cool(self, errand: MoonrakerErrand) -> None:
        """After our own cancellation: switch off the heaters that Klipper has left on."""
        try:
            self._server.send("POST", f"/printer/gcode/script?script={OFF}")
        except SilentError:
            pass  # it waits in Klipper's queue
        except PrinterError as error:
            errand.why = f"The print was cancelled, but a heater is still on: switch it off. {error}"

    def _sweep(self) -> None:
        for file in self._files():
            if attempt := attempt_of(f"{FOLDER}/{file.filename}"):
                with contextlib.suppress(RefusedError):
                    self._delete(attempt)

    def _shipment(self, parcel: Parcel) -> Shipment:
        path = path_of(parcel.attempt)
        if any(job.filename == path for job in self._history()):
            raise PrinterError(f"Moonraker has a record of {path} already; nothing was started")
        fields = {"root": "gcodes", "path": FOLDER, "checksum": parcel.sha256}
        form = Form(fields, (f"{parcel.attempt}.gcode", parcel.file, "application/octet-stream"))
        return Shipment(self._server, UPLOAD, form, {"Content-Type": form.content_type}, self._clock)

    def _took(self, parcel: Parcel, answer: HTTPResponse, content: bytes) -> None:
        uploaded = self._server.understood(answers.Uploaded, self._server.judge(*UPLOAD, answer, content))
        if uploaded.item.path != path_of(parcel.attempt):
            raise PrinterError(
                f"Moonraker stored {path_of(parcel.attempt)} under another name; nothing was started"
            )

    def _is_whole(self, parcel: Parcel) -> bool:
        # Moonraker's own checksum is of what came in. What it stores may differ: it may be set to rewrite uploads;
        # and two Moonrakers on one machine use one temporary file for uploads that begin in the same second.
        if self._server.sha256(f"/server/files/gcodes/{path_of(parcel.attempt)}") != parcel.sha256:
            raise PrinterError("Moonraker changed the uploaded file; nothing was started")
        return True

    def _print(self, attempt: str) -> None:
        self._server.send("POST", f"/printer/print/start?filename={quote(path_of(attempt), safe='')}")

    def _has_begun(self, attempt: str, look: Look) -> bool:
        return look.runs(attempt) or look.trace(attempt, [], blind=True) is not None

    def _withdrawn(self, attempt: str) -> bool:
        try:
            if self._glance().holds(attempt):
                return False
            with contextlib.suppress(RefusedError):  # as for a file that was never stored
                self._delete(attempt)
            there = any(attempt_of(f"{FOLDER}/{file.filename}") == attempt for file in self._files())
            return not (there or self._glance().holds(attempt))  # it may have been opened just before
        except PrinterError:
            return False

    def _delete(self, attempt: str) -> None:
        self._server.send("DELETE", f"/server/files/gcodes/{path_of(attempt)}")

    def _files(self) -> list[answers.File]:
        """Our files; none where the folder is not there, which older versions call a bad request."""
        try:
            return self._server.read(
                answers.Result[answers.Folder], "GET", f"/server/files/directory?path=gcodes/{FOLDER}"
            ).result.files
        except RefusedError as refusal:
            if refusal.code in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}:
                return []
            raise

    def _history(self) -> list[answers.Job]:
        """The last prints, newest first; none where the owner has no `[history]`."""
        path = f"/server/history/list?limit={REMEMBERED}&order=desc"
        try:
            return self._server.read(answers.Result[answers.History], "GET", path).result.jobs
        except RefusedError as refusal:
            if refusal.code == HTTPStatus.NOT_FOUND:
                return []
            raise
