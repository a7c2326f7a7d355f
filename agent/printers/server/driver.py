"""What every driver that speaks to a printer's own server does alike; each of them says only what is particular.

Such a server keeps files, prints them by name and tells how that goes, and other hands use it too. So each
attempt is a file of our own (`shelf.py`), nothing counts as started or ended but what the server shows, and an
order that can't be confirmed is withdrawn by deleting its file.
"""

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import StrEnum
from http.client import HTTPResponse
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from agent.printers.driver import Condition, Ending, Heat, PrinterError, Status
from agent.printers.server.followed import Errand
from agent.printers.server.http import Clock, Exchange, LateError, RefusedError
from agent.printers.server.outgoing import Parcel, wrapped
from agent.printers.server.paths import is_name
from agent.printers.server.state_file import Notebook
from agent.printers.server.upload import STALL, Shipment

PATIENCE = 4.5
"""Seconds a call may take; the protocol allows five."""
RESERVE = 1.0
"""Seconds kept back from `PATIENCE` to withdraw a start that cannot be confirmed."""
ORDERING = 2.5
"""Seconds, `RESERVE` among them, without which no start is ordered: the next look has them."""
LONGEST = 1800.0
"""Seconds for a file to come into a server and be ordered; nobody expects it to start later."""
INTERRUPTED = "The agent was restarted while it sent the file: nothing was printed."
GRACE = 5.0
"""Seconds that a server gets to tell how a print ended, from when it was seen to run no more."""


class Order(StrEnum):
    """What may be asked of a print that runs."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


class View(Protocol):
    """One look at a printer through its server."""

    @property
    def nozzle(self) -> Heat | None:
        """The nozzle's heater."""
        ...

    @property
    def bed(self) -> Heat | None:
        """The bed's heater."""
        ...

    def runs(self, attempt: str | None) -> bool:
        """Whether what is active is this attempt's file."""
        ...

    def why(self, condition: Condition) -> str:
        """What to tell the owner of this condition; empty where there is nothing to do."""
        ...


