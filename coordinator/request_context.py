"""In which role somebody acts, and by what way: set once where a request comes in, read where an act is noted."""

import contextlib
from collections.abc import Generator
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """`role` as the accounts know it, "" where nobody does; `via` is page, api, cli, link or inside."""

    role: str = ""
    via: str = "inside"


_here: ContextVar[Origin] = ContextVar("origin")
_INSIDE = Origin()


def here() -> Origin:
    """Where what is being done now comes from."""
    return _here.get(_INSIDE)


@contextlib.contextmanager
def acting(*, via: str, role: str = "") -> Generator[None]:
    """What is done inside this context comes from there; also what its thread pool does for it."""
    before = _here.set(Origin(role, via))
    try:
        yield
    finally:
        _here.reset(before)
