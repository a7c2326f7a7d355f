"""What a driver can't read from its printer's server, kept on disk so that a restart of the agent doesn't forget it."""

import os
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from agent.printers.driver import PrinterError

N = TypeVar("N", bound=msgspec.Struct)


class Notebook(Generic[N]):
    """The note on disk; `path` None keeps it in memory only."""

    def __init__(self, path: Path | None, empty: N) -> None:
        """`empty` is the note where there is none, or none that makes sense.

        Raises:
            PrinterError: it can't be read.
        """
        self._path = path
        self.note = empty
        if path is None:
            return
        try:
            self.note = msgspec.json.decode(path.read_bytes(), type=type(empty))
        except (FileNotFoundError, msgspec.MsgspecError):
            pass  # the server's own files still tell the most
        except OSError as error:
            raise PrinterError(f"can't read {path}: {error.strerror}") from error

    def keep(self, note: N) -> None:
        """Write it down.

        Raises:
            PrinterError: it can't be written.
        """
        if note == self.note:
            return
        if self._path is not None:
            try:
                self._write(self._path, note)
            except OSError as error:
                raise PrinterError(f"can't write {self._path}: {error.strerror}") from error
        self.note = note

    @staticmethod
    def _write(path: Path, note: N) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")  # the command line may look on beside the agent
        with fresh.open("wb") as stream:
            stream.write(msgspec.json.encode(note))
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
