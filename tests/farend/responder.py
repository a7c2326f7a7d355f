"""The quickest printer there is: says ok to every line at once. For measuring what a host can do.

A process of its own, so that it takes nothing from the host's interpreter. It looks at no line by itself unless
there is an M in what came: it counts line ends, and says as many oks.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
import tty
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from msgspec import Struct

from tests.waiting import PATIENCE

FIRST, LAST = b"M75", b"M77"
"""What begins and ends a measured file: Marlin's print timer."""


class Seen(Struct, frozen=True):
    """What came between the first line and the last."""

    lines: int
    seconds: float


class Responder:
    """Answers at the far end of a pty whose near end is `port`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = folder / "responder"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.farend.responder", str(self.port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("/dev/"), "the responder did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self.port.unlink(missing_ok=True)

    def wait(self, within: float) -> Seen | None:
        """What a whole file took from its M75 to its M77; None if the last did not come in time."""
        stdout = self._process.stdout
        assert stdout is not None
        if not select.select([stdout], [], [], max(0.0, within))[0]:
            return None
        return Seen(**json.loads(stdout.readline()))


class _Count:
    """Counts the lines of a file that is measured."""

    def __init__(self) -> None:
        self.lines = 0
        self.began: float | None = None

    def answer(self, line: bytes) -> bytes:
        """The answer to a line that has an M in it."""
        if b"M105" in line:
            return b"ok T:20.00 /0.00 B:20.00 /0.00 @:0 B@:0\n"
        if b"M115" in line:
            return b"FIRMWARE_NAME:Responder PROTOCOL_VERSION:1.0 MACHINE_TYPE:None EXTRUDER_COUNT:1\nok\n"
        if FIRST in line:
            self.began, self.lines = time.monotonic(), 0
        elif LAST in line and self.began is not None:
            _tell(json.dumps({"lines": self.lines, "seconds": time.monotonic() - self.began}))
            self.began = None
        return b"ok\n"


def serve(link: Path) -> None:
    """Answer until the process is ended; more than one host may come, one after the other."""
    far, near = os.openpty()
    tty.setraw(near)
    link.unlink(missing_ok=True)
    link.symlink_to(os.ttyname(near))
    _tell(os.ttyname(near))
    count, held = _Count(), b""
    while True:
        data = os.read(far, 65536)
        if held:
            data = held + data
            held = b""
        lines = data.count(b"\n")
        if data[-1:] != b"\n":
            end = data.rfind(b"\n") + 1
            data, held = data[:end], data[end:]
        count.lines += lines
        if b"M" in data:
            out = b"".join(
                count.answer(line) if b"M" in line else b"ok\n" for line in data.split(b"\n") if line.strip()
            )
        else:
            out = b"ok\n" * lines
        while out:
            out = out[os.write(far, out) :]


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    serve(Path(sys.argv[1]))
