"""How long a request may take. Each step of it (a look-up, a connection, a piece sent or read) asks what is left."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Monotonic seconds."""

Left = Callable[[], float]
"""Seconds that the next step may take; none are left at 0 or below."""


def within(seconds: float, clock: Clock = time.monotonic) -> Left:
    """For all steps together, from now on."""
    ends = clock() + seconds
    return lambda: ends - clock()


def each(seconds: float) -> Left:
    """For every step anew: where a whole may take long as long as it goes on."""
    return lambda: seconds
