"""What a test started, told by a mark in its environment: to see that nothing of it is left."""

import secrets
import time
from pathlib import Path

MARK = "MUSTER_TEST_MARK"


def mark() -> dict[str, str]:
    """A mark that a process, and all that it starts, carries in its environment."""
    return {MARK: secrets.token_hex(16)}


def carriers(marked: dict[str, str]) -> list[str]:
    """The command lines of all processes that carry this mark."""
    word = f"{MARK}={marked[MARK]}".encode()
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if word in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it ended while we looked
            continue
    return found


def none_left(marked: dict[str, str], patience: float = 15) -> list[str]:
    """Wait for all of them to end; those that have not."""
    deadline = time.monotonic() + patience
    while (left := carriers(marked)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left
