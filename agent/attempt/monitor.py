"""An attempt from the order to start to its end: followed, guarded, and stopped where its owner wants that."""

import contextlib
import logging

import msgspec

from agent.attempt.context import PrinterContext
from agent.attempt.following import CANCELLED_HERE, GIVEN_UP, Seen, observe
from agent.attempt.plate import PlateMaker
from agent.attempt.server_watchdog import ServerWatchdog
from agent.attempt.start import PrintStart
from agent.consent.time_limits import ALONE
from agent.journal.attempts import IN_MOTION, JournalAttempt
from agent.journal.stops import StopKind
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


class Monitor:
    """One printer's."""

    def __init__(self, context: PrinterContext, plates: PlateMaker, start: PrintStart) -> None:
        self.cancelled_by = ""
        """Who had the printer told to stop, as far as we did that."""
        self._context = context
        self._plates = plates
        self._start = start
        self._seen_at = context.clock.monotonic()
        self._insist_at = 0.0
        self._watchdog = ServerWatchdog()
        self._said_alone = ""
        """The attempt of which it was said that nobody is there."""

    def started(self) -> None:
        """The order to start is given now."""
        self._seen_at = self._context.clock.monotonic()

    def follow(self, attempt: JournalAttempt) -> None:
        """Take the next step of an attempt in motion, if the printer shows one.

        Raises:
            JournalError: see the journal; nothing was done that it does not hold.
        """
        context, status = self._context, self._context.status
        now = context.clock.monotonic()
        ours = status.attempt == attempt.id and status.condition in OURS
        self._warn_if_alone(attempt)
        if ours or status.condition is Condition.UNREACHABLE:
            self._seen_at = now
        seen = observe(attempt.state, attempt.id, status, now - self._seen_at)
        seen = seen or self._stop_if_asked(attempt, now) or self._stop_for_safety(attempt, now)
        if seen is None:
            return
        step, why = seen
        if step is Step.CANCEL:
            # A command of the owner's may have told the printer before us, and even before it told the journal.
            asked = context.journal.stops.asked(attempt.id)
            by = self.cancelled_by or ("its owner" if asked else "")
            why = f"{f'{by} asked for it' if by else CANCELLED_HERE}. {why}".strip(". ")
        state = context.record(attempt.id, step, why, Blame.PRINTER if step is Step.FAIL else Blame.NOBODY)
        if step is Step.FAIL and why.startswith("stopped for safety"):
            context.journal.rests.begin(context.name)
        if state not in IN_MOTION:
            self.cancelled_by, self._insist_at = "", 0.0
            self._plates.tidy()
        context.awake.set()

    def _stop_for_safety(self, attempt: JournalAttempt, now: float) -> Seen | None:
        """Stop for safety what its server and its firmware let run; some drivers have a watchdog of their own."""
        context = self._context
        if kind_of(context.settings.printer).has_watchdog or context.status.attempt != attempt.id:
            return None
        # After a restart the estimate is the manifest's; keys may have changed since it was verified.
        lasts = self._start.lasts or msgspec.json.decode(attempt.signed.body, type=Manifest).seconds
        wrong = self._watchdog.look(attempt.id, lasts, context.status, now)
        if not wrong:
            return None
        try:
            context.driver.cancel()
        except PrinterError as error:
            log.warning("%s: can't stop %s (%s): %s", context.name, attempt.id, wrong, error)
            return None
        why = f"stopped for safety: {wrong}. Look at it, then say muster-agent reset {context.name}"
        context.refuse(why)
        return Step.FAIL, why

    def _warn_if_alone(self, attempt: JournalAttempt) -> None:
        """Tell the owner once if it prints on and nobody is there who should be: to stop it would only spoil it."""
        context = self._context
        at_work = context.status.condition in {Condition.PRINTING, Condition.PAUSED}
        if not at_work or self._said_alone == attempt.id:
            return
        if context.limits.is_alone(context.status, context.clock.now()):
            self._said_alone = attempt.id
            context.refuse(ALONE.format(context.name))

    def _stop_if_asked(self, attempt: JournalAttempt, now: float) -> Seen | None:
        """Have the printer stop if its owner wants it, or nobody expects it to begin any more.

        The step is told where only giving up is left.
        """
        context = self._context
        stop = context.journal.stops.asked(attempt.id)
        loads = context.status.condition is Condition.LOADING
        if stop is None and not (loads and self._start.may_not_be_any_more()):
            return None
        if context.status.condition is Condition.UNREACHABLE:
            if stop is StopKind.GIVE_UP:
                # A file that is still on its way there must not be printed when the printer is back.
                with contextlib.suppress(PrinterError):
                    context.driver.cancel()
            return (Step.FAIL, GIVEN_UP) if stop is StopKind.GIVE_UP else None
        if now >= self._insist_at:
            self._insist_at = now + INSIST
            try:
                context.driver.cancel()
                self.cancelled_by = "its owner" if stop else "the agent, as it took too long to load,"
            except PrinterError as error:
                log.warning("%s: can't stop %s: %s", context.name, attempt.id, error)
        return None
