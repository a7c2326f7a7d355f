"""Follows the attempts of one printer behind a server, of whatever kind.

Such a server keeps files, prints them by name and tells how that goes, and other hands use it too. So each
attempt is a file of our own (`paths.py`), nothing counts as started or ended but what the server shows, and an
order that can't be confirmed is withdrawn by deleting its file. What is particular to a kind, its `PrinterServer` says.
"""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic

from agent.http.deadline import Clock
from agent.printers.driver import Condition, Ending, PrinterError, Status
from agent.printers.server.client import LateError, ServerRefusedError
from agent.printers.server.followed import AttemptStage
from agent.printers.server.paths import is_name
from agent.printers.server.printer_server import A, PrinterServer, PrintOrder, V
from agent.printers.server.start import ServerStart, must_be_ready
from agent.printers.server.state_file import AttemptRecord, StateFile, record_of

INTERRUPTED = "The agent was restarted while it sent the file: nothing was printed."


class ServerDriver(Generic[V, A]):
    """One printer behind one server. See `Driver` for the contract.

    What it knows of an attempt it reads from the server, and from its state file: so a driver that was made a moment
    ago (the agent restarted) goes on where the last one stopped. An attempt's file is deleted at the first start after
    its ending was told.
    """

    def __init__(
        self,
        name: str,
        server: PrinterServer[V, A],
        note: Path | None = None,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Make no contact yet.

        Args:
            name: what the owner calls the printer, for messages.
            server: its server.
            note: the state file, for what the server doesn't know; without one, a restart forgets it.
            clock: monotonic seconds.
            sleep: waits, between two looks at a print that was just ordered.

        Raises:
            PrinterError: the state file can't be read.
        """
        self.name = name
        self._file = StateFile(note)
        self._server = server
        self._client = server.client
        self._clock = clock
        self._sleep = sleep
        self._met = False
        self._attempt: A | None = None
        self._start: ServerStart[V, A] | None = None
        self._told = False

    # ── the contract ──────────────────────────────────────────────────────────────────────────────────────

    def status(self) -> Status:
        """Look at the printer; while our file is on its way, bring it on for up to two seconds."""
        self._client.allow()
        try:
            view = self._look()
        except PrinterError as error:
            self._server.lose_sight(self._attempt)
            return self._status(Condition.UNREACHABLE, str(error))
        if self._start:
            try:
                view = self._bring(self._start, view) or view
            except LateError:
                pass  # it is slow: the next look goes on
            except PrinterError as error:
                self._abandon(Ending.FAILED, f"Nothing was printed: {error}")
        attempt, pending = self._attempt, self._pending
        condition = self._server.condition(view, pending.id if pending else None)
        why = (attempt.why if attempt else "") or self._server.why(view, condition)
        if pending and view.ours != pending.id and condition in {Condition.IDLE, Condition.BUSY}:
            condition, why = Condition.PRINTING, self._server.awaited
        elif pending:
            why = self._server.remark(pending) or why
        elif self._start and condition is Condition.IDLE:
            condition = Condition.LOADING
            why = f"{self._client.server} takes the file: {self._start.fraction:.0%}."
        return self._status(condition, why, view)

    def start(self, attempt: str, path: Path, seconds: float) -> None:
        """Upload the file, order its print, and see that it runs; what takes longer, `status` goes on with."""
        self._client.allow()
        if not is_name(attempt):
            raise PrinterError(f"attempt {attempt!r} cannot be a file's name in {self._client.server}")
        view = self._look()
        before = self._attempt
        if before and before.ending is None and view.ours != before.id:
            raise PrinterError(f"how attempt {before.id} ended is not known yet; nothing starts before")
        must_be_ready(self._server, view)
        if before and attempt == before.id:
            raise PrinterError(f"attempt {attempt} was printed already")
        if self._told:
            self._server.sweep()
        self._start = ServerStart(
            self._server,
            attempt,
            path,
            seconds,
            state=self._file,
            clock=self._clock,
            sleep=self._sleep,
        )
        self._attempt = self._server.begun(attempt, seconds)
        self._attempt.sending = True
        record = self._file.record
        try:
            self._file.keep(record_of(self._attempt))
            self._bring(self._start, view)
        except LateError:
            pass  # it is slow: `status` goes on
        except PrinterError:
            self._withdraw()
            self._attempt = before
            self._file.keep(record)
            raise
        self._told = False

    def pause(self) -> None:
        """Ask for a pause."""
        attempt, view = self._ours()
        self._server.tell(PrintOrder.PAUSE, attempt, view)

    def resume(self) -> None:
        """Go on."""
        attempt, view = self._ours()
        self._server.tell(PrintOrder.RESUME, attempt, view)

    def cancel(self) -> None:
        """End it. A file on its way is not printed."""
        if self._start:
            self._client.allow()
            self._abandon(Ending.CANCELLED, "It was cancelled before anything was printed.")
            return
        attempt, view = self._ours()
        before = attempt.cancelled, attempt.hot
        # Noted before: an order may be heard though its answer is lost, or we end in this moment.
        attempt.cancelled = attempt.hot = True
        self._note(attempt)
        try:
            self._server.tell(PrintOrder.CANCEL, attempt, view)
        except ServerRefusedError:
            attempt.cancelled, attempt.hot = before
            self._note(attempt)
            raise

    def close(self) -> None:
        """Let go of the server, and of a file that is still on its way: it is not printed."""
        if self._start:
            self._start.close()
        self._client.close()

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _pending(self) -> A | None:
        """Our attempt that was ordered, if no ending of it was told."""
        attempt = self._attempt
        return attempt if attempt and attempt.ending is None and not attempt.sending else None

    def _status(self, condition: Condition, why: str, view: V | None = None) -> Status:
        attempt = self._attempt
        ending = attempt.ending if attempt else None
        self._told = self._told or ending is not None
        return Status(
            condition=condition,
            attempt=attempt.id if attempt else None,
            ending=ending,
            why=why,
            progress=1.0 if ending is Ending.DONE else attempt.progress if attempt else 0.0,
            nozzle=view.nozzle if view else None,
            bed=view.bed if view else None,
        )

    def _look(self) -> V:
        """Look at the printer, and follow our attempt."""
        view = self._server.look()
        if not self._met:
            self._attempt = self._found(view)
            self._met = True
        if self._pending:
            self._server.follow(self._pending, view)
        attempt = self._attempt
        if attempt and attempt.ending:
            self._note(attempt)
            if attempt.hot:
                self._cool(attempt, view)
        return view

    def _found(self, view: V) -> A | None:
        """What is known of us: the attempt that runs, the one noted, or the one whose file came last."""
        record = self._file.record
        name = view.ours or record.attempt or self._server.newest(view)
        if not name:
            return None
        if name != record.attempt:
            record = AttemptRecord(attempt=name)
        sent_only = record.stage is AttemptStage.SENDING and view.ours != name
        if not record.ending and not sent_only:
            attempt = self._server.found(name, view, cancelled=record.cancelled)
        else:
            attempt = self._server.begun(name, 0.0)
            attempt.ending, attempt.why = record.ending or Ending.FAILED, record.why
            if not record.ending:
                attempt.why = INTERRUPTED
        attempt.cancelled, attempt.hot = record.cancelled, record.hot
        return attempt

    def _ours(self) -> tuple[A, V]:
        """See that what runs is ours: another hand's print is not ours to touch."""
        self._client.allow()
        view = self._look()
        attempt = self._pending
        if attempt is None or view.ours != attempt.id:
            raise PrinterError("nothing of ours runs on this printer")
        return attempt, view

    def _cool(self, attempt: A, view: V) -> None:
        """Switch off what our cancellation left on, until it is seen off; not while another hand uses the printer."""
        heaters = [heater for heater in (view.nozzle, view.bed) if heater is not None]
        if not heaters or self._server.condition(view, None) is not Condition.IDLE:
            return
        if not any(heater.target for heater in heaters):
            attempt.hot = False
            self._note(attempt)
            return
        try:
            self._server.cool()
        except PrinterError as error:
            attempt.why = f"The print was cancelled, but a heater is still on: switch it off. {error}"

    # ── starting ──────────────────────────────────────────────────────────────────────────────────────────

    def _bring(self, start: ServerStart[V, A], view: V) -> V | None:
        """Go on with a start; a look that shows it run, if one does. Raises as `ServerStart.bring` does."""
        begun = start.bring(view)
        if start.ordered:
            self._attempt = start.ordered
            start.close()
            self._start = None
        return begun

    def _abandon(self, ending: Ending, why: str) -> None:
        """Give up an attempt whose print was not ordered."""
        assert self._attempt is not None
        self._withdraw()
        self._attempt.sending, self._attempt.ending, self._attempt.why = False, ending, why
        self._note(self._attempt)

    def _withdraw(self) -> None:
        start, self._start = self._start, None
        if start:
            start.withdraw()

    def _note(self, attempt: A) -> None:
        """Keep what has ended, or was asked to: that counts though it can't be noted, unlike what begins."""
        with contextlib.suppress(PrinterError):
            self._file.keep(record_of(attempt))
