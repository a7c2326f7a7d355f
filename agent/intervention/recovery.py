"""Takes a printer up again that stopped itself for safety, at the word of its owner, who has looked at it."""

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agent.errors import OwnerError
from agent.journal import Journal
from agent.printers.catalogue import driver, kind_of, onlooker
from agent.printers.driver import Condition, PrinterError, Resettable, Status
from agent.settings import Loaded
from agent.state_directory import journal_path, lock, runs, wake

WAIT = 12.0
"""Seconds; some boards need eight to come up."""
LOOK = 0.1


class RecoveryError(OwnerError):
    """There is nothing to take up again, or it can't be done from here. Says what to do."""


class SoundError(RecoveryError):
    """Nothing is wrong with the board, or it is a server's. Says so."""


@contextmanager
def board(loaded: Loaded, name: str) -> Generator[Resettable]:
    """The board of this printer: over the agent's shoulder where it runs, else by a driver that is made here.

    Raises:
        SettingsError: there is no such printer.
        SoundError: it is taken up again elsewhere.
        RecoveryError: it is not plugged in.
        StateDirectoryError: the agent starts in this moment.
    """
    printer = loaded.printer(name)
    kind = kind_of(printer)
    if kind.elsewhere:
        raise SoundError(f"{name} {kind.elsewhere(printer)}")
    try:
        kind.find(printer, loaded.state)
    except PrinterError as error:
        raise RecoveryError(str(error)) from error
    with ExitStack() as stack:
        if runs(loaded.state):
            hand = onlooker(printer, loaded.state)
        else:
            stack.enter_context(lock(loaded.state))
            hand = driver(printer, loaded.state)
        stack.callback(hand.close)
        assert isinstance(hand, Resettable)
        yield hand


def fault(name: str, board: Resettable, say: Callable[[str], object]) -> str:
    """What is wrong with a printer, which a reset may end. One that does not answer is waited for, as `say` tells.

    Raises:
        SoundError: nothing is.
        RecoveryError: a print runs.
    """
    status = _when_it_answers(name, board, say)
    if status.condition in {Condition.FAULT, Condition.UNREACHABLE}:
        return status.why
    if status.condition is Condition.IDLE:
        raise SoundError(f"{name} has no fault: there is nothing to reset")
    raise RecoveryError(
        f"{name} is {status.condition}, and a reset would end that: muster-agent cancel {name}"
    )


def rests(state: Path, name: str) -> bool:
    """Whether so many prints of this printer failed that it takes none before its owner has looked.

    Raises:
        JournalError: the journal can't be read.
    """
    with _journal(state) as journal:
        return journal is not None and journal.rests.is_due(name)


def look(state: Path, name: str) -> None:
    """Its owner has looked: what failed before counts no more.

    Raises:
        JournalError: the journal can't be written.
    """
    with _journal(state) as journal:
        if journal is not None:
            journal.rests.end(name)
    wake(state)


@contextmanager
def _journal(state: Path) -> Generator[Journal | None]:
    path = journal_path(state)
    journal = Journal(path) if path.exists() else None
    try:
        yield journal
    finally:
        if journal is not None:
            journal.close()


def recover(name: str, board: Resettable, say: Callable[[str], object]) -> Status:
    """Have the board start anew, and look for a while whether it answers, as `say` tells.

    Raises:
        PrinterError: a print runs, or its port is not there.
    """
    board.reset()
    return _when_it_answers(name, board, say)


def _when_it_answers(name: str, board: Resettable, say: Callable[[str], object]) -> Status:
    until = time.monotonic() + WAIT
    if board.status().condition is Condition.UNREACHABLE:
        say(f"{name} does not answer yet: waiting up to {WAIT:.0f} s for its board to come up")
    while (status := board.status()).condition is Condition.UNREACHABLE and time.monotonic() < until:
        time.sleep(LOOK)
    return status
