"""What a test started, told by a mark in its environment: to see that nothing of it is left."""

import contextlib
import os
import secrets
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import PATIENCE

MARK = "MUSTER_TEST_MARK"
RUN = "TESTS_RUN"
"""The mark of a whole run; no setting of Muster's, as tests take those away."""


@dataclass(frozen=True)
class Process:
    """A process that runs; `test` is the one that started it, if that is known."""

    pid: int
    command: str
    test: str

    @property
    def words(self) -> str:
        return f"{self.pid}: {self.command[:200]}" + (f" (of {self.test})" if self.test else "")


def mark(name: str = MARK) -> dict[str, str]:
    """A mark that a process, and all that it starts, carries in its environment."""
    return {name: secrets.token_hex(16)}


def carriers(marked: dict[str, str]) -> list[Process]:
    """All processes that carry these marks, but this one."""
    wanted = {f"{name}={value}".encode() for name, value in marked.items()}
    found: list[Process] = []
    for entry in Path("/proc").glob("[0-9]*"):
        if entry.name == str(os.getpid()):
            continue
        with contextlib.suppress(OSError):  # another user's, or it ended while we looked
            environment = (entry / "environ").read_bytes().split(b"\0")
            if wanted <= set(environment):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found.append(Process(int(entry.name), command.strip(), _test(environment)))
    return found


def end(marked: dict[str, str]) -> None:
    """Make all of them end, whatever state they are in."""
    for each in carriers(marked):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each.pid, signal.SIGKILL)


def none_left(marked: dict[str, str], patience: float = PATIENCE) -> list[Process]:
    """Wait for all of them to end; those that have not."""
    deadline = time.monotonic() + patience
    while (left := carriers(marked)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def end_all_of_run(patience: float) -> list[Process]:
    """End what this worker started, or everybody where there are no workers; what was still there."""
    names = (RUN, "PYTEST_XDIST_WORKER")
    marked = {name: os.environ[name] for name in names if name in os.environ}
    left = none_left(marked, patience)
    end(marked)
    return left


def _test(environment: list[bytes]) -> str:
    """The test that was running when a process was started: pytest says it in the environment."""
    told = [each for each in environment if each.startswith(b"PYTEST_CURRENT_TEST=")]
    return told[0].partition(b"=")[2].decode(errors="replace") if told else ""
