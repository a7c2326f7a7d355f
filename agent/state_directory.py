"""The agent's folder, and who is at home there: where its journal lies, its lock, and its bell.

The bell is how a command of the owner's has a running agent look at once at what it wrote into the journal.
"""

import contextlib
import fcntl
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from agent.errors import OwnerError
from agent.printers.serial.pump_protocol import reachable


class HomeError(OwnerError):
    """The folder can't be used, or another agent holds it. Says what to do."""


def journal_path(state: Path) -> Path:
    """Where the journal lies."""
    return state / "journal.db"


def make(state: Path) -> None:
    """Make the folder, for nobody's eyes but its owner's.

    Raises:
        HomeError: it can't be made.
    """
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise HomeError(f"can't make the state folder {state}: {error.strerror}") from None


@contextmanager
def lock(state: Path) -> Generator[None]:
    """Hold the state folder alone.

    Raises:
        HomeError: another agent holds it, or it can't be made.
    """
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HomeError(f"can't use the state folder {state}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise HomeError(f"an agent runs already on {state}: stop that one first") from None
        yield
    finally:
        os.close(descriptor)


def runs(state: Path) -> bool:
    """Whether an agent holds this state folder."""
    if not (state / "lock").exists():
        return False
    try:
        with lock(state):
            return False
    except HomeError:
        return True


class Bell:
    """At the agent's door: a datagram socket to which any process of its owner may write, no matter what."""

    def __init__(self, state: Path) -> None:
        """Hang it up. Whoever does so holds the folder's lock, so one that hangs there is a dead agent's.

        Raises:
            HomeError: the folder can't be written.
        """
        self._path = _bell(state)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._path.unlink(missing_ok=True)
            with _address(state) as address:
                self._socket.bind(address)
        except OSError as error:
            self._socket.close()
            raise HomeError(f"can't use the state folder {state}: {error.strerror}") from error
        self.descriptor = self._socket.fileno()

    def hear(self) -> None:
        """Take all that was rung."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(1)

    def close(self) -> None:
        """Take it down."""
        self._socket.close()
        self._path.unlink(missing_ok=True)


def ring(state: Path) -> bool:
    """Have the agent look at its journal at once; whether one is there that hears it. Never waits."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as caller:
        try:
            with _address(state) as address:
                caller.sendto(b".", address)
        except BlockingIOError:
            return True  # it was rung so often already that it will look
        except OSError:
            return False
    return True


def _bell(state: Path) -> Path:
    return state / "bell.sock"


@contextmanager
def _address(state: Path) -> Generator[str]:
    folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield reachable(_bell(state), folder)
    finally:
        os.close(folder)
