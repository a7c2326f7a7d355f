"""Who tries one secret after the other is made to wait; who has a right one is not, whoever sits at the same address.

A link has 192 bits, an invite 128: what is spared is work, what is won is that guessing shows.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable

from coordinator.errors import Slow
from coordinator.people.household import household
from coordinator.quota import Quota

LINKS = (20, 600.0)
"""Links that lead nowhere: so many an address may try at once, and as many again in so many seconds."""
INVITES = (10, 120.0)
"""Enrolments that are refused, alike."""
_RIGHT = 10_000


class Guesses:
    """Counts of wrong tries by address, in this process only. Thread-safe, of bounded size."""

    def __init__(self, clock: Callable[[], float], rule: tuple[int, float], then: str) -> None:
        """`clock` gives seconds; `then` says what to do after the wait."""
        free, span = rule
        self._now = clock
        self._then = then
        self._lock = threading.Lock()
        self._wrong = Quota(free / span, free)
        self._right: OrderedDict[str, None] = OrderedDict()

    def enter(self, address: str, secret: str = "") -> None:
        """Before a secret is looked up; told by its hash it is known again, if it was right before.

        Raises:
            Slow: it must not be looked up now.
        """
        with self._lock:
            if secret in self._right:
                return
            wait = self._wrong.wait(household(address), self._now())
        if wait > 0:
            raise Slow.down(wait, self._then)

    def found(self, secret: str) -> None:
        """It was right."""
        with self._lock:
            self._right[secret] = None
            self._right.move_to_end(secret)
            while len(self._right) > _RIGHT:
                self._right.popitem(last=False)

    def missed(self, address: str, secret: str = "") -> None:
        """It was wrong, or is no longer right."""
        with self._lock:
            self._right.pop(secret, None)
            self._wrong.admits(household(address), self._now())
