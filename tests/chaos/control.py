"""What the nemesis tells a process that runs: how wrong its clock is, and at which commit it must die.

One small file, mapped by both sides, so that a process hears it without being asked to listen.
"""

import mmap
import os
import signal
import struct
import threading
from pathlib import Path

BEFORE, AFTER = 1, 2
_LAYOUT = struct.Struct(
    "<dqq"
)  # seconds that the clock is ahead, commits left to live, BEFORE or AFTER the last


class Control:
    """One process's page; both sides make it from the same path."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_LAYOUT.size))
        with path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), _LAYOUT.size)
        self._lock = threading.Lock()

    # ── the nemesis ───────────────────────────────────────────────────────────────────────────────────────

    def shift(self, seconds: float) -> None:
        """Set the clock ahead (or back) by so much against the right one."""
        struct.pack_into("<d", self._page, 0, seconds)

    def arm(self, commits: int, where: int) -> None:
        """Die right BEFORE or AFTER the commit that comes as number `commits` from now; 0 for never."""
        struct.pack_into("<qq", self._page, 8, commits, where)

    # ── the process ───────────────────────────────────────────────────────────────────────────────────────

    @property
    def ahead(self) -> float:
        seconds: float = struct.unpack_from("<d", self._page, 0)[0]
        return seconds

    def commits(self, where: int) -> None:
        """Called right before and right after each commit; may not return."""
        with self._lock:
            left, wanted = struct.unpack_from("<qq", self._page, 8)
            if not left:
                return
            if left == 1 and where == wanted:
                struct.pack_into("<qq", self._page, 8, 0, 0)
                os.kill(os.getpid(), signal.SIGKILL)
            if where == AFTER and left > 1:
                struct.pack_into("<q", self._page, 8, left - 1)
