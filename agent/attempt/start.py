"""From a grant to the order to start; or to a refusal, while nothing has moved."""

import logging
from collections.abc import Callable

from agent.attempt.context import PrinterContext
from agent.attempt.fetch import FetchError, StoppedError
from agent.attempt.following import ASKED
from agent.attempt.plate import PlateFile, PlateMaker, PlateRefusedError
from agent.consent.standing_ready import HOURS
from agent.journal.attempts import JournalAttempt
from agent.membership.trust import Trust
from agent.printers.driver import Condition, PrinterError
from wire.errors import RemoteError
from wire.lifecycle import State, Step
from wire.messages import Blame

log = logging.getLogger(__name__)

PATIENCE = 1800.0
"""Seconds from grant to start, after which the bed and the owner's mind may have changed."""
WARM_UP = 600.0
"""Seconds for heating and homing, which the gate's estimate leaves out."""


class PrintStart:
    """One printer's. `taken_at` gives when its grant was taken, in monotonic seconds."""

    def __init__(
        self, context: PrinterContext, plates: PlateMaker, trust: Trust, taken_at: Callable[[], float]
    ) -> None:
        self.lasts = 0.0
        """Seconds that the print should take that was started last; 0 after a restart of the agent."""
        self._context = context
        self._plates = plates
        self._trust = trust
        self._taken_at = taken_at

    def is_late(self) -> bool:
        """Whether nobody expects it to start any more."""
        return self._context.clock.monotonic() - self._taken_at() >= PATIENCE

    def may_not_be_any_more(self) -> bool:
        """Whether what was ordered, and has not begun to move, should not."""
        return self.is_late() or self.lasts + WARM_UP > self._context.left

    def begin(
        self, attempt: JournalAttempt, called_off: Callable[[], bool], started: Callable[[], None]
    ) -> None:
        """Make its file and start it, or refuse it; `started` is called once nobody knows that nothing moves.

        Raises:
            JournalError: see the journal; nothing was done that it does not hold.
        """
        context = self._context
        if context.journal.stops.asked(attempt.id):
            context.record(attempt.id, Step.CANCEL, ASKED)
            self._plates.tidy()
            return
        try:
            self._not_too_late()
            # Once more: since it was taken, its key may have been revoked.
            manifest = self._trust.open(attempt.signed)
            plate = self._plates.make(manifest, called_off)
            if attempt.state is State.FETCHING:
                context.record(attempt.id, Step.CHECK)
            if called_off():
                return
            self._check_again(plate)
        except StoppedError:
            return
        except (FetchError, PlateRefusedError, RemoteError) as error:
            blame = error.blame if isinstance(error, (FetchError, PlateRefusedError)) else Blame.JOB
            context.record(attempt.id, Step.REFUSE, str(error), blame)
            self._plates.tidy()
            return
        self.lasts = plate.seconds
        # From here on the bed is not clear, whatever happens to us.
        context.record(attempt.id, Step.START)
        started()
        try:
            context.driver.start(attempt.id, plate.path, plate.seconds)
        except PrinterError as error:
            self._not_started(attempt, error)
        context.awake.set()

    def _not_started(self, attempt: JournalAttempt, error: PrinterError) -> None:
        """The order to start came back with an error.

        If it was the answer that got lost, it may run all the same: then, and while nobody can tell, the attempt is
        followed like any other.
        """
        context = self._context
        context.look()
        status = context.status
        runs = status.attempt == attempt.id and status.ending is None
        if runs or status.condition is Condition.UNREACHABLE:
            log.warning("%s: %s may have been started or not: %s", context.name, attempt.id, error)
        else:
            why = f"the printer did not take it: {error}"
            context.record(attempt.id, Step.FAIL, why, Blame.PRINTER)

    def _check_again(self, plate: PlateFile) -> None:
        """What was true at `ready` may have changed while the file came."""
        context = self._context
        context.look()
        left = context.left
        if context.status.condition is not Condition.IDLE:
            raise PlateRefusedError(f"the printer is {context.status.condition} now")
        if not context.bed_is_clear:
            raise PlateRefusedError("the bed is not clear any more")
        self._not_too_late()
        if plate.seconds + WARM_UP > left:
            raise PlateRefusedError(
                f"it would not end in the {left / 60:.0f} min that its owner's hours leave ({HOURS})"
            )

    def _not_too_late(self) -> None:
        if self.is_late():
            raise PlateRefusedError("it took too long to come: nobody may expect it to start now")
