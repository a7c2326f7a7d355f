"""Processes that are kept running, and die with the run."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.chaos.diary import Diary

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Proc:
    """One process that is kept running."""

    def __init__(self, name: str, command: list[str], log: Path, env: dict[str, str] | None = None) -> None:
        self.name = name
        self.command = command
        self.log = log
        self.env = env or {}
        self.popen: subprocess.Popen[bytes] | None = None
        self.not_before = 0.0
        """When it may be started again."""
        self.struck = False
        """The nemesis ended it, or is about to."""

    @property
    def pid(self) -> int | None:
        popen = self.popen
        return popen.pid if popen is not None and popen.poll() is None else None

    def signal(self, number: int) -> bool:
        """Whether it was there to get it."""
        pid = self.pid
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
            return True
        return False


def tend(proc: Proc, diary: Diary) -> None:
    """Start it if it is not there; called again and again, by a thread that lives as long as the process must."""
    if proc.popen is not None:
        code = proc.popen.poll()
        if code is None:
            return
        diary.note("ended", proc=proc.name, code=code, struck=proc.struck)
        proc.popen = None
        proc.not_before = max(proc.not_before, time.monotonic() + (0.1 if proc.struck else 1.0))
        proc.struck = False
    if time.monotonic() < proc.not_before:
        return
    with proc.log.open("ab") as log:
        proc.popen = subprocess.Popen(
            proc.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(sys.path)} | proc.env,
            start_new_session=True,
            preexec_fn=_die_with_us,  # noqa: PLW1509 - libc was loaded before the fork
        )


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(word) for word in (task / "children").read_text().split()]
    return found


def _die_with_us() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
