"""A virtual printer in a folder of its own, with settings that drive it. When it is closed, nothing of it is left."""

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from agent import settings
from agent.errors import OwnerError
from agent.printers.kind import PrinterSettings

PRINTER = "virtual"
PATIENCE = 60.0
"""Seconds for anything to come up on a slow machine."""
GRACE = 10.0
"""Seconds from telling a process to end to making it."""
LOOK = 0.05
_PR_SET_PDEATHSIG = 1  # linux/prctl.h

SETTINGS = """\
state = "state"
[consent]
default = "auto"
[[printer]]
name = "{name}"
driver = "serial"
port = {port}
material = "petg"
thermal_protection = true
"""


class BenchError(OwnerError):
    """A process that is needed did not start, or ended. Says what it said last."""


class VirtualBench:
    """Everything lies below `directory`; the printer is `speed` times as fast as a real one."""

    def __init__(self, speed: float) -> None:
        """Make the folder, and plug the printer in.

        Raises:
            BenchError: it does not come up.
        """
        self.speed = speed
        ends = (signal.SIGTERM, signal.SIGHUP)  # whoever ends us, as Ctrl-C does: nothing stays behind
        self._handlers = {number: signal.signal(number, signal.default_int_handler) for number in ends}
        self._folder = tempfile.TemporaryDirectory(prefix="muster-try-", ignore_cleanup_errors=True)
        self.directory = Path(self._folder.name)
        self._children: list[subprocess.Popen[bytes]] = []
        port = self.directory / "port"
        path = self.directory / settings.NAME
        path.write_text(SETTINGS.format(name=PRINTER, port=json.dumps(str(port))))
        try:
            self.loaded = settings.load(path)
            far = self.start("virtual-printer", "--link", str(port), "--speed", f"{speed:g}")
            self._wait(port.exists, far)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "VirtualBench":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def printer(self) -> PrinterSettings:
        """The printer, as the settings have it."""
        return self.loaded.printer(PRINTER)

    def start(self, command: str, *words: str) -> "subprocess.Popen[bytes]":
        """Start a `muster-agent` command on these settings. It ends with us, whatever ends us; see `said`."""
        config = ["--config", str(self.loaded.path)] if command == "run" else []
        libc = ctypes.CDLL(None)  # loaded before the fork

        def end_with_us() -> None:
            if sys.platform == "linux":
                libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

        with self._log(command).open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "agent", *config, command, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we end them in order
                preexec_fn=end_with_us,  # noqa: PLW1509  we have one thread
            )
        self._children.append(child)
        return child

    def said(self, command: str) -> list[str]:
        """What a command has said so far."""
        return self._log(command).read_text(errors="replace").splitlines()

    def check(self) -> None:
        """See that all still run.

        Raises:
            BenchError: one has ended.
        """
        for child in self._children:
            if child.poll() is not None:
                self._fail(child)

    def close(self) -> None:
        """End all processes, those that drive the port too, and remove the folder."""
        self._handlers[signal.SIGINT] = signal.getsignal(signal.SIGINT)
        for number in self._handlers:
            signal.signal(number, signal.SIG_IGN)  # it is done in a moment
        try:
            for child in self._children[1:]:
                _end(child)
            for lock in self.directory.rglob("pump.lock"):
                with contextlib.suppress(OSError, ValueError):
                    _end_pump(lock)
            for child in self._children[:1]:
                _end(child)  # the printer, now that nobody drives it
            self._folder.cleanup()
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)

    def _log(self, command: str) -> Path:
        return self.directory / f"{command}.log"

    def _wait(self, is_up: Callable[[], bool], child: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_up():
            if child.poll() is not None or time.monotonic() > deadline:
                self._fail(child)
            time.sleep(LOOK)

    def _fail(self, child: "subprocess.Popen[bytes]") -> None:
        words: list[str] = [each for each in child.args if isinstance(each, str)]  # type: ignore[union-attr]
        command = next(each for each in words if self._log(each).exists())
        last = (self.said(command) or ["nothing"])[-1]
        raise BenchError(f"muster-agent {command} does not run, and said last: {last}")


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _end_pump(lock: Path) -> None:
    """End the pump that holds this lock, if one does: it outlives whoever started it."""
    deadline = time.monotonic() + GRACE
    with lock.open("r+") as stream:
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                stream.seek(0)
                how = signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL
                os.kill(int(stream.read()), how)
                time.sleep(LOOK)
            else:
                return
