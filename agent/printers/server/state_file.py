"""What a driver can't read from its printer's server, kept on disk so that a restart of the agent doesn't forget it."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.printers.driver import Ending, PrinterError
from agent.printers.server.followed import AttemptStage, FollowedAttempt


class AttemptRecord(Struct, frozen=True, kw_only=True):
    """Our last attempt, as far as only we know it. See `FollowedAttempt`.

    Without a stage it counts as ordered: then the server is asked. (So are files of older agents, which left it out.)
    """

    attempt: str = ""
    stage: AttemptStage = AttemptStage.ORDERED
    cancelled: bool = False
    hot: bool = False
    ending: Ending | None = None
    why: str = ""


def record_of(attempt: FollowedAttempt | None) -> AttemptRecord:
    """What is to be kept of an attempt."""
    if attempt is None:
        return AttemptRecord()
    return AttemptRecord(
        attempt=attempt.id,
        stage=attempt.stage,
        cancelled=attempt.cancelled,
        hot=attempt.hot,
        ending=attempt.ending,
        why=attempt.why,
    )


class StateFile:
    """The record on disk; with `path` None it is kept in memory only."""

    def __init__(self, path: Path | None) -> None:
        """Read it; an empty record where there is none, or none that makes sense.

        Raises:
            PrinterError: it can't be read.
        """
        self._path = path
        self.record = AttemptRecord()
        if path is None:
            return
        try:
            self.record = msgspec.json.decode(path.read_bytes(), type=AttemptRecord)
        except (FileNotFoundError, msgspec.MsgspecError):
            pass  # the server's own files still tell the most
        except OSError as error:
            raise PrinterError(f"can't read {path}: {error.strerror}") from error

    def keep(self, record: AttemptRecord) -> None:
        """Write it down.

        Raises:
            PrinterError: it can't be written.
        """
        if record == self.record:
            return
        if self._path is not None:
            try:
                _write(self._path, record)
            except OSError as error:
                raise PrinterError(f"can't write {self._path}: {error.strerror}") from error
        self.record = record


def _write(path: Path, record: AttemptRecord) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")  # the command line may look on beside the agent
    with fresh.open("wb") as stream:
        stream.write(msgspec.json.encode(record))
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
