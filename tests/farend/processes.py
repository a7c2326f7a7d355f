"""What a test started, told by a mark in its environment: to see that nothing of it is left."""

import contextlib
import os
import secrets
import signal
import time
from pathlib import Path

MARK = "MUSTER_TEST_MARK"


def mark() -> dict[str, str]:
    """A mark that a process, and all that it starts, carries in its environment."""
    return {MARK: secrets.token_hex(16)}


def carriers(marked: dict[str, str]) -> list[str]:
    """The command lines of all processes that carry this mark."""
    found: list[str] = []
    for pid in _carrying(marked):
        with contextlib.suppress(OSError):  # it ended while we looked
            found.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def end(marked: dict[str, str]) -> None:
    """Make all of them end, whatever state they are in."""
    for pid in _carrying(marked):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def none_left(marked: dict[str, str], patience: float = 15) -> list[str]:
    """Wait for all of them to end; those that have not."""
    deadline = time.monotonic() + patience
    while (left := carriers(marked)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def _carrying(marked: dict[str, str]) -> list[int]:
    word = f"{MARK}={marked[MARK]}".encode()
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if word in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found
