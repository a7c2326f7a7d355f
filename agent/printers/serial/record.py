"""What a pump must not forget: the last attempt on its port, on disk before anything moves."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.printers.driver import Ending


class Printing(Struct, frozen=True, kw_only=True):
    """What has to be known to go on: the file, and the machine's run since it was switched on (`boot`)."""

    path: str
    count: int
    seconds: float
    top: float
    boot: str


class Record(Struct, frozen=True, kw_only=True):
    """The last attempt on a port, kept on disk so that neither agent nor pump can forget it.

    `hot` until the heaters are known to be off: whoever opens the port next switches them off first. `fault` says
    why it was stopped for safety, until a person has reset the printer.
    """

    attempt: str | None = None
    ending: Ending | None = None
    why: str = ""
    progress: float = 0.0
    hot: bool = False
    fault: str = ""
    printing: Printing | None = None
    """What has to be known to go on after the pump died; only where the owner wants that."""

    @property
    def runs(self) -> bool:
        """Whether the attempt has no ending yet."""
        return self.attempt is not None and self.ending is None


decode = msgspec.json.Decoder(Record).decode


class RecordFile:
    """The newest record, and its place on disk. The disk may be full, failing or slow: whoever calls is not to wait."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.record = decode(path.read_bytes())
        except FileNotFoundError:
            self.record = Record()
        except (msgspec.MsgspecError, OSError):
            self.record = Record(why="the record of the last print can't be read", hot=True)
        self._kept = self.record

    @property
    def is_kept(self) -> bool:
        """Whether the disk has what is in memory."""
        return self.record is self._kept

    def note(self, record: Record) -> None:
        """This is the record from now on; it is written down by `keep`."""
        if record is not self.record and record == self._kept:
            self._kept = record
        self.record = record

    def keep(self) -> None:
        """Write the record down if the disk has another.

        Raises:
            OSError: the disk did not take it.
        """
        if not self.is_kept:
            self.secure(self.record)

    def secure(self, record: Record) -> None:
        """This is the record as soon as it is on disk, and not before.

        Raises:
            OSError: the disk did not take it.
        """
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as stream:
            stream.write(msgspec.json.encode(record))
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self._path)
        self.record = self._kept = record
