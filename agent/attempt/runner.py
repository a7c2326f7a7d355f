"""One printer's runner: says ready, takes a grant, and takes its attempt to the end, step by step.

`step` is called by one thread, the runner's own, which alone speaks to the driver. `take`, `wish` and `again`
come from the link's. What must survive is in the journal, committed before the act; the rest may be lost.
"""

from collections.abc import Callable

from agent.attempt.context import Clock, Line, Setup, Station
from agent.attempt.monitor import Course
from agent.attempt.plate import Plates
from agent.attempt.readiness import Readiness
from agent.attempt.requests import Wishes
from agent.attempt.start import Beginning
from agent.journal import Journal
from agent.journal.attempts import BEFORE_MOTION, IN_MOTION
from agent.membership.trust import Trust
from agent.printers.driver import Driver
from wire.errors import RemoteError
from wire.lifecycle import State, Step
from wire.manifest import Manifest, Signed
from wire.messages import Offer, Request

LOOK = 0.5
"""Seconds between looks at a printer that works for us."""
REST = 1.0
"""Seconds between looks at one that does not."""


class Runner:
    """Runs one printer. `changed` is called when the journal has news to report.

    `expired` tells whether a moment of the coordinator's clock has passed, `early` whether it has not come yet.
    """

    def __init__(
        self,
        setup: Setup,
        driver: Driver,
        plates: Plates,
        journal: Journal,
        *,
        trust: Trust,
        line: Line,
        clock: Clock,
        changed: Callable[[], None],
        expired: Callable[[float], bool],
        early: Callable[[float], bool],
    ) -> None:
        self._station = Station(setup, driver, journal, line=line, clock=clock, changed=changed)
        self.name = self._station.name
        self.awake = self._station.awake
        """Set when there is something to do before the next step is due."""
        self._journal = journal
        self._plates = plates
        self._expired = expired
        self._early = early
        self._stopping = False
        self._readiness = Readiness(self._station, trust, self._untimely)
        self._beginning = Beginning(self._station, plates, trust, lambda: self._readiness.taken_at)
        self._course = Course(self._station, plates, self._beginning)
        self._wishes = Wishes(self._station, self._course, plates, expired)

    # ── from other threads ────────────────────────────────────────────────────────────────────────────────

    def take(self, manifest: Manifest, signed: Signed) -> None:
        """Take a verified grant; committed when this returns.

        Raises:
            RemoteError: it answers no offer that stands, or was here before. Nothing happened.
            JournalError: it could not be written down. Nothing happened.
        """
        self._readiness.take(manifest, signed)
        self._station.changed()
        self.awake.set()

    def wish(self, request: Request) -> None:
        """Somebody wishes something for an attempt of this printer; looked at in the next step."""
        self._wishes.put(request)
        self.awake.set()

    def hear(self, offer: Offer) -> None:
        """Something might be printed here, if its owner says yes.

        Raises:
            RemoteError: its owner does not want to be asked about that.
            JournalError: it could not be written down.
        """
        if self._expired(offer.expires):
            raise RemoteError("late", f"the offer {offer.offer} came too late")
        self._readiness.hear(offer)
        self.awake.set()

    def withdraw(self, offer: str) -> bool:
        """An offer does not stand any more; whether it was this printer's, so that a grant for it is not taken."""
        known = self._readiness.withdraw(offer)
        self.awake.set()
        return known

    def asks(self) -> int | None:
        """The counter of the ready that a grant may answer now."""
        return self._readiness.asks()

    def again(self) -> None:
        """The link is new: what was said over an older one is forgotten."""
        self._readiness.again()
        self._station.teller.again()
        self.awake.set()

    def stop(self) -> None:
        """Offer nothing more, and come out of whatever takes long."""
        self._stopping = True
        self._readiness.stop()
        self.awake.set()

    # ── the runner's own thread ───────────────────────────────────────────────────────────────────────────

    def reconcile(self) -> None:
        """After a start of the agent: what had not begun will not, for nobody waits for it any more.

        Raises:
            JournalError: see the journal.
        """
        attempt = self._journal.attempts.current(self.name)
        if attempt is not None and attempt.state in BEFORE_MOTION:
            self._station.record(attempt.id, Step.REFUSE, "the agent was restarted before it began")
        if attempt is None or attempt.state not in IN_MOTION:
            self._plates.tidy(attempt.id if attempt else None)

    def step(self) -> float:
        """Do what is due; the seconds until there may be more.

        Raises:
            JournalError: see the journal; nothing was done that it does not hold.
        """
        self._station.look()
        self._wishes.grant()
        attempt = self._journal.attempts.current(self.name)
        if attempt is None or attempt.state is State.PRINTED:
            self._readiness.look(attempt)
            return REST
        if attempt.state in IN_MOTION:
            self._course.follow(attempt)
        else:
            self._beginning.begin(attempt, self._called_off, self._course.started)
        self._station.tell(attempt.id)
        return LOOK

    def _called_off(self) -> bool:
        """Asked between two chunks of a file: also the moment to look at the printer, and to be seen alive."""
        station = self._station
        if station.clock.monotonic() - station.looked_at >= REST:
            station.look()
        current = self._journal.attempts.current(self.name)
        station.tell(current.id if current else None)
        unwanted = current is None or self._journal.stops.asked(current.id) is not None
        return self._stopping or unwanted or self._beginning.is_late() or self._wishes.wait

    def _untimely(self, manifest: Manifest) -> str:
        if self._early(manifest.not_before):
            return "it is not valid yet, by the coordinator's own clock"
        return "it is not valid any more" if self._expired(manifest.expires) else ""
