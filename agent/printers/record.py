"""What a pump must not forget: the last attempt on its port, on disk before anything moves."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.printers.driver import Ending
from agent.printers.revival import Printing


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


class Memory:
    """The record on disk, which is there before anything moves and after everything stands still."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.record = decode(path.read_bytes())
        except FileNotFoundError:
            self.record = Record()
        except msgspec.MsgspecError:
            self.record = Record(why="the record of the last print can't be read", hot=True)

    def keep(self, record: Record) -> None:
        """Write it down if it is another than before."""
        if record is self.record:
            return
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as stream:
            stream.write(msgspec.json.encode(record))
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self._path)
        self.record = record
