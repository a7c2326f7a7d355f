"""One printer as its runner has it: how it was seen last, what is kept of it, and what is told of it.

What it holds of a look is changed by the runner's own thread only.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from agent.consent.hours import Hours
from agent.consent.owner_answers import OwnerAnswers
from agent.consent.terms import ConsentTerms
from agent.consent.time_limits import TimeLimits
from agent.conversation.telemetry import TelemetryPublisher
from agent.journal import Journal
from agent.printers.driver import Condition, Driver, Status
from agent.printers.kind import PrinterSettings
from wire.lifecycle import State, Step
from wire.messages import Blame, Up

log = logging.getLogger(__name__)

_AT_WORK = frozenset({Condition.BUSY, Condition.PRINTING, Condition.PAUSED})


class Clock(Protocol):
    """The clocks of this machine."""

    def monotonic(self) -> float:
        """Seconds that only rise, also while the machine sleeps."""
        ...

    def now(self) -> datetime:
        """The wall clock, with its zone."""
        ...


class RunnerSettings(Struct, frozen=True, kw_only=True):
    """What a runner is told of its printer and what its owner set.

    `terms` are its owner's consent, towards the coordinator that it serves; `unfit` is why the gate refuses every
    job between its owner's scripts, where it does.
    """

    printer: PrinterSettings
    hours: Hours
    clear_from_page: bool
    terms: ConsentTerms = ConsentTerms()
    unfit: str = ""


class Uplink(Protocol):
    """The link, as far as a runner needs it."""

    @property
    def up(self) -> bool:
        """Whether anybody can hear us."""
        ...

    def publish(self, message: Up) -> bool:
        """Say something; False if it can't be said now."""
        ...


class PrinterContext:
    """One printer's. `changed` is called when the journal has news to report."""

    def __init__(
        self,
        settings: RunnerSettings,
        driver: Driver,
        journal: Journal,
        *,
        link: Uplink,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self.name = settings.printer.name
        self.settings = settings
        self.driver = driver
        self.journal = journal
        self.link = link
        self.clock = clock
        self.changed = changed
        self.awake = threading.Event()
        """Set when there is something to do before the next step is due."""
        self.answers = OwnerAnswers(journal)
        self.limits = TimeLimits(
            self.name, settings.hours, journal, self.answers, protection=settings.printer.thermal_protection
        )
        self.telemetry = TelemetryPublisher(self.name, link.publish)
        self.status = Status(condition=Condition.UNREACHABLE, why="not looked at yet")
        self.looked_at = clock.monotonic()

    def look(self) -> None:
        """See how the printer is. What another hand prints there leaves a bed that is not clear."""
        self.status = self.driver.status()
        self.looked_at = self.clock.monotonic()
        if self.status.condition in _AT_WORK and self.bed_is_clear:
            log.info("%s: somebody else prints on it: its bed counts as not clear", self.name)
            self.journal.beds.occupy(self.name)

    @property
    def bed_is_clear(self) -> bool:
        """Whether a person said so since the last start."""
        return self.journal.beds.is_clear(self.name)

    @property
    def left(self) -> float:
        """Seconds that a job may last from now on, by all that its owner has set."""
        return self.limits.seconds(self.status, self.clock.now())

    @property
    def at(self) -> float:
        """The wall clock here, in seconds since 1970."""
        return self.clock.now().timestamp()

    def record(self, attempt: str, step: Step, why: str = "", blame: Blame = Blame.NOBODY) -> State:
        """Commit a step of an attempt; its new state.

        Raises:
            JournalError: see the journal.
        """
        state = self.journal.attempts.record(attempt, step, self.at, why, blame)
        log.info("%s: %s is %s%s", self.name, attempt, state, f": {why}" if why else "")
        self.changed()
        return state

    def refuse(self, what: str) -> None:
        """Keep for its owner what was not done here, or not as it should be."""
        log.warning("%s: %s", self.name, what)
        self.answers.refuse(self.name, what, self.at)

    def publish_telemetry(self, attempt: str | None, hindrance: str = "") -> None:
        """Tell the coordinator how it looks."""
        now = self.clock.monotonic()
        self.telemetry.publish(self.status, attempt, now, clear=self.bed_is_clear, hindrance=hindrance)
