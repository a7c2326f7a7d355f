"""What every driver that speaks to a printer's own server does alike; each of them says only what is particular.

Such a server keeps files, prints them by name and tells how that goes, and other hands use it too. So each
attempt is a file of our own (`shelf.py`), nothing counts as started or ended but what the server shows, and an
order that can't be confirmed is withdrawn by deleting its file.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from agent.printers.driver import Condition, Ending, Heat, PrinterError, Status
from agent.printers.errand import Errand
from agent.printers.exchange import Clock, Exchange, RefusedError
from agent.printers.shelf import is_name

PATIENCE = 4.5
"""Seconds a call may take; the protocol allows five."""
RESERVE = 1.0
"""Seconds kept back from `PATIENCE` to withdraw a start that cannot be confirmed."""
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


V = TypeVar("V", bound=View)
E = TypeVar("E", bound=Errand)


class Door(ABC, Generic[V, E]):
    """One printer behind one server. See `Driver` for the contract.

    What it knows of an attempt it reads from the server: so a driver that was made a moment ago (the agent
    restarted) goes on where the last one stopped. An attempt's file is deleted at the first start after its
    ending was told.
    """

    AWAITED: str
    """What to tell while our print is over and the server does not say how, or takes no order yet."""

    def __init__(
        self,
        name: str,
        server: Exchange,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Make no contact yet.

        Args:
            name: what the owner calls the printer, for messages.
            server: the way to the server.
            clock: monotonic seconds.
            sleep: waits, between two looks at a print that was just ordered.
        """
        self.name = name
        self._server = server
        self._clock = clock
        self._sleep = sleep
        self._met = False
        self._errand: E | None = None
        self._told = False

    # ── the contract ──────────────────────────────────────────────────────────────────────────────────────

    def status(self) -> Status:
        """Look at the printer."""
        self._server.until = self._clock() + PATIENCE
        try:
            look = self._look()
        except PrinterError as error:
            self._lose_sight()
            return self._status(Condition.UNREACHABLE, str(error))
        errand, pending = self._errand, self._pending
        condition = self._condition(look, pending.attempt if pending else None)
        why = (errand.why if errand else "") or look.why(condition)
        if pending and not look.runs(pending.attempt) and condition in {Condition.IDLE, Condition.BUSY}:
            condition, why = Condition.PRINTING, self.AWAITED
        elif pending:
            why = self._remark(pending) or why
        return self._status(condition, why, look)

    def start(self, attempt: str, path: Path, seconds: float) -> None:
        """Upload the file, order its print, and see that it runs."""
        deadline = self._clock() + PATIENCE
        self._server.until = deadline
        if not is_name(attempt):
            raise PrinterError(f"attempt {attempt!r} cannot be a file's name in {self._server.server}")
        self._must_be_ready(self._look())
        if self._errand and self._errand.ending is None:
            raise PrinterError(
                f"how attempt {self._errand.attempt} ended is not known yet; nothing starts before"
            )
        if self._errand and attempt == self._errand.attempt:
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
                    f"{self._server.server} did not start the print, and nothing moves: {error}"
                ) from error
        self._errand, self._told = self._begun(attempt, seconds), False

    def pause(self) -> None:
        """Ask for a pause."""
        errand, look = self._ours()
        self._tell(Order.PAUSE, errand, look)

    def resume(self) -> None:
        """Go on."""
        errand, look = self._ours()
        self._tell(Order.RESUME, errand, look)

    def cancel(self) -> None:
        """End it."""
        errand, look = self._ours()
        before, errand.cancelled = errand.cancelled, True  # first: it may be heard though the answer is lost
        try:
            self._tell(Order.CANCEL, errand, look)
        except RefusedError:
            errand.cancelled = before
            raise

    def close(self) -> None:
        """Nothing to let go of: no connection outlives its request."""

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
    def _store(self, attempt: str, path: Path) -> None:
        """Upload the file, and see that the server holds our bytes under our name.

        Raises:
            PrinterError: it does not.
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
        """Our attempt that has begun, if no ending of it was told."""
        return self._errand if self._errand and self._errand.ending is None else None

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
            self._errand = self._meet(look)
            self._met = True
        if self._pending:
            self._follow(self._pending, look)
        return look

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

    def _order(self, attempt: str) -> None:
        """Order the print, then see it run.

        Raises:
            PrinterError: it is not seen to.
        """
        self._print(attempt)
        while self._clock() < self._server.until:
            if self._has_begun(attempt, self._glance()):
                return
            self._sleep(0.05)
        raise PrinterError("it took the order and did nothing")
