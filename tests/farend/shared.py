"""A far end that many tests share: started once, and if it does not start, that is told in one line each time."""

import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Generic, NoReturn, TypeVar

import pytest

T = TypeVar("T")
_TOLD = (pytest.skip.Exception, pytest.fail.Exception)


class Shared(Generic[T]):
    """The far ends of one kind of this test process, by what tells them apart; they end with `close`."""

    def __init__(self, name: str, start: Callable[[str], AbstractContextManager[T]]) -> None:
        self._name, self._start = name, start
        self._stack = ExitStack()
        self._running: dict[str, T] = {}
        self._failed: dict[str, BaseException] = {}

    def get(self, which: str = "") -> T:
        """The running one; what kept it from starting is never tried again."""
        if which in self._failed:
            raise self._failed[which].with_traceback(None)
        if which not in self._running:
            try:
                with told(f"{self._name} {which}".strip()):
                    self._running[which] = self._stack.enter_context(self._start(which))
            except _TOLD as why:
                self._failed[which] = why
                raise
        return self._running[which]

    def close(self) -> None:
        self._running.clear()
        self._stack.close()


@contextmanager
def told(name: str) -> Generator[None]:
    """While a far end starts: what goes wrong becomes one failure in words, without the way that led to it."""
    try:
        yield
    except _TOLD:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is why all the tests that need it fail
        words = " ".join(str(error).split())[-600:] or "it gave no reason"
        pytest.fail(f"{name} did not start: {type(error).__name__}: {words}", pytrace=False)


def missing(what: str) -> NoReturn:
    """What a test needs is not there, and how it gets there: skips the test, and fails it where all must be there."""
    if os.environ.get("CI"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)
