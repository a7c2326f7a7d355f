"""Takes a printer up again that stopped itself for safety, at the word of its owner, who has looked at it."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from agent.drivers import driver
from agent.errors import OwnerError
from agent.intervention.onlooker import reins
from agent.journal import Journal
from agent.printers.driver import Condition, PrinterError, Status
from agent.printers.serial.driver import SerialDriver
from agent.printers.serial.port_identity import PortLocator
from agent.printers.serial.pump_protocol import place
from agent.settings import Loaded, OctoPrintPrinter, SerialPrinter
from agent.state_directory import journal_path, lock, pumps, ring, runs

WAIT = 12.0
"""Seconds; some boards need eight to come up."""
LOOK = 0.1


class RecoveryError(OwnerError):
    """There is nothing to take up again, or it can't be done from here. Says what to do."""


class SoundError(RecoveryError):
    """Nothing is wrong with the board, or it is a server's. Says so."""


class Board(Protocol):
    """A printer at a serial port."""

    def status(self) -> Status:
        """Look; an unreachable printer is a condition."""
        ...

    def reset(self) -> None:
        """Have its board start anew."""
        ...


@contextmanager
def board(loaded: Loaded, name: str) -> Generator[Board]:
    """The board of this printer: over the agent's pump where it runs, else over one that is started here.

    Raises:
        SettingsError: there is no such printer.
        SoundError: it is behind a server.
        RecoveryError: it is not plugged in.
        HomeError: the agent starts in this moment.
    """
    printer = loaded.printer(name)
    if not isinstance(printer, SerialPrinter):
        where = "connect it again" if isinstance(printer, OctoPrintPrinter) else "restart its firmware"
        raise SoundError(f"{name} is driven by the server at {printer.url}: {where} there")
    _find(printer, loaded.state)
    if runs(loaded.state):
        reining = reins(loaded.state, name)
        try:
            yield reining
        finally:
            reining.close()
        return
    with lock(loaded.state):
        driving = driver(printer, loaded.state)
        assert isinstance(driving, SerialDriver)
        try:
            yield driving
        finally:
            driving.close()


def _find(printer: SerialPrinter, state: Path) -> None:
    """See that its port is there: nobody needs to wait for one that is not.

    Raises:
        RecoveryError: it is not, or another printer is.
    """
    passport = place(pumps(state), printer.name) / "passport.json"
    try:
        port = PortLocator(passport, Path(printer.port)).find()
    except PrinterError as error:
        raise RecoveryError(str(error)) from error
    if not port.exists():
        raise RecoveryError(
            f"{printer.name} is not there (no {port}): plug it in and switch it on, then reset it"
        )


def fault(name: str, board: Board, say: Callable[[str], object]) -> str:
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
    ring(state)


@contextmanager
def _journal(state: Path) -> Generator[Journal | None]:
    path = journal_path(state)
    journal = Journal(path) if path.exists() else None
    try:
        yield journal
    finally:
        if journal is not None:
            journal.close()


def recover(name: str, board: Board, say: Callable[[str], object]) -> Status:
    """Have the board start anew, and look for a while whether it answers, as `say` tells.

    Raises:
        PrinterError: a print runs, or its port is not there.
    """
    board.reset()
    return _when_it_answers(name, board, say)


def _when_it_answers(name: str, board: Board, say: Callable[[str], object]) -> Status:
    until = time.monotonic() + WAIT
    if board.status().condition is Condition.UNREACHABLE:
        say(f"{name} does not answer yet: waiting up to {WAIT:.0f} s for its board to come up")
    while (status := board.status()).condition is Condition.UNREACHABLE and time.monotonic() < until:
        time.sleep(LOOK)
    return status
