"""How long to wait before the next try."""

from collections.abc import Callable


def backoff(attempt: int, random: Callable[[], float], base: float = 1.0, cap: float = 60.0) -> float:
    """Seconds to wait after `attempt` failures in a row (0 for the first), with full jitter.

    Uniform between 0 and min(cap, base · 2^attempt), so that a thousand agents whose broker comes back do not
    all come at once. `random` gives a number from 0 to 1.
    """
    return random() * min(cap, base * 2.0 ** min(attempt, 32))
