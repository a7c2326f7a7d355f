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
import hashlib
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from agent.printers import moonraker_answers as answers
from agent.printers.driver import Condition, Ending, PrinterError, Status
from agent.printers.exchange import Clock, Exchange, RefusedError, SilentError
from agent.printers.form import Form
from agent.printers.moonraker_answers import FOLDER, Look, attempt_of, path_of

PATIENCE = 4.5
"""Seconds a call may take; the protocol allows five."""
RESERVE = 1.0
"""Seconds kept back from `PATIENCE` to withdraw a start that cannot be confirmed."""
GRACE = 5.0
"""Seconds that Moonraker gets to write its history of a print after the print is over."""
LAST_MOVES = 60.0
"""Seconds that may pass between Klipper's last line and its last move; it reads about two ahead."""
REMEMBERED = 100
"""Prints, newest first, among which ours is looked for."""
ADVICE = "Copy the API key from Mainsail's or Fluidd's settings, or let Moonraker trust this machine."
OFF = "TURN_OFF_HEATERS"


class MoonrakerDriver:
    """One printer behind one Moonraker. See `Driver` for the contract.

    What it knows of an attempt it reads from Moonraker, where each attempt has a file named by its id: so a
    driver that was made a moment ago (the agent restarted) goes on where the last one stopped. That file is
    deleted at the first start after its ending was told.
    """

    def __init__(
        self,
        name: str,
        url: str,
        key: str = "",
        *,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Make no contact yet.

        Args:
            name: what the owner calls the printer, for messages.
            url: Moonraker's address, with its path if it is behind a proxy.
            key: Moonraker's API key; may be empty where it trusts this machine.
            clock: monotonic seconds.
            sleep: waits, between two looks at a print that was just ordered.

        Raises:
            PrinterError: the address is not one, or the key can't be one.
        """
        if not key.isascii() or not (key.isprintable() or not key):
            raise PrinterError(
                "Moonraker's key is not one: copy it from Mainsail or Fluidd, Settings, API key"
            )
        self.name = name
        self._clock = clock
        self._sleep = sleep
        self._server = Exchange(
            "Moonraker", url, clock, advice=ADVICE, headers={"X-Api-Key": key} if key else {}
        )
        self._met = False
        self._attempt: str | None = None
        self._ending: Ending | None = None
        self._why = ""
        self._told = False
        self._progress = 0.0
        self._cancelled = False
        self._last_seen = 0.0
        self._late = ""
        self._blind = True
        """Whether Moonraker was out of sight since our print was last seen to run."""

    def status(self) -> Status:
        """Look at the printer."""
        self._server.until = self._clock() + PATIENCE
        try:
            look = self._look()
        except PrinterError as error:
            self._last_seen, self._blind = self._clock(), True
            return self._status(Condition.UNREACHABLE, str(error))
        condition = look.condition(self._attempt if self._pending else None)
        why = self._why or look.why(condition)
        if self._pending and not look.runs(self._attempt) and condition in {Condition.IDLE, Condition.BUSY}:
            condition, why = Condition.PRINTING, "The last moves, or Moonraker's record of them, are awaited."
        elif self._pending and self._late:
            why = f"{self._late} is given; Klipper first ends what it is doing, which may be minutes of heating."
        return self._status(condition, why, look)

    def start(self, attempt: str, path: Path, seconds: float) -> None:  # noqa: ARG002 - nobody asks for the time here
        """Upload the file, order its print, and see that it runs."""
        deadline = self._clock() + PATIENCE
        self._server.until = deadline
        if not answers.is_name(attempt):
            raise PrinterError(f"attempt {attempt!r} cannot be a file's name in Moonraker")
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
                raise PrinterError(f"Klipper did not start the print, and nothing moves: {error}") from error
        self._attempt, self._ending, self._why, self._told = attempt, None, "", False
        self._progress, self._cancelled, self._last_seen, self._late = 0.0, False, self._clock(), ""
        self._blind = False

    def pause(self) -> None:
        """Ask for a pause; Klipper runs its owner's PAUSE."""
        self._ask_of_ours("pause", "The pause")

    def resume(self) -> None:
        """Go on; Klipper runs its owner's RESUME."""
        self._ask_of_ours("resume", "The order to go on")

    def cancel(self) -> None:
        """Cancel; Klipper runs its owner's CANCEL_PRINT."""
        before, self._cancelled = (
            self._cancelled,
            True,
        )  # first: an order may be heard though its answer is lost
        try:
            self._ask_of_ours("cancel", "The cancellation")
        except RefusedError:
            self._cancelled = before
            raise

    def close(self) -> None:
        """Nothing to let go of: no connection outlives its request."""

    @property
    def _pending(self) -> bool:
        """Whether an attempt of ours has begun and no ending of it is known."""
        return self._attempt is not None and self._ending is None

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

    def _ask_of_ours(self, order: str, called: str) -> None:
        """Send an order, if what runs is ours: another hand's print is not ours to touch."""
        self._server.until = self._clock() + PATIENCE
        look = self._look()
        if not (self._pending and look.runs(self._attempt)):
            raise PrinterError("nothing of ours runs on this printer")
        self._late = ""
        try:
            self._server.send("POST", f"/printer/print/{order}")
        except SilentError:
            self._late = called  # Klipper has it in its queue

    def _look(self) -> Look:
        """Look at the printer, and follow our attempt."""
        look = self._glance()
        if not self._met:
            self._meet(look)
        if self._pending:
            self._follow(look)
        return look

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

    def _meet(self, look: Look) -> None:
        """Find what Moonraker holds of us: the attempt that runs, else the one whose file came last."""
        stats = look.parts.print_stats
        attempt = (attempt_of(stats.filename) if look.active else None) or answers.newest(self._files())
        ending = look.trace(attempt, self._history(), blind=True) if attempt else None
        self._attempt, self._met, self._last_seen = attempt, True, self._clock()
        self._end(ending, look)

    def _follow(self, look: Look) -> None:
        """See whether our attempt still runs, else how it ended."""
        assert self._attempt is not None
        running = look.runs(self._attempt)
        if running:
            self._last_seen, self._blind = self._clock(), False
            fraction = min(look.parts.virtual_sdcard.progress, 0.99)
            if fraction >= self._progress or look.parts.print_stats.state == "paused":
                self._progress = max(self._progress, fraction)
                return
            # Less than before: another hand may print our file again. The trace tells.
        if look.state in {"disconnected", "startup"}:
            self._last_seen = self._clock()
            return  # Klipper may print on unseen; what it shows when it is back tells more than its absence
        elapsed = self._clock() - self._last_seen
        if look.holds(self._attempt) and look.moving and elapsed < LAST_MOVES:
            return
        ending = look.trace(self._attempt, self._history(), blind=self._blind)
        if ending is None and not running and elapsed >= GRACE:
            ending = Ending.UNKNOWN
        self._end(ending, look)
        if self._cancelled and self._ending is Ending.CANCELLED and look.hot and not look.active:
            self._cool()

    def _end(self, ending: Ending | None, look: Look) -> None:
        """Note the ending and what the owner should hear of it."""
        if ending is Ending.CANCELLED and not self._cancelled:
            ending = Ending.FAILED
            self._why = "The print was cancelled in Klipper, by another hand than ours."
        elif ending is Ending.FAILED:
            said = look.message if look.state in {"shutdown", "error"} else ""
            if look.holds(self._attempt):
                said = said or look.parts.print_stats.message
            self._why = (
                f"Klipper ended the print: {' '.join(said.split())}"
                if said
                else "Klipper stopped or restarted in the middle of the print: see klippy.log."
            )
        elif ending is Ending.UNKNOWN:
            self._why = (
                "The print is over and neither Klipper nor Moonraker kept a record of how: look at the bed."
            )
        self._ending = ending

    def _cool(self) -> None:
        """After our own cancellation: switch off the heaters that Klipper has left on."""
        try:
            self._server.send("POST", f"/printer/gcode/script?script={OFF}")
        except SilentError:
            pass  # it waits in Klipper's queue
        except PrinterError as error:
            self._why = f"The print was cancelled, but a heater is still on: switch it off. {error}"

    def _must_be_ready(self, look: Look) -> None:
        if not look.ready:
            condition = look.condition(None)
            raise PrinterError(look.why(condition) or f"Klipper is not ready ({look.state})")

    def _sweep(self) -> None:
        """Delete our old files; one that another hand prints stays."""
        for file in self._files():
            if attempt := attempt_of(f"{FOLDER}/{file.filename}"):
                with contextlib.suppress(RefusedError):
                    self._delete(attempt)

    def _store(self, attempt: str, path: Path) -> None:
        """Upload, and see that Moonraker holds our bytes under our name.

        Its own checksum is of what came in. What it stores may differ: it may be set to rewrite uploads; and
        two Moonrakers on one machine use one temporary file for uploads that begin in the same second.
        """
        if any(job.filename == path_of(attempt) for job in self._history()):
            raise PrinterError(f"Moonraker has a record of {path_of(attempt)} already; nothing was started")
        try:
            with path.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
                content.seek(0)
                fields = {"root": "gcodes", "path": FOLDER, "checksum": digest}
                kind = "application/octet-stream"
                form = Form(fields, (f"{attempt}.gcode", content, kind))
                headers = {"Content-Type": form.content_type}
                uploaded = self._server.read(
                    answers.Uploaded, "POST", "/server/files/upload", body=form, headers=headers
                )
        except OSError as error:
            raise PrinterError(f"the job's file {path} cannot be read: {error}") from error
        if uploaded.item.path != path_of(attempt):
            raise PrinterError(f"Moonraker stored {path_of(attempt)} under another name; nothing was started")
        if self._server.sha256(f"/server/files/gcodes/{path_of(attempt)}") != digest:
            raise PrinterError("Moonraker changed the uploaded file; nothing was started")

    def _order(self, attempt: str) -> None:
        """Order the print, then see it run."""
        self._server.send("POST", f"/printer/print/start?filename={quote(path_of(attempt), safe='')}")
        while self._clock() < self._server.until:
            look = self._glance()
            if look.runs(attempt) or look.trace(attempt, [], blind=True):
                return
            self._sleep(0.05)
        raise PrinterError("it took the order and did nothing")

    def _withdrawn(self, attempt: str) -> bool:
        """Make sure that an order comes to nothing, by deleting its file. False if it runs, or may run."""
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
