"""The agent's state directory: where its journal lies, its lock, and its wake socket.

The wake socket is how a command of the owner's has a running agent look at once at what it wrote into the journal.
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


class StateDirectoryError(OwnerError):
    """The folder can't be used, or another agent holds it. Says what to do."""


def journal_path(state: Path) -> Path:
    """Where the journal lies."""
    return state / "journal.db"


def make(state: Path) -> None:
    """Make the folder, for nobody's eyes but its owner's.

    Raises:
        StateDirectoryError: it can't be made.
    """
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateDirectoryError(f"can't make the state folder {state}: {error.strerror}") from None


@contextmanager
def lock(state: Path) -> Generator[None]:
    """Hold the state folder alone.

    Raises:
        StateDirectoryError: another agent holds it, or it can't be made.
    """
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateDirectoryError(f"can't use the state folder {state}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StateDirectoryError(f"an agent runs already on {state}: stop that one first") from None
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
    except StateDirectoryError:
        return True


class WakeSocket:
    """A datagram socket to which any process of its owner may write, no matter what, to wake it."""

    def __init__(self, state: Path) -> None:
        """Make it. Whoever does so holds the folder's lock, so one that lies there is a dead agent's.

        Raises:
            StateDirectoryError: the folder can't be written.
        """
        self._path = _wake_path(state)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._path.unlink(missing_ok=True)
            with _address(state) as address:
                self._socket.bind(address)
        except OSError as error:
            self._socket.close()
            raise StateDirectoryError(f"can't use the state folder {state}: {error.strerror}") from error
        self.descriptor = self._socket.fileno()

    def drain(self) -> None:
        """Take all that came."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(1)

    def close(self) -> None:
        """Close and remove it."""
        self._socket.close()
        self._path.unlink(missing_ok=True)


def wake(state: Path) -> bool:
    """Have the agent look at its journal at once; whether one is there that does. Never waits."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as caller:
        try:
            with _address(state) as address:
                caller.sendto(b".", address)
        except BlockingIOError:
            return True  # it was woken so often already that it will look
        except OSError:
            return False
    return True


def _wake_path(state: Path) -> Path:
    return state / "wake.sock"


@contextmanager
def _address(state: Path) -> Generator[str]:
    folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield reachable(_wake_path(state), folder)
    finally:
        os.close(folder)
