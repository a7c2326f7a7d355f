"""One printer's runner: says ready, takes a grant, and takes its attempt to the end, step by step.

`step` is called by one thread, the runner's own, which alone speaks to the driver. `take`, `request` and `again`
come from the link's. What must survive is in the journal, committed before the act; the rest may be lost.
"""

from collections.abc import Callable

from agent.attempt.context import Clock, PrinterContext, RunnerSettings, Uplink
from agent.attempt.monitor import Monitor
from agent.attempt.plate import PlateMaker
from agent.attempt.readiness import Readiness
from agent.attempt.requests import Requests
from agent.attempt.start import PrintStart
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
        settings: RunnerSettings,
        driver: Driver,
        plates: PlateMaker,
        journal: Journal,
        *,
        trust: Trust,
        link: Uplink,
        clock: Clock,
        changed: Callable[[], None],
        expired: Callable[[float], bool],
        early: Callable[[float], bool],
    ) -> None:
        self._context = PrinterContext(settings, driver, journal, link=link, clock=clock, changed=changed)
        self.name = self._context.name
        self.awake = self._context.awake
        """Set when there is something to do before the next step is due."""
        self._journal = journal
        self._plates = plates
        self._expired = expired
        self._early = early
        self._stopping = False
        self._readiness = Readiness(self._context, trust, self._untimely)
        self._start = PrintStart(self._context, plates, trust, lambda: self._readiness.taken_at)
        self._monitor = Monitor(self._context, plates, self._start)
        self._requests = Requests(self._context, self._monitor, plates, expired)

    # ── from other threads ────────────────────────────────────────────────────────────────────────────────

    def take(self, manifest: Manifest, signed: Signed) -> None:
        """Take a verified grant; committed when this returns.

        Raises:
            RemoteError: it answers no ready that stands, or was here before. Nothing happened.
            JournalError: it could not be written down. Nothing happened.
        """
        self._readiness.take(manifest, signed)
        self._context.changed()
        self.awake.set()

    def request(self, request: Request) -> None:
        """Somebody asks something for an attempt of this printer; looked at in the next step."""
        self._requests.put(request)
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
        self._context.telemetry.again()
        self.awake.set()

    def stop(self) -> None:
        """Say ready no more, and come out of whatever takes long."""
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
            self._context.record(attempt.id, Step.REFUSE, "the agent was restarted before it began")
        if attempt is None or attempt.state not in IN_MOTION:
            self._plates.tidy(attempt.id if attempt else None)

    def step(self) -> float:
        """Do what is due; the seconds until there may be more.

        Raises:
            JournalError: see the journal; nothing was done that it does not hold.
        """
        self._context.look()
        self._requests.handle()
        attempt = self._journal.attempts.current(self.name)
        if attempt is None or attempt.state is State.PRINTED:
            self._readiness.look(attempt)
            return REST
        if attempt.state in IN_MOTION:
            self._monitor.follow(attempt)
        else:
            self._start.begin(attempt, self._called_off, self._monitor.started)
        self._context.publish_telemetry(attempt.id)
        return LOOK

    def _called_off(self) -> bool:
        """Asked between two chunks of a file: also the moment to look at the printer, and to be seen alive."""
        context = self._context
        if context.clock.monotonic() - context.looked_at >= REST:
            context.look()
        current = self._journal.attempts.current(self.name)
        context.publish_telemetry(current.id if current else None)
        unwanted = current is None or self._journal.stops.asked(current.id) is not None
        return self._stopping or unwanted or self._start.is_late() or self._requests.waiting

    def _untimely(self, manifest: Manifest) -> str:
        if self._early(manifest.not_before):
            return "it is not valid yet, by the coordinator's own clock"
        return "it is not valid any more" if self._expired(manifest.expires) else ""
