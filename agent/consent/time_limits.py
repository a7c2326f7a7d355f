"""How long one printer may be at work from now on, by all that its owner has set."""

from datetime import datetime

from agent.consent.allowance import Print, allowance
from agent.consent.hours import HORIZON, Hours, window
from agent.consent.owner_answers import OwnerAnswers
from agent.journal import Journal
from agent.printers.driver import Status

NOBODY = (
    "somebody must be there while it prints, as it is not known that its firmware watches its heaters:"
    " muster-agent present"
)
ALONE = "it prints on, but nobody is there any more: look after it, or muster-agent stop {}"


class TimeLimits:
    """One printer's.

    `protection` is what its owner says of whether its firmware watches its heaters; None leaves that to the firmware.
    """

    def __init__(
        self,
        printer: str,
        hours: Hours,
        journal: Journal,
        answers: OwnerAnswers,
        *,
        protection: bool | None = None,
    ) -> None:
        self._printer = printer
        self._protection = protection
        self._hours = hours
        self._journal = journal
        self._answers = answers
        self._known = -1
        self._prints: tuple[Print, ...] = ()

    def seconds(self, status: Status, now: datetime) -> float:
        """Seconds that a job may last that starts `now`; 0 if none may.

        Raises:
            JournalError: see the journal.
        """
        left = min(window(self._hours, now), self._allowance(now))
        return min(left, self._attended(now)) if self.needs_somebody(status) else left

    def hindrance(self, status: Status, now: datetime) -> str:
        """Why no job may start `now`, for the owner; empty if one may."""
        if window(self._hours, now) <= 0:
            return "quiet hours"
        if self._allowance(now) <= 0:
            return "the hours that it may print this day or week are used up"
        if self.needs_somebody(status) and self._attended(now) <= 0:
            return NOBODY
        return ""

    def is_alone(self, status: Status, now: datetime) -> bool:
        """Whether it prints on although somebody should be there."""
        return self.needs_somebody(status) and self._attended(now) <= 0

    def needs_somebody(self, status: Status) -> bool:
        """Whether somebody must be there: unless its owner, or its firmware, says that it watches its heaters."""
        return not (status.protected if self._protection is None else self._protection)

    def _attended(self, now: datetime) -> float:
        at = now.timestamp()
        return max(0.0, self._answers.present_until(at) - at)

    def _allowance(self, now: datetime) -> float:
        hours = self._hours
        if hours.most_a_day is None and hours.most_a_week is None:
            return HORIZON
        seq = self._journal.counters.last("seq")
        if seq != self._known:  # else nothing has begun or ended since
            self._prints, self._known = self._journal.attempts.spans(self._printer, now.timestamp()), seq
        return allowance(hours, self._prints, now)
