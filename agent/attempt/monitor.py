"""An attempt from the order to start to its end: followed, guarded, and stopped where its owner wants that."""

import contextlib
import logging

import msgspec

from agent.attempt.context import Station
from agent.attempt.following import CANCELLED_HERE, GIVEN_UP, Seen, observe
from agent.attempt.guard import Guard
from agent.attempt.plate import Plates
from agent.attempt.start import Beginning
from agent.consent.time_limits import ALONE
from agent.journal.attempts import IN_MOTION, Attempt
from agent.journal.stops import Stop
from agent.printers.catalogue import kind_of
from agent.printers.driver import Condition, PrinterError
from wire.lifecycle import Step
from wire.manifest import Manifest
from wire.messages import Blame

log = logging.getLogger(__name__)

OURS = {Condition.LOADING, Condition.PRINTING, Condition.PAUSED}
"""What a printer is while it works on our attempt."""
INSIST = 10.0
"""Seconds after which a printer that still works is told again that its owner wants it to stop."""


class Course:
    """One printer's."""

    def __init__(self, station: Station, plates: Plates, beginning: Beginning) -> None:
        self.cancelled_by = ""
        """Who had the printer told to stop, as far as we did that."""
        self._station = station
        self._plates = plates
        self._beginning = beginning
        self._seen_at = station.clock.monotonic()
        self._insist_at = 0.0
        self._guard = Guard()
        self._alone = ""
        """The attempt of which it was said that nobody is there."""

    def started(self) -> None:
        """The order to start is given now."""
        self._seen_at = self._station.clock.monotonic()

    def follow(self, attempt: Attempt) -> None:
        """Take the next step of an attempt in motion, if the printer shows one.

        Raises:
            JournalError: see the journal; nothing was done that it does not hold.
        """
        station, status = self._station, self._station.status
        now = station.clock.monotonic()
        ours = status.attempt == attempt.id and status.condition in OURS
        self._mind(attempt)
        if ours or status.condition is Condition.UNREACHABLE:
            self._seen_at = now
        seen = observe(attempt.state, attempt.id, status, now - self._seen_at)
        seen = seen or self._heed(attempt, now) or self._guard_it(attempt, now)
        if seen is None:
            return
        step, why = seen
        if step is Step.CANCEL:
            # A command of the owner's may have told the printer before us, and even before it told the journal.
            asked = station.journal.stops.asked(attempt.id)
            by = self.cancelled_by or ("its owner" if asked else "")
            why = f"{f'{by} asked for it' if by else CANCELLED_HERE}. {why}".strip(". ")
        state = station.record(attempt.id, step, why, Blame.PRINTER if step is Step.FAIL else Blame.NOBODY)
        if step is Step.FAIL and why.startswith("stopped for safety"):
            station.journal.rests.begin(station.name)
        if state not in IN_MOTION:
            self.cancelled_by, self._insist_at = "", 0.0
            self._plates.tidy()
        station.awake.set()

    def _guard_it(self, attempt: Attempt, now: float) -> Seen | None:
        """Stop for safety what its server and its firmware let run; some drivers have a watchdog of their own."""
        station = self._station
        if kind_of(station.setup.printer).has_watchdog or station.status.attempt != attempt.id:
            return None
        # After a restart the estimate is the manifest's; keys may have changed since it was verified.
        lasts = self._beginning.lasts or msgspec.json.decode(attempt.signed.body, type=Manifest).seconds
        wrong = self._guard.look(attempt.id, lasts, station.status, now)
        if not wrong:
            return None
        try:
            station.driver.cancel()
        except PrinterError as error:
            log.warning("%s: can't stop %s (%s): %s", station.name, attempt.id, wrong, error)
            return None
        why = f"stopped for safety: {wrong}. Look at it, then say muster-agent reset {station.name}"
        station.refuse(why)
        return Step.FAIL, why

    def _mind(self, attempt: Attempt) -> None:
        """Tell the owner once if it prints on and nobody is there who should be: to stop it would only spoil it."""
        station = self._station
        at_work = station.status.condition in {Condition.PRINTING, Condition.PAUSED}
        if not at_work or self._alone == attempt.id:
            return
        if station.leave.is_alone(station.status, station.clock.now()):
            self._alone = attempt.id
            station.refuse(ALONE.format(station.name))

    def _heed(self, attempt: Attempt, now: float) -> Seen | None:
        """Have the printer stop if its owner wants it, or nobody expects it to begin any more.

        The step is told where only giving up is left.
        """
        station = self._station
        stop = station.journal.stops.asked(attempt.id)
        loads = station.status.condition is Condition.LOADING
        if stop is None and not (loads and self._beginning.may_not_be_any_more()):
            return None
        if station.status.condition is Condition.UNREACHABLE:
            if stop is Stop.GIVE_UP:
                # A file that is still on its way there must not be printed when the printer is back.
                with contextlib.suppress(PrinterError):
                    station.driver.cancel()
            return (Step.FAIL, GIVEN_UP) if stop is Stop.GIVE_UP else None
        if now >= self._insist_at:
            self._insist_at = now + INSIST
            try:
                station.driver.cancel()
                self.cancelled_by = "its owner" if stop else "the agent, as it took too long to load,"
            except PrinterError as error:
                log.warning("%s: can't stop %s: %s", station.name, attempt.id, error)
        return None
