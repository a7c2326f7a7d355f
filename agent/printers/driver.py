"""What the agent asks of any printer, however it is driven.

A driver never decides whether to print; it is told by the runner, after the gate has passed the file.
"""

from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from msgspec import Struct


class Condition(StrEnum):
    """What a printer is doing, as far as its driver can tell."""

    UNREACHABLE = "unreachable"
    """No contact. Says nothing of a print that was running."""
    IDLE = "idle"
    """Operational, and nothing runs."""
    BUSY = "busy"
    """Runs something that is not ours: another hand started it. We stand back."""
    LOADING = "loading"
    """Takes the file of our attempt, which may last minutes; nothing moves yet."""
    PRINTING = "printing"
    """Runs our attempt, from heating up to the last move."""
    PAUSED = "paused"
    """Our attempt is paused."""
    FAULT = "fault"
    """Stopped for safety; a person must look at it and reset it."""


class Ending(StrEnum):
    """How our last attempt on this printer ended."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """The moment was missed and the printer keeps no trace: ask the owner."""


class Heat(Struct, frozen=True):
    """One heater, in °C."""

    actual: float
    target: float


class Status(Struct, frozen=True, kw_only=True):
    """One look at a printer. `attempt` is ours that runs, or the last of ours that ended if `ending` is set.

    `progress` is 0 to 1 by executed (not sent) work, and below 1 until the printer confirmed the last move.
    `why` is for the owner: what happened and what to do, in a sentence; empty when there is nothing to say.
    `protected` is whether its firmware says that it watches its heaters by itself; None if it does not say.
    `asks` is the question that stands at it, and `answered` the last one that somebody answered there; see `Askable`.
    """

    condition: Condition
    attempt: str | None = None
    ending: Ending | None = None
    why: str = ""
    progress: float = 0.0
    nozzle: Heat | None = None
    bed: Heat | None = None
    protected: bool | None = None
    asks: str = ""
    answered: str = ""


class PrinterError(Exception):
    """The printer, or the way to it, is at fault. The message tells the owner what to do."""


class Driver(Protocol):
    """One printer. Each call returns within five seconds or raises `PrinterError`; never two at a time."""

    def status(self) -> Status:
        """Look at the printer. Never raises for an unreachable one: that is a condition."""
        ...

    def start(self, attempt: str, path: Path, seconds: float) -> None:
        """Begin printing the whole, checked file at `path` as `attempt`; `seconds` is its estimated time.

        Returns when the order is given, or while a printer that takes the file slowly is `LOADING`; then each
        `status` brings it on, so ask every second or so. Only `status` tells that it runs, or (FAILED) that it
        was not taken. The file must stay until the end.

        Raises:
            PrinterError: the printer is not idle, or did not take the file. Then nothing moves.
        """
        ...

    def pause(self) -> None:
        """Ask for a pause of our attempt; `status` tells when it is paused."""
        ...

    def resume(self) -> None:
        """Go on with our paused attempt."""
        ...

    def cancel(self) -> None:
        """End our attempt, also a loading one: motion stops, heaters go off; `status` then tells the ending."""
        ...

    def close(self) -> None:
        """Let go of the printer without disturbing what it prints."""
        ...


class Onlooker(Protocol):
    """Who looks at a printer, and leaves it alone. Never two calls at a time; each returns within five seconds."""

    def status(self) -> Status:
        """Look; an unreachable printer is a condition."""
        ...

    def close(self) -> None:
        """Look no more; nothing changes for the printer."""
        ...


@runtime_checkable
class Resettable(Onlooker, Protocol):
    """A driver or an onlooker that can take a printer up again which has stopped itself for safety."""

    def reset(self) -> None:
        """Have its board start anew: its owner has looked at it.

        Raises:
            PrinterError: a print runs, its port is not there, or nobody answers.
        """
        ...


@runtime_checkable
class Askable(Protocol):
    """A driver by whose printer a person can be asked: on its display with its knob, or in its server's pages."""

    def ask(self, question: str) -> None:
        """Ask there whether the bed is clear; `question` names this once, in `Status`: letters and digits.

        Raises:
            PrinterError: it is not idle, or has no way to be asked and to be told that it need not be answered.
        """
        ...

    def hush(self) -> None:
        """Ask no more, whether it was answered or not."""
        ...
