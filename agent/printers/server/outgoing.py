"""An attempt's file on its way to a server, from the order to start until its print is ordered there."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from agent.printers.driver import PrinterError
from agent.printers.server.http import Content
from agent.printers.server.upload import Shipment


@dataclass
class Parcel:
    """One file; times are the clock's."""

    attempt: str
    seconds: float
    """How long its print is reckoned to last."""
    since: float
    file: BinaryIO
    sha256: str
    """Of its bytes, in hexadecimal."""
    shipment: Shipment | None = None
    arrived: float | None = None
    """When the server had taken all of it."""
    whole: bool = False
    """Whether the server was seen to hold just our bytes."""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(Content(self.file))

    @property
    def fraction(self) -> float:
        """How much has been sent, 0 to 1."""
        return self.shipment.fraction if self.shipment else 0.0

    def close(self) -> None:
        """Let go of the file and the connection."""
        self.file.close()
        if self.shipment:
            self.shipment.close()


def wrapped(attempt: str, path: Path, seconds: float, now: float) -> Parcel:
    """An attempt's file, opened; nothing is sent yet.

    Raises:
        PrinterError: it can't be read.
    """
    try:
        file = path.open("rb")
        try:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
        except OSError:
            file.close()
            raise
    except OSError as error:
        raise PrinterError(f"the job's file {path} cannot be read: {error}") from error
    return Parcel(attempt, seconds, now, file, digest)
