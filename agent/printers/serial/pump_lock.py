"""One pump in a folder: who holds its lock."""

import contextlib
import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

WAIT_SECONDS = 2.0
"""How long a pump before us may take to end."""


@contextmanager
def pump_lock(folder: Path) -> Generator[bool]:
    """Be the only pump in this folder, meanwhile; whether we are. The file tells our process."""
    with (folder / "pump.lock").open("a+") as stream:
        is_ours = _take(stream.fileno())
        if is_ours:
            with contextlib.suppress(OSError):  # a full disk is no reason not to cool a printer
                os.ftruncate(stream.fileno(), 0)
                os.write(stream.fileno(), str(os.getpid()).encode())
        yield is_ours


def _take(descriptor: int) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True
