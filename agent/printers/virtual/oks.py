"""What says ok, with all that can be wrong with it: lost, doubled, late, noise before it."""

from collections import deque
from collections.abc import Callable
from math import inf
from random import Random

from agent.printers.virtual.faults import Faults

LATE_SECONDS = 0.04
LATEST_SECONDS = 3.0
LATEST_CHANCE = 0.004


class Oks:
    """`say` is called with what goes to the host; oks come late where there is a `random`, but always in order."""

    def __init__(self, faults: Faults, say: Callable[[bytes], None], random: Random | None) -> None:
        self.due_at = inf
        """When the next late one is to be released."""
        self._faults = faults
        self._say = say
        self._random = random
        self._late: deque[tuple[float, bytes]] = deque()

    def say(self, more: bytes, now: float) -> None:
        """One ok, with `more` behind it."""
        faults = self._faults
        ok = b"ok%b\n" % more
        if faults.any:
            if faults.every("garbage"):
                self._say(faults.noise() + b"\n")
            if faults.every("lose-ok"):
                return
            if faults.every("double-ok"):
                ok += ok
        if self._random is None:
            self._say(ok)
            return
        seconds = self._random.random() * LATE_SECONDS
        if self._random.random() < LATEST_CHANCE:
            seconds = LATEST_SECONDS
        earliest = self._late[-1][0] if self._late else 0.0
        self._late.append((max(earliest, now + seconds), ok))
        self.due_at = self._late[0][0]

    def release(self, now: float) -> None:
        """Say those that are due."""
        while self._late and self._late[0][0] <= now:
            self._say(self._late.popleft()[1])
        self.due_at = self._late[0][0] if self._late else inf
