"""Drives a printer through OctoPrint's REST interface; nothing is believed that OctoPrint does not show.

octorest 0.4 makes the requests. What is broken in it is mended in this file, below it, in its session:

- it sets no time-outs: every request ends with the deadline of the call that it serves;
- its errors are a bare RuntimeError, or what `requests` raises: here each is a `PrinterError` that helps;
- `upload` sends its fields as JSON beside the file, which `requests` drops: they become form fields, and the
  file is streamed instead of being held in memory;
- it forgets the path of the server's address (OctoPrint behind a reverse proxy): it is put back;
- given a key, its constructor already calls the server: the key goes into the session instead.

The key should be an application key of an account with just these permissions: status; list, upload, select
and delete files; print; control (heaters off, where the owner's script for cancelled prints leaves them on).
"""

import contextlib
import hashlib
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar, cast
from urllib.parse import urlsplit

import msgspec
import requests
from octorest import OctoRest

from agent.printers import octoprint_answers as answers
from agent.printers.driver import Condition, Ending, PrinterError, Status
from agent.printers.form import Form
from agent.printers.octoprint_answers import FOLDER, Look, attempt_of, path_of

PATIENCE = 4.5
"""Seconds a call may take; the protocol allows five."""
RESERVE = 1.0
"""Seconds kept back from `PATIENCE` to withdraw a start that cannot be confirmed."""
GRACE = 5.0
"""Seconds that OctoPrint gets to write its record of a print after the print is over."""
TRIES = 3
"""How often a look is taken again because the state changed while it was taken."""

Clock = Callable[[], float]


