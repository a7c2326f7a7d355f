"""Drives a printer through OctoPrint's REST interface; nothing is believed that OctoPrint does not show.

octorest 0.4 forms the requests. What is broken in it is mended in this file, or below it, in its session:

- it sets no time-outs: every request ends with the deadline of the call that it serves;
- its errors are a bare RuntimeError, or what `requests` raises: here each is a `PrinterError` that helps;
- `upload` sends its fields as JSON beside the file, which `requests` drops, and has no bound: a file goes
  out in slices of time instead, so that a slow machine may take long and is looked at meanwhile;
- it forgets the path of the server's address (OctoPrint behind a reverse proxy): it is put back;
- given a key, its constructor already calls the server: the key goes into the session instead.

OctoPrint's push channel is not used. It would spare no request that decides: an ending counts only with its
trace in the file's history, which also tells what nobody saw, and a start only with our file seen running.

The key should be an application key of an account with just these permissions: status; list, upload, select,
delete and (for OctoPrint 2) download files; print; control (heaters off, where the owner's script for
cancelled prints leaves them on).
"""

import contextlib
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Protocol, TypeVar, cast

import msgspec
from msgspec.structs import replace
from octorest import OctoRest

from agent.printers.driver import Condition, Ending, PrinterError, Status
from agent.printers.octoprint import answers
from agent.printers.octoprint import followed as courses
from agent.printers.octoprint.answers import Look
from agent.printers.octoprint.followed import Course, Note, Stage
from agent.printers.octoprint.question import Question
from agent.printers.octoprint.session import Session
from agent.printers.octoprint.upload import ReadBack, Upload
from agent.printers.server.http import Clock, LateError, RefusedError
from agent.printers.server.lookup import Resolver, system
from agent.printers.server.paths import FOLDER, attempt_of, is_name, newest, path_of, question_of
from agent.printers.server.state_file import Notebook

PATIENCE = 4.5
"""Seconds a call may take; the protocol allows five."""
RESERVE = 1.0
"""Seconds kept back from `PATIENCE` to withdraw a start that cannot be confirmed."""
ORDERING = 2.5
"""Seconds, `RESERVE` among them, without which no start is ordered: the next look has them."""
LONGEST = 1800.0
"""Seconds for a file to come into OctoPrint and be ordered; nobody expects it to start later."""
TRIES = 3
"""How often a look is taken again because the state changed while it was taken."""