class Slip(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What no server can tell of our last attempt: whether its print was ordered; else how it ended, if it has."""

    attempt: str = ""
    ordered: bool = False
    ending: Ending | None = None
    why: str = ""


V = TypeVar("V", bound=View)
E = TypeVar("E", bound=Errand)


class Door(ABC, Generic[V, E]):
    """One printer behind one server. See `Driver` for the contract.

    What it knows of an attempt it reads from the server, but for a slip of its own: so a driver that was made a
    moment ago (the agent restarted) goes on where the last one stopped. An attempt's file is deleted at the first
    start after its ending was told.
    """

    AWAITED: str
    """What to tell while our print is over and the server does not say how, or takes no order yet."""

    def __init__(
        self,
        name: str,
        server: Exchange,
        note: Path | None = None,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Make no contact yet.

        Args:
            name: what the owner calls the printer, for messages.
            server: the way to the server.
            note: the file for what the server doesn't know; without one, a restart forgets it.
            clock: monotonic seconds.
            sleep: waits, between two looks at a print that was just ordered.

        Raises:
            PrinterError: the note can't be read.
        """
        self.name = name
        self._book = Notebook(note, Slip())
        self._server = server
        self._clock = clock
        self._sleep = sleep
        self._met = False
        self._errand: E | None = None
        self._parcel: Parcel | None = None
        self._told = False

    # ── the contract ──────────────────────────────────────────────────────────────────────────────────────

    def status(self) -> Status:
        """Look at the printer; while our file is on its way, bring it on for up to two seconds."""
        self._server.until = self._clock() + PATIENCE
        try:
            look = self._look()
        except PrinterError as error:
            self._lose_sight()
            return self._status(Condition.UNREACHABLE, str(error))
        if self._parcel:
            try:
                look = self._bring(self._parcel, look) or look
            except LateError:
                pass  # it is slow: the next look goes on
            except PrinterError as error:
                self._abandon(Ending.FAILED, f"Nothing was printed: {error}")
        errand, pending = self._errand, self._pending
        condition = self._condition(look, pending.attempt if pending else None)
        why = (errand.why if errand else "") or look.why(condition)
        if pending and not look.runs(pending.attempt) and condition in {Condition.IDLE, Condition.BUSY}:
            condition, why = Condition.PRINTING, self.AWAITED
        elif pending:
            why = self._remark(pending) or why
        elif self._parcel and condition is Condition.IDLE:
            condition = Condition.LOADING
            why = f"{self._server.server} takes the file: {self._parcel.fraction:.0%}."
        return self._status(condition, why, look)

    def start(self, attempt: str, path: Path, seconds: float) -> None:
        """Upload the file, order its print, and see that it runs; what takes longer, `status` goes on with."""
        self._server.until = self._clock() + PATIENCE
        if not is_name(attempt):
            raise PrinterError(f"attempt {attempt!r} cannot be a file's name in {self._server.server}")
        look = self._look()
        before = self._errand
        if before and before.ending is None and not look.runs(before.attempt):
            raise PrinterError(f"how attempt {before.attempt} ended is not known yet; nothing starts before")
        self._must_be_ready(look)
        if before and attempt == before.attempt:
            raise PrinterError(f"attempt {attempt} was printed already")
        if self._told:
            self._sweep()
        self._parcel = wrapped(attempt, path, seconds, self._clock())
        self._errand = self._begun(attempt, seconds)
        self._errand.sending = True
        slip = self._book.note
        try:
            self._book.keep(Slip(attempt=attempt))
            self._bring(self._parcel, look)
        except LateError:
            pass  # it is slow: `status` goes on
        except PrinterError:
            self._let_go(withdraw=True)
            self._errand = before
            self._book.keep(slip)
            raise
        self._told = False

    def pause(self) -> None:
        """Ask for a pause."""
        errand, look = self._ours()
        self._tell(Order.PAUSE, errand, look)

    def resume(self) -> None:
        """Go on."""
        errand, look = self._ours()
        self._tell(Order.RESUME, errand, look)

    def cancel(self) -> None:
        """End it. A file on its way is not printed."""
        if self._parcel:
            self._server.until = self._clock() + PATIENCE
            self._abandon(Ending.CANCELLED, "It was cancelled before anything was printed.")
            return
        errand, look = self._ours()
        before, errand.cancelled = errand.cancelled, True  # first: it may be heard though the answer is lost
        try:
            self._tell(Order.CANCEL, errand, look)
        except RefusedError:
            errand.cancelled = before
            raise

    def close(self) -> None:
        """Let go of a file that is still on its way: it is not printed. Nothing else outlives its request."""
        if self._parcel:
            self._parcel.close()

    # ── what is particular to a server ────────────────────────────────────────────────────────────────────

    @abstractmethod
    def _glance(self) -> V:
        """Look at the printer, and follow nothing."""

    @abstractmethod
    def _condition(self, look: V, running: str | None) -> Condition:
        """The printer's condition, `running` being our attempt that has not ended."""

    @abstractmethod
    def _meet(self, look: V) -> E | None:
        """Find what the server holds of us: the attempt that runs, else the one that came last, with its ending."""

    @abstractmethod
    def _follow(self, errand: E, look: V) -> None:
        """See whether our attempt still runs, else how it ended."""

    @abstractmethod
    def _begun(self, attempt: str, seconds: float) -> E:
        """The errand of an attempt that was ordered now."""

    @abstractmethod
    def _tell(self, order: Order, errand: E, look: V) -> None:
        """Give an order to our print, which runs. One that may have been heard is no error.

        Raises:
            RefusedError: it was not taken.
            PrinterError: out of reach.
        """

    @abstractmethod
    def _shipment(self, parcel: Parcel) -> Shipment:
        """How a file goes to the server under its attempt's name.

        Raises:
            PrinterError: the name is taken.
        """

    @abstractmethod
    def _took(self, parcel: Parcel, answer: HTTPResponse, content: bytes) -> None:
        """Read what the server says of the whole file.

        Raises:
            PrinterError: it did not take it.
        """

    @abstractmethod
    def _is_whole(self, parcel: Parcel) -> bool:
        """Whether it is certain that the server holds our bytes under our name; False if it does not tell yet.

        Raises:
            PrinterError: it holds others.
        """

    @abstractmethod
    def _print(self, attempt: str) -> None:
        """Order the print of a stored file."""

    @abstractmethod
    def _withdrawn(self, attempt: str) -> bool:
        """Make sure that an order comes to nothing, by deleting its file. False if it runs, or may run."""

    @abstractmethod
    def _sweep(self) -> None:
        """Delete our old files; one that another hand prints stays."""

    def _has_begun(self, attempt: str, look: V) -> bool:
        """Whether a look shows that an order was followed."""
        return look.runs(attempt)

    def _lose_sight(self) -> None:
        """The server is out of reach."""

    def _remark(self, errand: E) -> str:  # noqa: ARG002 - for those who have one
        """What else to tell of an errand that goes on; empty for nothing."""
        return ""

    # ── the rest ──────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _pending(self) -> E | None:
        """Our attempt that was ordered, if no ending of it was told."""
        errand = self._errand
        return errand if errand and errand.ending is None and not errand.sending else None

    def _status(self, condition: Condition, why: str, look: V | None = None) -> Status:
        errand = self._errand
        ending = errand.ending if errand else None
        self._told = self._told or ending is not None
        return Status(
            condition=condition,
            attempt=errand.attempt if errand else None,
            ending=ending,
            why=why,
            progress=1.0 if ending is Ending.DONE else errand.progress if errand else 0.0,
            nozzle=look.nozzle if look else None,
            bed=look.bed if look else None,
        )

    def _look(self) -> V:
        """Look at the printer, and follow our attempt."""
        look = self._glance()
        if not self._met:
            self._errand = self._recall(look) or self._meet(look)
            self._met = True
        if self._pending:
            self._follow(self._pending, look)
        return look

    def _recall(self, look: V) -> E | None:
        """The attempt on our slip whose print was not ordered; None where the server has to be asked."""
        slip = self._book.note
        if not slip.attempt or slip.ordered or look.runs(slip.attempt):
            return None
        errand = self._begun(slip.attempt, 0.0)
        errand.ending, errand.why = slip.ending or Ending.FAILED, slip.why or INTERRUPTED
        return errand

    def _ours(self) -> tuple[E, V]:
        """See that what runs is ours: another hand's print is not ours to touch."""
        self._server.until = self._clock() + PATIENCE
        look = self._look()
        errand = self._pending
        if errand is None or not look.runs(errand.attempt):
            raise PrinterError("nothing of ours runs on this printer")
        return errand, look

    def _must_be_ready(self, look: V) -> None:
        condition = self._condition(look, None)
        if condition is not Condition.IDLE:
            raise PrinterError(look.why(condition) or f"the printer is not ready ({condition})")

    def _bring(self, parcel: Parcel, look: V) -> V | None:
        """Bring our file on, and order its print when it is there; then the look that shows it run.

        Raises:
            LateError: the server is slow.
            PrinterError: it comes to nothing.
        """
        until = self._server.until - ORDERING
        self._must_be_ready(look)  # else another hand was quicker: nobody waits for its print to end
        if self._clock() - parcel.since > LONGEST:
            raise PrinterError(
                f"{self._server.server} is too slow: it had {LONGEST / 60:.0f} min for the file"
            )
        if not self._has_come(parcel, until) or self._server.remaining() < ORDERING * 0.9:
            return None
        self._must_be_ready(self._glance())  # another hand may have started something meanwhile
        self._book.keep(Slip(attempt=parcel.attempt, ordered=True))
        begun = self._order(parcel.attempt)
        self._errand = self._begun(parcel.attempt, parcel.seconds)
        self._let_go(withdraw=False)
        return begun

    def _has_come(self, parcel: Parcel, until: float) -> bool:
        """Go on with a file until it is there for certain (then True), or it is `until`."""
        if parcel.arrived is None:
            parcel.shipment = parcel.shipment or self._shipment(parcel)
            if not parcel.shipment.push(until) or parcel.shipment.heard is None:
                return False
            self._took(parcel, *parcel.shipment.heard)
            parcel.arrived = self._clock()
        while not parcel.whole:
            if self._clock() - parcel.arrived > STALL:
                raise PrinterError(f"{self._server.server} took the file, and does not tell what it holds")
            parcel.whole = self._is_whole(parcel)
            if not parcel.whole and self._clock() >= until:
                return False
            if not parcel.whole:
                self._sleep(0.1)
        return True

    def _order(self, attempt: str) -> V | None:
        """Order the print, then see it run.

        Raises:
            PrinterError: it does not, and will not. Where that isn't sure, it counts as running: None.
        """
        deadline = self._server.until
        self._server.until = deadline - RESERVE
        try:
            self._print(attempt)
            while self._clock() < self._server.until:
                look = self._glance()
                if self._has_begun(attempt, look):
                    return look
                self._sleep(0.05)
            raise PrinterError("it took the order and did nothing")  # noqa: TRY301 - one way out for all that fails
        except PrinterError as error:
            self._server.until = deadline
            if self._withdrawn(attempt):
                raise PrinterError(
                    f"{self._server.server} did not start the print, and nothing moves: {error}"
                ) from error
        return None

    def _abandon(self, ending: Ending, why: str) -> None:
        """Give up an attempt whose print was not ordered."""
        assert self._errand is not None
        self._let_go(withdraw=True)
        self._errand.sending, self._errand.ending, self._errand.why = False, ending, why
        with contextlib.suppress(PrinterError):  # what can't be noted ends all the same
            self._book.keep(Slip(attempt=self._errand.attempt, ending=ending, why=why))

    def _let_go(self, *, withdraw: bool) -> None:
        """Have done with a file on its way. One that stays without being printed would look like an attempt."""
        parcel, self._parcel = self._parcel, None
        if parcel:
            parcel.close()
            if withdraw:
                self._withdrawn(parcel.attempt)
