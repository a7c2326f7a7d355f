"""An attempt's file, as it goes to a server."""

import hashlib
from pathlib import Path

from agent.http.body import FileBody
from agent.printers.driver import PrinterError


class OutgoingFile:
    """One open file; the digests are of its bytes, in hexadecimal."""

    def __init__(self, attempt: str, path: Path) -> None:
        """Open it.

        Raises:
            PrinterError: it can't be read.
        """
        self.attempt = attempt
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise PrinterError(f"the job's file {path} cannot be read: {error}") from error
        self._digests: dict[str, str] = {}
        self.body = FileBody(self._file)

    @property
    def name(self) -> str:
        """Its file's name at the server."""
        return f"{self.attempt}.gcode"

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.body)

    @property
    def sha1(self) -> str:
        """Its SHA-1. Not while it is being sent."""
        return self._digest("sha1")

    @property
    def sha256(self) -> str:
        """Its SHA-256. Not while it is being sent."""
        return self._digest("sha256")

    def close(self) -> None:
        """Let go of it."""
        self._file.close()

    def _digest(self, algorithm: str) -> str:
        if algorithm not in self._digests:
            try:
                self._file.seek(0)
                self._digests[algorithm] = hashlib.file_digest(self._file, algorithm).hexdigest()
            except OSError as error:
                raise PrinterError(f"the job's file cannot be read: {error}") from error
        return self._digests[algorithm]