class RefusedError(PrinterError):
    """OctoPrint answered, and it was no. `code` is the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class OctoPrintDriver:
    """One printer behind one OctoPrint. See `Driver` for the contract.

    What it knows of an attempt it reads from OctoPrint, where each attempt has a file named by its id: so a
    driver that was made a moment ago (the agent restarted) goes on where the last one stopped. That file is
    deleted at the first start after its ending was told.
    """

    def __init__(
        self,
        name: str,
        url: str,
        key: str,
        *,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Make no contact yet.

        Args:
            name: what the owner calls the printer, for messages.
            url: OctoPrint's address as a browser has it, with its path if it is behind a proxy.
            key: an application key.
            clock: monotonic seconds.
            sleep: waits, between two looks at a print that was just ordered.

        Raises:
            PrinterError: the address is not one, or the key is empty.
        """
        self.name = name
        self._clock = clock
        self._sleep = sleep
        self._session = _Session(url, key, clock)
        self._rest = cast("_Rest", OctoRest(url=url, session=self._session))
        self._warning: str | None = None
        self._met = False
        self._attempt: str | None = None
        self._ending: Ending | None = None
        self._why = ""
        self._told = False
        self._progress = 0.0
        self._cancelled = False
        self._last_seen = 0.0

    def status(self) -> Status:
        """Look at the printer."""
        self._session.until = self._clock() + PATIENCE
        try:
            look = self._look()
        except PrinterError as error:
            self._warning = None  # who answers next may be another version
            return self._status(Condition.UNREACHABLE, str(error))
        condition = look.condition(None if self._ending else self._attempt)
        why = self._why or look.why(condition) or self._warning or ""
        if self._pending and not look.runs(self._attempt) and condition in {Condition.IDLE, Condition.BUSY}:
            condition, why = Condition.PRINTING, "OctoPrint has stopped; its record of the print is awaited."
        return self._status(condition, why, look)

    def start(self, attempt: str, path: Path, seconds: float) -> None:  # noqa: ARG002 - OctoPrint estimates by itself
        """Upload the file, select and print it, and see that it runs."""
        deadline = self._clock() + PATIENCE
        self._session.until = deadline
        if not answers.is_name(attempt):
            raise PrinterError(f"attempt {attempt!r} cannot be a file's name in OctoPrint")
        self._must_be_ready(self._look())
        if self._pending:
            raise PrinterError(f"how attempt {self._attempt} ended is not known yet; nothing starts before")
        if attempt == self._attempt:
            raise PrinterError(f"attempt {attempt} was printed already")
        if self._told:
            self._sweep()
        try:
            self._store(attempt, path)
            self._must_be_ready(self._look())  # another hand may have started something meanwhile
        except PrinterError:
            self._withdrawn(attempt)  # a file that stays would look like an attempt
            raise
        self._session.until = deadline - RESERVE
        try:
            self._order(attempt)
        except PrinterError as error:
            self._session.until = deadline
            if self._withdrawn(attempt):
                raise PrinterError(
                    f"OctoPrint did not start the print, and nothing moves: {error}"
                ) from error
        self._attempt, self._ending, self._why, self._told = attempt, None, "", False
        self._progress, self._cancelled, self._last_seen = 0.0, False, self._clock()

    def pause(self) -> None:
        """Ask for a pause; OctoPrint first lets the printer finish what it has."""
        self._ask_of_ours(self._rest.pause)

    def resume(self) -> None:
        """Go on."""
        self._ask_of_ours(self._rest.resume)

    def cancel(self) -> None:
        """Cancel; OctoPrint's own script for cancelled prints runs."""
        cancelled, self._cancelled = (
            self._cancelled,
            True,
        )  # before: an order may be heard though its answer is lost
        try:
            self._ask_of_ours(self._rest.cancel)
        except RefusedError:
            self._cancelled = cancelled
            raise

    def close(self) -> None:
        """Close the connections. OctoPrint prints on."""
        self._session.close()

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

    def _ask_of_ours(self, request: Callable[[], None]) -> None:
        """Send an order, if what runs is ours: another hand's print is not ours to touch."""
        self._session.until = self._clock() + PATIENCE
        look = self._look()
        if not (self._pending and look.runs(self._attempt)):
            raise PrinterError("nothing of ours runs on this printer")
        request()

    def _look(self) -> Look:
        """Look at the printer, and follow our attempt."""
        if self._warning is None:
            version = _read(self._rest.get_version(), answers.Version).server
            oldest = ".".join(map(str, answers.OLDEST_GOOD))
            self._warning = (
                f"OctoPrint {version} has known holes: update it to {oldest}."
                if answers.is_old(version)
                else ""
            )
        look = self._glance()
        if not self._met:
            self._meet(look)
        if self._pending:
            self._follow(look)
        return look

    def _glance(self) -> Look:
        """Put two answers into one look; ask again if the state changed between them."""
        look = None
        for _ in range(TRIES):
            job = _read(self._rest.job_info(), answers.Job)
            try:
                printer = _read(self._rest.printer(exclude=["sd"]), answers.Printer)
            except RefusedError as refusal:
                if refusal.code != HTTPStatus.CONFLICT:
                    raise
                return answers.look(job, None)
            look = answers.look(job, printer)
            if printer.state.text == job.state:
                break
        assert look is not None
        return look

    def _meet(self, look: Look) -> None:
        """Find what OctoPrint holds of us: the attempt that runs, else the one whose file came last."""
        running = attempt_of(look.path) if look.active else None
        self._attempt = running or answers.newest(self._files())
        self._met = True
        self._last_seen = self._clock()
        if self._attempt:
            # A file with a trace was printed before: if it runs, another hand has started it once more.
            self._end(answers.ending_of(self._prints(self._attempt)))

    def _follow(self, look: Look) -> None:
        """See whether our attempt still runs, else how it ended."""
        assert self._attempt is not None
        running = look.runs(self._attempt)
        if running:
            self._last_seen = self._clock()
            fraction = min(look.completion / 100.0, 0.99)
            if fraction >= self._progress or look.closing:
                self._progress = max(self._progress, fraction)
                return
            # Less than before: another hand prints our file again, or the figure was mended. The trace tells.
        ending = answers.ending_of(self._prints(self._attempt))
        if ending is None and not running and self._clock() - self._last_seen >= GRACE:
            ending = Ending.UNKNOWN
        self._end(ending)
        if self._cancelled and self._ending is Ending.CANCELLED and look.ready:
            self._cool(look)

    def _end(self, ending: Ending | None) -> None:
        """Note the ending and what the owner should hear of it."""
        if ending is Ending.FAILED and self._cancelled:
            ending = Ending.CANCELLED
        elif ending is Ending.FAILED:
            self._why = (
                "OctoPrint ended the print early: it was cancelled there, or the printer failed or restarted."
            )
        elif ending is Ending.UNKNOWN:
            self._why = "OctoPrint does not say how the print ended: look at the bed."
        self._ending = ending

    def _cool(self, look: Look) -> None:
        """Switch off what the owner's script for cancelled prints left on."""
        hot = [heater for heater in (look.nozzle, look.bed) if heater is not None and heater.target > 0]
        if not hot:
            return
        try:
            self._rest.tool_target(0)
            self._rest.bed_target(0)
        except PrinterError as error:
            self._why = f"The print was cancelled, but a heater is still on: switch it off. {error}"

    def _must_be_ready(self, look: Look) -> None:
        if not look.ready:
            condition = look.condition(None)
            raise PrinterError(look.why(condition) or f"OctoPrint is not ready ({look.text})")

    def _sweep(self) -> None:
        """Delete our old files; one that another hand prints stays."""
        for file in self._files():
            if attempt_of(file.path):
                with contextlib.suppress(RefusedError):
                    self._rest.delete(f"local/{file.path}")

    def _store(self, attempt: str, path: Path) -> None:
        """Upload, and see that OctoPrint holds our bytes under our name: its plugins may rewrite uploads."""
        with contextlib.suppress(RefusedError):  # of a start that failed: its file would keep its trace
            self._rest.delete(f"local/{path_of(attempt)}")
        try:
            with path.open("rb") as content:
                uploaded = _read(
                    self._rest.upload((f"{attempt}.gcode", content), path=FOLDER), answers.Uploaded
                )
                content.seek(0)
                digest = hashlib.file_digest(content, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
        except OSError as error:
            raise PrinterError(f"the job's file {path} cannot be read: {error}") from error
        stored = uploaded.files.get("local")
        if stored is None or stored.path != path_of(attempt):
            raise PrinterError(f"OctoPrint stored {path_of(attempt)} under another name; nothing was started")
        file = self._file(attempt)
        if file is None or file.hash not in {None, digest}:
            raise PrinterError("OctoPrint, or a plugin in it, changed the uploaded file; nothing was started")
        if answers.ending_of(file.prints):
            raise PrinterError(f"OctoPrint has a record of {path_of(attempt)} already; nothing was started")

    def _order(self, attempt: str) -> None:
        """Select and print in one request, so that no other selection comes between; then see it run."""
        self._rest.select(f"local/{path_of(attempt)}", print=True)
        while self._clock() < self._session.until:
            look = self._glance()
            if look.runs(attempt) or answers.ending_of(self._prints(attempt)):
                return
            self._sleep(0.1)
        raise PrinterError("it took the order and did nothing")

    def _withdrawn(self, attempt: str) -> bool:
        """Make sure that an order comes to nothing, by deleting its file. False if it runs, or may run."""
        try:
            self._rest.delete(f"local/{path_of(attempt)}")
        except RefusedError as refusal:
            return refusal.code == HTTPStatus.NOT_FOUND
        except PrinterError:
            return False
        return True

    def _files(self) -> list[answers.File]:
        try:
            return _read(self._rest.files(f"local/{FOLDER}"), answers.Folder).children
        except RefusedError as refusal:
            if refusal.code == HTTPStatus.NOT_FOUND:
                return []
            raise

    def _file(self, attempt: str) -> answers.File | None:
        """Our file as the folder lists it; asked for the one, OctoPrint 1.11.8 logs four tracebacks."""
        return next((file for file in self._files() if file.path == path_of(attempt)), None)

    def _prints(self, attempt: str) -> answers.Prints | None:
        file = self._file(attempt)
        return None if file is None else file.prints


class _Rest(Protocol):
    """The part of octorest that is used here; it has no types of its own."""

    def get_version(self) -> object: ...
    def job_info(self) -> object: ...
    def printer(self, *, exclude: list[str]) -> object: ...
    def files(self, location: str) -> object: ...
    def upload(self, file: tuple[str, BinaryIO], *, path: str) -> object: ...
    def select(self, location: str, *, print: bool) -> None: ...  # noqa: A002 - octorest's own word
    def delete(self, location: str) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def cancel(self) -> None: ...
    def tool_target(self, targets: float) -> None: ...
    def bed_target(self, target: float) -> None: ...


class _Session(requests.Session):
    """What octorest sends through. `until` is the clock's time at which every request has to be over."""

    def __init__(self, url: str, key: str, clock: Clock) -> None:
        super().__init__()
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise PrinterError(f"{url!r} is not the address of an OctoPrint, like http://octopi.local")
        if not key or not key.isascii() or not key.isprintable():
            raise PrinterError(
                "OctoPrint's key is missing or not a key; make one in its settings, Application Keys"
            )
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._prefix = parts.path.rstrip("/")
        self._clock = clock
        self.until = 0.0
        self.trust_env = False  # no proxy and no .netrc stand between us and a printer
        self.headers["X-Api-Key"] = key

    def request(self, method: str, url: str, **rest: Any) -> requests.Response:  # pyright: ignore[reportIncompatibleMethodOverride] - octorest names all but these two
        """Send one request; raise `PrinterError` for all but a good answer."""
        path = url.removeprefix(self._origin)
        files = rest.pop("files", None)
        if files:
            form = Form(rest.pop("json"), files["file"], self._remaining)
            rest |= {"data": form, "headers": {"Content-Type": form.content_type}}
        try:
            rest |= {
                "timeout": self._remaining(),
                "allow_redirects": False,
            }  # they lose bodies, and carry the key off
            answer = super().request(method, f"{self._origin}{self._prefix}{path}", **rest)
        except requests.Timeout as error:
            raise PrinterError(f"OctoPrint at {self._origin} does not answer in time") from error
        except requests.RequestException as error:
            raise PrinterError(f"OctoPrint at {self._origin} is out of reach; is it running?") from error
        if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise RefusedError(
                answer.status_code,
                f"OctoPrint refuses the key for {method} {path}: "
                "make a new one in its settings, Application Keys, with an account that may print",
            )
        if not HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
            elsewhere = f" and points to {answer.headers['Location']}" if answer.is_redirect else ""
            raise RefusedError(
                answer.status_code, f"OctoPrint answers {answer.status_code} to {method} {path}{elsewhere}"
            )
        try:
            msgspec.json.decode(answer.content or b"null")
        except msgspec.DecodeError as error:
            raise PrinterError(
                f"what answers at {self._origin} is not OctoPrint, or it is still starting"
            ) from error
        return answer

    def _remaining(self) -> float:
        left = self.until - self._clock()
        if left <= 0:
            raise PrinterError("OctoPrint takes too long")
        return left


Answer = TypeVar("Answer")


def _read(answer: object, kind: type[Answer]) -> Answer:
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise PrinterError(f"OctoPrint answers in a way that is not known: {error}") from error
