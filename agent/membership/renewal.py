"""Staying in: the next certificate is asked for by itself, long before the present one ends."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from agent.backoff import backoff
from agent.membership.identity import Identity, IdentityError
from agent.membership.lifetime import lifetime, renewal_due

log = logging.getLogger(__name__)

LOOK = 3600.0
"""Seconds between two looks at the clock and the file, at most: either may be set or replaced meanwhile."""
PATIENCE = 60.0, 6 * 3600.0
"""Seconds between two tries, for the first and at most."""
REMINDER = timedelta(days=1)
"""Between two lines in the log that say that nothing more can be done from here."""


class Renewer:
    """Asks for the next certificate when it is due. `now` is the wall clock, `random` gives 0 to 1."""

    def __init__(
        self, identity: Identity, *, now: Callable[[], datetime], random: Callable[[], float]
    ) -> None:
        self._identity = identity
        self._now = now
        self._random = random
        self._failures = 0
        self._reminded: datetime | None = None

    def step(self) -> float:
        """Look, and ask if it is time; the seconds until the next look."""
        try:
            begins, ends = lifetime(self._identity)
        except IdentityError as error:
            self._remind(str(error))
            return LOOK
        now = self._now()
        if now >= ends:
            self._remind(f"our certificate ended on {ends:%d %b %Y}")
            return LOOK
        due = (renewal_due(begins, ends) - now).total_seconds()
        return min(LOOK, due) if due > 0 else self._ask()

    def _ask(self) -> float:
        from agent.membership.enrolment import EnrolmentError, EnrolmentRefusedError, renew  # noqa: PLC0415  X.509 is only needed here

        try:
            renew(self._identity)
        except (EnrolmentRefusedError, IdentityError) as error:
            self._remind(f"our certificate can't be renewed: {error}")
            return PATIENCE[1]
        except EnrolmentError as error:
            if not self._failures:
                log.warning("our certificate could not be renewed yet, trying again: %s", error)
            self._failures += 1
            base, cap = PATIENCE
            return base + backoff(self._failures, self._random, base, cap)
        self._failures = 0
        log.info("our certificate was renewed")
        return 0.0

    def _remind(self, what: str) -> None:
        now = self._now()
        if self._reminded is None or now - self._reminded >= REMINDER:
            self._reminded = now
            log.error(
                "%s. Ask your coordinator for an invite (muster invite --agent %s), then run: muster-agent enroll"
                " INVITE. What is being printed goes on.",
                what,
                self._identity.agent,
            )
