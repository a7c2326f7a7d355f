"""A tap on a serial cable: passes all on between an agent and its printer, and tells when a line came by."""

import contextlib
import os
import re
import select
import threading
import time
import tty
from pathlib import Path
from types import TracebackType
from typing import Self

CHUNK = 65536
NUMBERING = re.compile(rb"^N\d+ M110\b", re.MULTILINE)
"""With what a print begins on the cable."""


class Watch:
    """What is looked for among the lines to the printer. Moments are seconds since 1970."""

    def __init__(self, command: bytes) -> None:
        self._pattern = re.compile(rb"^N\d+ %b\*\d+\n" % re.escape(command), re.MULTILINE)
        self._lines = b""
        self._found = threading.Event()
        self.numbered: float | None = None
        self.written: float | None = None

    def see(self, data: bytes, at: float) -> None:
        """Bytes went to the printer."""
        if self._found.is_set():
            return
        self._lines += data
        if self.numbered is None and NUMBERING.search(self._lines):
            self.numbered = at
        if self._pattern.search(self._lines):
            self.written = at
            self._found.set()

    def wait(self, seconds: float) -> bool:
        """Whether the command came by within so long."""
        return self._found.wait(seconds)


class Tap:
    """Between the printer whose pty is at `far` and the agent, which opens `near`. One thread, which waits."""

    def __init__(self, far: Path, near: Path) -> None:
        self.near = near
        self._printer = os.open(far, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._printer)
        # Our own hold on the agent's end: without one, each time that nobody has it open is an error to read.
        self._agent, self._held = os.openpty()
        tty.setraw(self._held)
        os.set_blocking(self._agent, False)
        near.symlink_to(os.ttyname(self._held))
        self._ends, self._end = os.pipe()
        self._watch: Watch | None = None
        self._thread = threading.Thread(target=self._pass_on, name="tap", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._end)
        self._thread.join()
        for descriptor in (self._printer, self._agent, self._held, self._ends):
            os.close(descriptor)
        self.near.unlink(missing_ok=True)

    def watch(self, command: bytes) -> Watch:
        """Look out for `command`, from now on."""
        self._watch = Watch(command)
        return self._watch

    def _pass_on(self) -> None:
        poller = select.poll()
        for descriptor in (self._agent, self._printer, self._ends):
            poller.register(descriptor, select.POLLIN)
        while True:
            for descriptor, _ in poller.poll():
                if descriptor == self._ends:
                    return
                try:
                    data = os.read(descriptor, CHUNK)
                except BlockingIOError:
                    continue
                except OSError:  # the printer is gone
                    poller.unregister(descriptor)
                    continue
                if descriptor == self._agent and self._watch:
                    self._watch.see(data, time.time())
                # What nobody reads is lost, as on a real cable.
                with contextlib.suppress(OSError):
                    os.write(self._printer if descriptor == self._agent else self._agent, data)