class OctoPrintDriver:
    """One printer behind one OctoPrint. See `Driver` for the contract.

    What it knows of an attempt it reads from OctoPrint, where each attempt has a file named by its id, and from
    its note: so a driver that was made a moment ago (the agent restarted) goes on where the last one stopped.
    That file is deleted at the first start after its ending was told.
    """

    def __init__(
        self,
        name: str,
        url: str,
        key: str,
        note: Path | None = None,
        *,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        resolver: Resolver = system,
    ) -> None:
        """Make no contact yet.

        Args:
            name: what the owner calls the printer, for messages.
            url: OctoPrint's address as a browser has it, with its path if it is behind a proxy.
            key: an application key.
            note: the file for what OctoPrint doesn't know; without one, a restart forgets it.
            clock: monotonic seconds.
            sleep: waits, between two looks at a print that was just ordered.
            resolver: looks names up.

        Raises:
            PrinterError: the address is not one, the key is empty, or the note can't be read.
        """
        if not key:
            raise PrinterError(
                "OctoPrint's key is missing or not a key; make one in its settings, Application Keys"
            )
        self.name = name
        self._clock = clock
        self._sleep = sleep
        self._session = Session(url, key, clock, resolver)
        self._rest = cast("_Rest", OctoRest(url=self._session.origin, session=self._session))
        self._book = Notebook(note, Note())
        self._warning: str | None = None
        self._met = False
        self._course: Course | None = None
        self._upload: Upload | None = None
        self._back: ReadBack | None = None
        self._question = Question(self._session, clock)
        self._told = False

    def status(self) -> Status:
        """Look at the printer; while our file is on its way, bring it on for up to two seconds."""
        self._session.until = self._clock() + PATIENCE
        try:
            look = self._look()
        except PrinterError as error:
            self._warning = None  # who answers next may be another version
            return self._status(Condition.UNREACHABLE, str(error))
        if self._upload:
            try:
                look = self._bring(look)
            except LateError:
                pass  # it is slow: the next look goes on
            except PrinterError as error:
                self._abandon(Ending.FAILED, f"Nothing was printed: {error}")
        course = self._course
        condition = course.condition(look) if course else look.condition(None)
        why = (course.why if course else "") or look.why(condition) or self._warning or ""
        if self._upload and condition is Condition.LOADING:
            why = f"OctoPrint takes the file: {self._upload.fraction:.0%}."
        elif course and course.ordered and condition is Condition.PRINTING and not look.runs(course.attempt):
            why = "OctoPrint has stopped; its record of the print is awaited."
        return self._status(condition, why, look)

    def start(self, attempt: str, path: Path, seconds: float) -> None:  # noqa: ARG002 - OctoPrint estimates by itself
        """Upload the file, select and print it, and see that it runs; what takes longer, `status` goes on with."""
        self._session.until = self._clock() + PATIENCE
        if not is_name(attempt):
            raise PrinterError(f"attempt {attempt!r} cannot be a file's name in OctoPrint")
        look = self._look()
        before = self._course
        if before and before.stage is not Stage.ENDED:
            raise PrinterError(f"how attempt {before.attempt} ended is not known yet; nothing starts before")
        self._must_be_ready(look)
        if before and attempt == before.attempt:
            raise PrinterError(f"attempt {attempt} was printed already")
        if self._told:
            self._sweep()
        with contextlib.suppress(RefusedError):  # of a start that failed: its file would keep its trace
            self._rest.delete(f"local/{path_of(attempt)}")
        self._upload = Upload(self._session, attempt, path, self._clock)
        noted = self._book.note
        try:
            self._enter(Course(attempt=attempt, stage=Stage.SENDING, seen=self._clock()))
            self._bring(look)
        except LateError:
            pass  # it is slow: `status` goes on
        except PrinterError:
            self._let_go()
            self._course = before
            self._book.keep(noted)
            raise
        self._told = False

    def pause(self) -> None:
        """Ask for a pause; OctoPrint first lets the printer finish what it has."""
        self._must_run_ours()
        self._rest.pause()

    def resume(self) -> None:
        """Go on."""
        self._must_run_ours()
        self._rest.resume()

    def cancel(self) -> None:
        """Cancel; OctoPrint's own script for cancelled prints runs. A file on its way is not printed."""
        if self._upload:
            self._session.until = self._clock() + PATIENCE
            self._abandon(Ending.CANCELLED, "It was cancelled before anything was printed.")
            return
        before = self._must_run_ours()
        # Noted before: an order may be heard though its answer is lost, or we end in this moment.
        self._enter(replace(before, cancelled=True), hot=True)
        try:
            self._rest.cancel()
        except RefusedError:
            self._enter(before, hot=before.cancelled)
            raise

    def ask(self, question: str) -> None:
        """Ask by a file, which is to be loaded there; one that asked before is taken away."""
        self.hush()
        self._question.put(question)

    def hush(self) -> None:
        """Take away what asks, also from before a restart; OctoPrint then has nothing loaded."""
        self._session.until = self._clock() + PATIENCE
        for file in self._files():
            if question_of(file.path):
                self._rest.delete(f"local/{file.path}")
        self._question.forget()

    def close(self) -> None:
        """Close the connections. OctoPrint prints on; a file that is still on its way is not printed."""
        if self._upload:
            self._upload.close()
        self._session.close()

    def _status(self, condition: Condition, why: str, look: Look | None = None) -> Status:
        course = self._course
        ending = course.ending if course else None
        self._told = self._told or ending is not None
        return Status(
            condition=condition,
            attempt=course.attempt if course else None,
            ending=ending,
            why=why,
            progress=1.0 if ending is Ending.DONE else course.progress if course else 0.0,
            nozzle=look.nozzle if look else None,
            bed=look.bed if look else None,
            asks=self._question.asks,
            answered=self._question.answered,
        )

    def _enter(self, course: Course, *, hot: bool = False) -> None:
        """Note the course before it is taken: what can't be noted does not begin, but it does end."""
        note = Note(
            attempt=course.attempt,
            stage=course.stage,
            cancelled=course.cancelled,
            hot=hot,
            ending=course.ending,
            why=course.why,
        )
        try:
            self._book.keep(note)
        except PrinterError:
            if course.stage is not Stage.ENDED and not course.cancelled:
                raise
        self._course = course

    def _must_run_ours(self) -> Course:
        """See that what runs is ours: another hand's print is not ours to touch."""
        self._session.until = self._clock() + PATIENCE
        look = self._look()
        course = self._course
        if course is None or not course.ordered or not look.runs(course.attempt):
            raise PrinterError("nothing of ours runs on this printer")
        return course

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
        self._question.see(look)
        if self._course and self._course.ordered:
            self._follow(self._course, look)
        if self._book.note.hot and self._course and self._course.ending and look.ready:
            self._cool(self._course, look)
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
        """Find what is known of us: the attempt that runs, the one noted, or the one whose file came last."""
        note = self._book.note
        running = attempt_of(look.path) if look.active else None
        files = self._files()
        self._question.find(file.path for file in files)
        attempt = running or note.attempt or newest((file.path, file.date or 0.0) for file in files)
        if attempt:
            # A file with a trace was printed before: if it runs, another hand has started it once more.
            ending = answers.ending_of(_prints(files, attempt))
            if attempt != note.attempt:
                note = Note(attempt=attempt)
            self._course = courses.recall(note, ending, self._clock())
        self._met = True

    def _follow(self, course: Course, look: Look) -> None:
        prints = None if courses.runs_on(course, look) else self._prints(course.attempt)
        followed = courses.follow(course, look, prints, self._clock())
        if followed.ending:
            self._enter(followed, hot=self._book.note.hot)
        self._course = followed

    def _cool(self, course: Course, look: Look) -> None:
        """Switch off what the owner's script for cancelled prints left on, until it is seen off."""
        heaters = [heater for heater in (look.nozzle, look.bed) if heater is not None]
        if not heaters:
            return
        if not any(heater.target for heater in heaters):
            self._enter(course)
            return
        try:
            self._rest.tool_target(0)
            self._rest.bed_target(0)
        except PrinterError as error:
            why = f"The print was cancelled, but a heater is still on: switch it off. {error}"
            self._course = replace(course, why=why)

    def _must_be_ready(self, look: Look) -> None:
        if not look.ready:
            condition = look.condition(None)
            raise PrinterError(look.why(condition) or f"OctoPrint is not ready ({look.text})")

    def _sweep(self) -> None:
        """Delete our old files; one that another hand prints stays."""
        for file in self._files():
            if attempt_of(file.path) or question_of(file.path):
                with contextlib.suppress(RefusedError):
                    self._rest.delete(f"local/{file.path}")

    def _bring(self, look: Look) -> Look:
        """Bring our file on, and order its print when it is there; the last look that was taken meanwhile."""
        assert self._upload is not None
        attempt, until = self._upload.attempt, self._session.until - ORDERING
        self._must_be_ready(look)  # else another hand was quicker: nobody waits for its print to end
        if self._course and self._clock() - self._course.seen > LONGEST:
            raise PrinterError(f"OctoPrint is too slow: it had {LONGEST / 60:.0f} min to take the file")
        if not self._upload.push(until) or not self._is_whole(self._upload, until):
            return look
        if self._session.left() < ORDERING * 0.9:
            return look
        look = self._glance()
        self._must_be_ready(look)
        self._enter(Course(attempt=attempt, stage=Stage.ORDERED, seen=self._clock()))
        look = self._order(attempt) or look
        self._upload, self._back = None, None
        return look

    def _is_whole(self, upload: Upload, until: float) -> bool:
        """Whether it is certain that OctoPrint holds our bytes: its plugins may rewrite uploads.

        Raises:
            PrinterError: it doesn't, or won't say.
        """
        digest: str | None = None
        if self._back is None:
            file = self._file(upload.attempt)
            if file is None or file.size not in {None, upload.size}:
                raise PrinterError(
                    "OctoPrint, or a plugin in it, changed the uploaded file; nothing was started"
                )
            if answers.ending_of(file.prints):
                raise PrinterError(
                    f"OctoPrint has a record of {path_of(upload.attempt)} already; nothing was started"
                )
            digest = file.hash
            if digest is None:
                self._back = ReadBack(self._session, upload.attempt, upload.size, self._clock)
        if self._back is not None:
            digest = self._back.push(until)
        if digest not in {None, upload.digest}:
            raise PrinterError("OctoPrint, or a plugin in it, changed the uploaded file; nothing was started")
        return digest is not None

    def _order(self, attempt: str) -> Look | None:
        """Select and print in one request, so that no other selection comes between; then see it run.

        Raises:
            PrinterError: it does not, and will not. Where that isn't sure, it counts as running: None.
        """
        deadline = self._session.until
        self._session.until = deadline - RESERVE
        try:
            self._rest.select(f"local/{path_of(attempt)}", print=True)
            while self._clock() < self._session.until:
                look = self._glance()
                if look.runs(attempt) or answers.ending_of(self._prints(attempt)):
                    return look
                self._sleep(0.1)
            raise PrinterError("it took the order and did nothing")  # noqa: TRY301 - one way out for all that fails
        except PrinterError as error:
            self._session.until = deadline
            if self._withdrawn(attempt):
                raise PrinterError(
                    f"OctoPrint did not start the print, and nothing moves: {error}"
                ) from error
        return None

    def _abandon(self, ending: Ending, why: str) -> None:
        """Give up an attempt whose print was not ordered."""
        course = self._course
        assert course is not None
        self._let_go()
        self._enter(replace(course, stage=Stage.ENDED, ending=ending, why=why))

    def _let_go(self) -> None:
        """Let nothing of a file on its way remain: one that stays would look like an attempt."""
        for way in (self._upload, self._back):
            if way is not None:
                way.close()
        if self._upload is not None:
            self._withdrawn(self._upload.attempt)
        self._upload, self._back = None, None

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
        return _named(self._files(), attempt)

    def _prints(self, attempt: str) -> answers.Prints | None:
        return _prints(self._files(), attempt)


class _Rest(Protocol):
    """The part of octorest that is used here; it has no types of its own."""

    def get_version(self) -> object: ...
    def job_info(self) -> object: ...
    def printer(self, *, exclude: list[str]) -> object: ...
    def files(self, location: str) -> object: ...
    def select(self, location: str, *, print: bool) -> None: ...  # noqa: A002 - octorest's own word
    def delete(self, location: str) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def cancel(self) -> None: ...
    def tool_target(self, targets: float) -> None: ...
    def bed_target(self, target: float) -> None: ...


def _named(files: list[answers.File], attempt: str) -> answers.File | None:
    return next((file for file in files if file.path == path_of(attempt)), None)


def _prints(files: list[answers.File], attempt: str) -> answers.Prints | None:
    file = _named(files, attempt)
    return None if file is None else file.prints


Answer = TypeVar("Answer")


def _read(answer: object, kind: type[Answer]) -> Answer:
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise PrinterError(f"OctoPrint answers in a way that is not known: {error}") from error
