"""Something changed: told by whoever changed it, heard by the pages that show it.

ChangeFeed carries only what changed, never how: a listener looks again. A subject is a short path, the general
first: `need/n1`, `hospital/h1`, `printer/anna/mk3`. Whoever listens to `need` hears of every need; whoever
listens to `need/n1` of that one. Nothing is kept for those who do not listen.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Self

LIMIT = 64
"""Subjects that wait for one slow listener; beyond that it is told only what it listens to."""


class ChangeFeed:
    """Passes what changed on, from any thread to listeners on any event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._closed = False

    def publish(self, *subjects: str) -> None:
        """Say that `subjects` changed. Never blocks, never fails; called by a unit of work, after its commit."""
        with self._lock:
            for listener in self._listeners:
                listener.hear(subjects)

    def listen(self, *prefixes: str) -> "Listener":
        """Listen to all that stands at or below `prefixes`, from entering the context to leaving it."""
        return Listener(self, prefixes)

    def close(self) -> None:
        """End every listener, and those that come later at once: the process is about to stop."""
        with self._lock:
            self._closed = True
            for listener in self._listeners:
                listener.end()

    def add(self, listener: "Listener") -> None:
        """Let `listener` hear from now on."""
        with self._lock:
            self._listeners.add(listener)
            if self._closed:
                listener.end()

    def remove(self, listener: "Listener") -> None:
        """Tell `listener` nothing more."""
        with self._lock:
            self._listeners.discard(listener)

    @property
    def listeners(self) -> int:
        """How many listen now."""
        with self._lock:
            return len(self._listeners)


class Listener:
    """One who listens; iterate it inside its context. ChangeFeed that nobody has fetched yet runs together."""

    def __init__(self, feed: ChangeFeed, prefixes: tuple[str, ...]) -> None:
        self._feed = feed
        self._prefixes = prefixes
        self._lock = threading.Lock()
        self._waiting: set[str] = set()
        self._ended = False
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._feed.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._feed.remove(self)

    def hear(self, subjects: tuple[str, ...]) -> None:
        """Take note of `subjects` if they matter here; from any thread."""
        heard = {subject for subject in subjects if any(_below(subject, each) for each in self._prefixes)}
        if not heard:
            return
        with self._lock:
            self._waiting |= heard
            if len(self._waiting) > LIMIT:
                self._waiting = set(self._prefixes)
        self._stir()

    def end(self) -> None:
        """Stop the iteration; from any thread."""
        self._ended = True
        self._stir()

    async def __aiter__(self) -> AsyncIterator[frozenset[str]]:
        """The subjects that changed since the last look; ends when the feed is closed."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._ended:
                return
            with self._lock:
                subjects, self._waiting = frozenset(self._waiting), set()
            if subjects:
                yield subjects

    def _stir(self) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # its loop has ended, and so has the listener
            self._loop.call_soon_threadsafe(self._wake.set)


def _below(subject: str, prefix: str) -> bool:
    return subject == prefix or subject.startswith(prefix + "/")
