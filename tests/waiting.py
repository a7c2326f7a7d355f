"""How long a test waits for what must come by itself.

A busy machine is slow, which is no failure: what a test waits for comes within a moment on a quiet machine, and the
patience here is for all others. Where time itself is the subject, it is passed in, and nothing waits.
"""

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0 * float(os.environ.get("TEST_PATIENCE", "1"))
"""Seconds. `TEST_PATIENCE=3` makes it three times as long, on a machine that is very slow."""


def eventually(
    wanted: Callable[[], T],
    said: Callable[[], object] = lambda: "it never came true",
    *,
    within: float = PATIENCE,
    every: float = 0.02,
) -> T:
    """Look every so many seconds until `wanted` gives something true, and give that.

    Raises:
        AssertionError: it did not in time; `said` is asked for what to say then.
    """
    deadline = time.monotonic() + within
    while not (found := wanted()):
        assert time.monotonic() < deadline, f"waited {within:g} s in vain: {said()}"
        time.sleep(every)
    return found


@contextmanager
def bounded(seconds: float = PATIENCE) -> Generator[None]:
    """What ends by a time-out of its own: hold that it ended, and not how fast."""
    began = time.monotonic()
    yield
    assert (lasted := time.monotonic() - began) < seconds, f"it took {lasted:.1f} s"
