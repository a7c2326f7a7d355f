"""Ends the attempt of a printer at its owner's word, whether the agent runs or not.

The journal makes a running agent do it and insist; without one, the printer is driven from here, and what is seen of
it is written down for the next one to report.
"""

import contextlib
import time
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Protocol

from msgspec import Struct

from agent.attempt.following import ASKED, GIVEN_UP, observe
from agent.errors import OwnerError
from agent.journal import Journal
from agent.journal.attempts import BEFORE_MOTION, JournalAttempt
from agent.journal.file import JournalError
from agent.journal.steps import OVER
from agent.journal.stops import StopKind
from agent.printers.catalogue import driver, onlooker
from agent.printers.driver import Condition, PrinterError, Status
from agent.printers.kind import PrinterSettings
from agent.printers.serial.pump_onlooker import pump_control
from agent.settings import Loaded
from agent.state_directory import StateDirectoryError, journal_path, lock, runs, wake
from wire.lifecycle import State, Step

WAIT = 15.0
"""Seconds in which a printer has stopped, but for one that can't be interrupted while it heats."""
LOOK = 0.1
SILENCE = 3.0
"""Seconds after which a printer that does not answer is not waited for any more, where no agent insists."""
ENDS = frozenset({Step.FINISH, Step.FAIL, Step.CANCEL})


class StoppingError(OwnerError):
    """The printer could not be told to stop, or does not say that it has. Says what to do."""


class Hand(Protocol):
    """What can be done here with a printer."""

    def status(self) -> Status:
        """Look; an unreachable printer is a condition."""
        ...

    def cancel(self) -> None:
        """End its print."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of an attempt that was to be stopped. If it is not `over`, `why` says what it waits for."""

    attempt: str
    state: str
    over: bool
    moved: bool
    """Whether something may lie on the bed."""
    why: str = ""


def stop(loaded: Loaded, name: str, *, told: bool, give_up: bool, wait: float = WAIT) -> Outcome:
    """Write down that its owner wants the attempt of a printer ended, and see it end for at most `wait` seconds.

    `told` if its pump has been told already; `give_up` counts it as failed where it can't be reached.

    Raises:
        SettingsError: no printer is or was called so.
        StoppingError: it can't be reached. It is told as soon as that is possible.
        JournalError: it has nothing to stop, or the journal can't be used.
    """
    path = journal_path(loaded.state)
    if not path.exists():
        raise JournalError(f"{loaded.printer(name).name} has nothing to stop")
    journal = Journal(path)
    try:
        return _Stop(loaded, name, journal, give_up=give_up).see(time.monotonic() + wait, told=told)
    finally:
        journal.close()


def busy(loaded: Loaded) -> list[str]:
    """The printers with something to stop, those included that were taken out of the settings.

    Raises:
        JournalError: the journal can't be used.
    """
    path = journal_path(loaded.state)
    if not path.exists():
        return []
    journal = Journal(path)
    try:
        return [each.printer for each in journal.attempts.open() if each.state is not State.PRINTED]
    finally:
        journal.close()


def ask(loaded: Loaded, names: Iterable[str], *, give_up: bool) -> None:
    """Write down for all of these that their owner wants them stopped, and have the agent look; wait for none.

    Raises:
        JournalError: the journal can't be used.
    """
    journal = Journal(journal_path(loaded.state))
    try:
        for name in names:
            with contextlib.suppress(JournalError):  # `stop` tells what is wrong with one of them
                journal.stops.ask(name, StopKind.GIVE_UP if give_up else StopKind.CANCEL)
    finally:
        journal.close()
    wake(loaded.state)


def as_text(printer: str, outcome: Outcome) -> str:
    """What an owner reads of it."""
    if not outcome.over:
        why = f": {outcome.why}" if outcome.why else ""
        return (
            f"{printer} has not stopped yet{why}\n"
            f"To see it stop: muster-agent watch {printer}. If anything looks wrong, switch it off."
        )
    if not outcome.moved:
        return f"{outcome.attempt} is {outcome.state}; nothing had begun"
    return f"{outcome.attempt} is {outcome.state}. When the bed of {printer} is empty: muster-agent clear {printer}"


