"""What a host has used, from /proc. Runs in every environment, so it needs nothing but Python."""

import json
import os
import sys
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu(pid: int | str = "self") -> float:
    """CPU seconds until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid: int | str = "self", *, peak: bool = True) -> float:
    """MB, at most until now, or now."""
    name = "VmHWM:" if peak else "VmRSS:"
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


class Meter:
    """Runs from when a host begins to print."""

    def __init__(self, *others: int) -> None:
        """`others` are processes that belong to the host; the memory told is that of the first of them, if any."""
        self._pids: list[int | str] = ["self", *others]
        self._began = self._total()

    def tell(self, **more: object) -> None:
        """Print what was used since, for whoever measures."""
        pid = self._pids[1] if len(self._pids) > 1 else "self"
        told = {"cpu": self._total() - self._began, "rss": memory(pid), **more}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()

    def _total(self) -> float:
        return sum(map(cpu, self._pids))