class _Stop:
    """One attempt that is to end."""

    def __init__(self, loaded: Loaded, name: str, journal: Journal, *, give_up: bool) -> None:
        self._loaded = loaded
        self._name = name
        self._journal = journal
        self._give_up = give_up

    def see(self, until: float, *, told: bool) -> Outcome:
        """Write it down, and see it done."""
        latest = self._journal.attempts.latest(self._name)
        if latest is None:
            self._loaded.printer(self._name)
        try:
            attempt = self._journal.stops.ask(
                self._name, StopKind.GIVE_UP if self._give_up else StopKind.CANCEL
            )
        except JournalError:
            if latest is None or not told:
                raise
            attempt = latest  # the agent has already seen it end
        moved = attempt.state not in BEFORE_MOTION
        with ExitStack() as stack:
            if not runs(self._loaded.state) and self._holds(stack):
                self._act(attempt, until)
            else:
                wake(self._loaded.state)
                self._wait(attempt, until)
        attempt = self._journal.attempts.named(attempt.id) or attempt
        if attempt.state in OVER:
            return Outcome(attempt=attempt.id, state=attempt.state, over=True, moved=moved)
        return Outcome(
            attempt=attempt.id, state=attempt.state, over=False, moved=moved, why=self._waits_for()
        )

    def _holds(self, stack: ExitStack) -> bool:
        """Keep an agent from starting meanwhile; False if one just has, which then sees to it."""
        try:
            stack.enter_context(lock(self._loaded.state))
        except StateDirectoryError:
            return False
        return True

    def _wait(self, attempt: JournalAttempt, until: float) -> None:
        """Until the agent has seen it end."""
        while time.monotonic() < until:
            now = self._journal.attempts.named(attempt.id)
            if now is None or now.state in OVER:
                return
            time.sleep(LOOK)

    def _act(self, attempt: JournalAttempt, until: float) -> None:
        """Do what the agent would, as there is none."""
        if attempt.state in BEFORE_MOTION:
            self._journal.attempts.record(attempt.id, Step.CANCEL, time.time(), ASKED)
            return
        try:
            hand = self._hand()
        except PrinterError as error:
            if not self._give_up_on(attempt):
                raise self._unreachable(str(error)) from error
            return
        try:
            told = False
            silent_until = time.monotonic() + SILENCE
            while time.monotonic() < until:
                status = hand.status()
                if self._has_ended(attempt, status):
                    return
                if status.condition is not Condition.UNREACHABLE:
                    silent_until = time.monotonic() + SILENCE
                elif time.monotonic() > silent_until:
                    return
                if not told and status.attempt == attempt.id:
                    told = self._tell(hand)
                time.sleep(LOOK)
        finally:
            hand.close()

    def _hand(self) -> Hand:
        """What drives the printer; for one that was taken out of the settings its pump, if that still runs."""
        printer = self._printer()
        return (
            driver(printer, self._loaded.state) if printer else pump_control(self._loaded.state, self._name)
        )

    def _printer(self) -> PrinterSettings | None:
        return next((each for each in self._loaded.settings.printer if each.name == self._name), None)

    def _waits_for(self) -> str:
        """What the printer says that has not stopped yet."""
        printer = self._printer()
        try:
            looking = (
                onlooker(printer, self._loaded.state)
                if printer
                else pump_control(self._loaded.state, self._name)
            )
        except PrinterError as error:
            raise self._unreachable(str(error)) from error
        try:
            status = looking.status()
        finally:
            looking.close()
        if status.condition is Condition.UNREACHABLE and status.ending is None:
            raise self._unreachable(status.why)
        return status.why

    def _unreachable(self, why: str) -> StoppingError:
        return StoppingError(
            f"{self._name} can't be reached ({why}). It is told to stop as soon as it can be; if it never will be,"
            f" switch it off, then: muster-agent cancel {self._name} --give-up"
        )

    def _tell(self, hand: Hand) -> bool:
        try:
            hand.cancel()
        except PrinterError:
            return False
        return True

    def _has_ended(self, attempt: JournalAttempt, status: Status) -> bool:
        """Write down what a look tells, if that is an end."""
        if status.condition is Condition.UNREACHABLE and status.ending is None:
            return self._give_up_on(attempt)
        seen = observe(attempt.state, attempt.id, status, 0.0)
        if seen is None or seen[0] not in ENDS:
            return False
        step, why = seen
        self._journal.attempts.record(attempt.id, step, time.time(), f"{ASKED}. {why}".strip(". "))
        return True

    def _give_up_on(self, attempt: JournalAttempt) -> bool:
        if self._give_up:
            self._journal.attempts.record(attempt.id, Step.FAIL, time.time(), GIVEN_UP)
        return self._give_up
