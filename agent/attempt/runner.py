"""One printer's runner: says ready, takes a grant, and takes its attempt to the end, step by step.

`step` is called by one thread, the runner's own, which alone speaks to the driver. `take`, `wish` and `again`
come from the link's. What must survive is in the journal, committed before the act; the rest may be lost.
"""

import contextlib
import logging
import queue
import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import msgspec
from msgspec import Struct

from agent.attempt.fetch import FetchError, StoppedError
from agent.attempt.following import ASKED, CANCELLED_HERE, GIVEN_UP, Seen, observe
from agent.attempt.guard import Guard
from agent.attempt.knob import Bedside
from agent.attempt.plate import Plate, PlateError, Plates
from agent.consent.asking import Asking
from agent.consent.hours import Hours
from agent.consent.leave import ALONE, Leave
from agent.consent.offer import HOURS, LIFETIME, RENEWAL, Offer, objection
from agent.consent.owner_word import OwnerWord
from agent.consent.terms import Terms
from agent.conversation.telling import Teller
from agent.journal import Journal
from agent.journal.attempts import BEFORE_MOTION, IN_MOTION, Attempt
from agent.journal.rests import RUNNING
from agent.journal.stops import Stop
from agent.membership.trust import Trust
from agent.printers.driver import Condition, Driver, PrinterError, Status
from agent.settings import Printer, SerialPrinter
from wire.errors import RemoteError
from wire.lifecycle import State, Step
from wire.manifest import Manifest, Signed
from wire.messages import Blame, Parts, Ready, Request, Up, Wish
from wire.messages import Offer as Proposal

log = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between looks at a printer that works for us."""
REST = 1.0
"""Seconds between looks at one that does not."""
PATIENCE = 1800.0
"""Seconds from grant to start, after which the bed and the owner's mind may have changed."""
OURS = {Condition.LOADING, Condition.PRINTING, Condition.PAUSED}
"""What a printer is while it works on our attempt."""
WARM_UP = 600.0
"""Seconds for heating and homing, which the gate's estimate leaves out."""
INSIST = 10.0
"""Seconds after which a printer that still works is told again that its owner wants it to stop."""
_AT_WORK = frozenset({Condition.BUSY, Condition.PRINTING, Condition.PAUSED})


class Clock(Protocol):
    """The clocks of this machine."""

    def monotonic(self) -> float:
        """Seconds that only rise, also while the machine sleeps."""
        ...

    def now(self) -> datetime:
        """The wall clock, with its zone."""
        ...


class Setup(Struct, frozen=True, kw_only=True):
    """What a runner is told of its printer and its owner's wishes.

    `terms` are its owner's consent, towards the coordinator that it serves; `unfit` is why the gate refuses every
    job between its owner's scripts, where it does.
    """

    printer: Printer
    hours: Hours
    clear_from_page: bool
    terms: Terms = Terms()
    unfit: str = ""


class Line(Protocol):
    """The link, as far as a runner needs it."""

    @property
    def up(self) -> bool:
        """Whether anybody can hear us."""
        ...

    def publish(self, message: Up) -> bool:
        """Say something; False if it can't be said now."""
        ...


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
        self.name = setup.printer.name
        self.awake = threading.Event()
        """Set when there is something to do before the next step is due."""
        self._setup = setup
        self._driver = driver
        self._journal = journal
        self._plates = plates
        self._trust = trust
        self._line = line
        self._clock = clock
        self._changed = changed
        self._expired = expired
        self._early = early
        self._lock = threading.Lock()
        self._offer: Offer | None = None
        self._wishes: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._stopping = False
        self._status = Status(condition=Condition.UNREACHABLE, why="not looked at yet")
        self._looked_at = self._seen_at = clock.monotonic()
        self._cancelled_by = ""
        self._insist_at = 0.0
        self._lasts = 0.0
        self._teller = Teller(self.name, line.publish)
        self._taken_at = 0.0
        self._word = OwnerWord(journal)
        self._asking = Asking(self.name, setup.terms, journal, self._word, line.publish)
        self._leave = Leave(
            self.name, setup.hours, journal, self._word, protection=setup.printer.thermal_protection
        )
        self._guard = Guard()
        self._bedside = Bedside(setup.printer, driver)
        self._alone = ""
        """The attempt of which it was said that nobody is there."""

    # ── from other threads ────────────────────────────────────────────────────────────────────────────────

    def take(self, manifest: Manifest, signed: Signed) -> None:
        """Take a verified grant; committed when this returns.

        Raises:
            RemoteError: it answers no offer that stands, or was here before. Nothing happened.
            JournalError: it could not be written down. Nothing happened.
        """
        with self._lock:
            offer, now = self._offer, self._clock.monotonic()
            if offer is None or manifest.nonce != offer.nonce or now >= offer.until:
                raise RemoteError(
                    "stale-nonce", f"{self.name} did not just ask for {manifest.attempt}: not taken"
                )
            self._offer = None
            accepted = offer.accepted
            why = self._untimely(manifest) or objection(manifest, offer)
            if accepted and self._word.accepted(self.name, self._at()) != accepted:
                why = why or "its owner has taken back the yes to it, or it took too long"
            step = Step.REFUSE if why else Step.FETCH
            if not self._journal.attempts.take(manifest, signed, step, self._at(), why):
                raise RemoteError("replay", f"{manifest.attempt} was here before: not taken again")
            self._taken_at = now
            if accepted:
                self._word.forget(accepted.offer)
        log.info("%s: %s %s%s", self.name, manifest.attempt, "refused: " if why else "taken", why)
        if why:
            self._refuse(f"{manifest.count} × {manifest.part} was granted, but {why}")
        self._changed()
        self.awake.set()

    def _untimely(self, manifest: Manifest) -> str:
        if self._early(manifest.not_before):
            return "it is not valid yet, by the coordinator's own clock"
        return "it is not valid any more" if self._expired(manifest.expires) else ""

    def wish(self, request: Request) -> None:
        """Somebody wishes something for an attempt of this printer; looked at in the next step."""
        self._wishes.put(request)
        self.awake.set()

    def hear(self, offer: Proposal) -> None:
        """Something might be printed here, if its owner says yes.

        Raises:
            RemoteError: its owner does not want to be asked about that.
            JournalError: it could not be written down.
        """
        if self._expired(offer.expires):
            raise RemoteError("late", f"the offer {offer.offer} came too late")
        self._asking.hear(offer, self._at())
        self.awake.set()

    def withdraw(self, offer: str) -> bool:
        """An offer does not stand any more; whether it was this printer's, so that a grant for it is not taken."""
        with self._lock:
            known = any(each.offer.offer == offer for each in self._word.offers(self._at(), self.name))
            if known:
                self._word.forget(offer)
            if self._offer and self._offer.accepted and self._offer.accepted.offer == offer:
                self._offer = None
        self.awake.set()
        return known

    def asks(self) -> int | None:
        """The counter of the ready that a grant may answer now."""
        with self._lock:
            return self._offer.counter if self._offer else None

    def again(self) -> None:
        """The link is new: what was said over an older one is forgotten."""
        with self._lock:
            self._offer = None
        self._teller.again()
        self._asking.again()
        self.awake.set()

    def stop(self) -> None:
        """Offer nothing more, and come out of whatever takes long."""
        self._stopping = True
        with self._lock:
            self._offer = None
        self.awake.set()

    # ── the runner's own thread ───────────────────────────────────────────────────────────────────────────

    def reconcile(self) -> None:
        """After a start of the agent: what had not begun will not, for nobody waits for it any more.

        Raises:
            JournalError: see the journal.
        """
        attempt = self._journal.attempts.current(self.name)
        if attempt is not None and attempt.state in BEFORE_MOTION:
            self._record(attempt.id, Step.REFUSE, "the agent was restarted before it began")
        if attempt is None or attempt.state not in IN_MOTION:
            self._plates.tidy(attempt.id if attempt else None)

    def step(self) -> float:
        """Do what is due; the seconds until there may be more.

        Raises:
            JournalError: see the journal; nothing was done that it does not hold.
        """
        self._look()
        while not self._wishes.empty():
            self._grant_wish(self._wishes.get())
        attempt = self._journal.attempts.current(self.name)
        if attempt is None or attempt.state is State.PRINTED:
            self._wait(attempt)
            return REST
        if attempt.state in IN_MOTION:
            self._follow(attempt)
        else:
            self._begin(attempt)
        self._tell(attempt.id)
        return LOOK

    def _look(self) -> None:
        """See how the printer is. What another hand prints there leaves a bed that is not clear."""
        self._status = self._driver.status()
        self._looked_at = self._clock.monotonic()
        if self._status.condition in _AT_WORK and self._journal.beds.is_clear(self.name):
            log.info("%s: somebody else prints on it: its bed counts as not clear", self.name)
            self._journal.beds.occupy(self.name)

    def _wait(self, printed: Attempt | None) -> None:
        if self._bedside.look(self._status, wanted=not self._journal.beds.is_clear(self.name)):
            self._journal.beds.clear(self.name, self._at(), f"said somebody {self._bedside.place}")
            self._changed()
            printed = self._journal.attempts.current(self.name)
        hindrance = self._hindrance(printed)
        self._tell(printed.id if printed else None, hindrance)
        now = self._clock.monotonic()
        if hindrance or self._stopping or not self._line.up:
            self._asking.again()
            with self._lock:
                self._offer = None
            return
        accepted = self._word.accepted(self.name, self._at())
        unasked = self._setup.terms.unasked
        with self._lock:
            if self._offer and self._offer.accepted != accepted:
                self._offer = None
            if accepted is None and unasked.is_empty:
                self._offer = None
            # A grant may have come since we looked; then there is nothing to offer.
            elif self._is_due(now) and self._journal.attempts.current(self.name) is None:
                self._offer = self._say_ready(now, unasked, accepted)
        left = self._leave.seconds(self._status, self._clock.now())
        self._asking.tell(now, self._at(), window=left, material=self._setup.printer.material)

    def _is_due(self, now: float) -> bool:
        return self._offer is None or now >= self._offer.until - RENEWAL

    def _hindrance(self, printed: Attempt | None) -> str:
        """Why this printer can't take work now, for its owner; empty if it can."""
        if self._status.condition is not Condition.IDLE:
            return self._status.why or f"the printer is {self._status.condition}"
        if printed is not None or not self._journal.beds.is_clear(self.name):
            return (
                "waits for a clear bed: take off what is on it, then say"
                f" muster-agent clear {self.name}{self._bedside.hint}"
            )
        if self._journal.rests.is_due(self.name):
            return (
                f"rests, as it was stopped for safety or {RUNNING} prints running failed:"
                f" look at it, then say muster-agent reset {self.name}"
            )
        if self._bedside.asks(self._status):
            return "the question at the printer is taken away, which takes a moment"
        return self._setup.unfit or self._leave.hindrance(self._status, self._clock.now())

    def _say_ready(self, now: float, unasked: Parts, accepted: Proposal | None) -> Offer | None:
        printer = self._setup.printer
        offer = Offer(
            nonce=secrets.token_hex(16),
            counter=self._journal.counters.rise("ready"),
            until=now + LIFETIME,
            window=self._leave.seconds(self._status, self._clock.now()),
            material=printer.material,
            profile=printer.profile,
            parts=Parts(every=False) if accepted else unasked,
            accepted=accepted,
        )
        seq, held = self._journal.attempts.held()
        ready = Ready(
            printer=printer.name,
            nonce=offer.nonce,
            counter=offer.counter,
            lifetime=LIFETIME,
            window=offer.window,
            material=offer.material,
            epoch=self._journal.epoch,
            seq=seq,
            held=held,
            sequence=self._journal.counters.sequence(printer.name),
            keys=self._trust.version,
            parts=offer.parts,
            offer=accepted.offer if accepted else None,
        )
        return offer if self._line.publish(ready) else None

    def _begin(self, attempt: Attempt) -> None:
        """From a grant to the order to start; or to a refusal, while nothing has moved."""
        if self._journal.stops.asked(attempt.id):
            self._record(attempt.id, Step.CANCEL, ASKED)
            self._plates.tidy()
            return
        try:
            self._not_too_late()
            # Once more: since it was taken, its key may have been revoked.
            manifest = self._trust.open(attempt.signed)
            plate = self._plates.make(manifest, self._called_off)
            if attempt.state is State.FETCHING:
                self._record(attempt.id, Step.CHECK)
            if self._called_off():
                return
            self._check_again(plate)
        except StoppedError:
            return
        except (FetchError, PlateError, RemoteError) as error:
            blame = error.blame if isinstance(error, (FetchError, PlateError)) else Blame.JOB
            self._record(attempt.id, Step.REFUSE, str(error), blame)
            self._plates.tidy()
            return
        self._lasts = plate.seconds
        # From here on the bed is not clear, whatever happens to us.
        self._record(attempt.id, Step.START)
        self._seen_at = self._clock.monotonic()
        try:
            self._driver.start(attempt.id, plate.path, plate.seconds)
        except PrinterError as error:
            self._not_started(attempt, error)
        self.awake.set()

    def _not_started(self, attempt: Attempt, error: PrinterError) -> None:
        """The order to start came back with an error.

        If it was the answer that got lost, it may run all the same: then, and while nobody can tell, the attempt is
        followed like any other.
        """
        self._look()
        status = self._status
        runs = status.attempt == attempt.id and status.ending is None
        if runs or status.condition is Condition.UNREACHABLE:
            log.warning("%s: %s may have been started or not: %s", self.name, attempt.id, error)
        else:
            self._record(attempt.id, Step.FAIL, f"the printer did not take it: {error}", Blame.PRINTER)

    def _check_again(self, plate: Plate) -> None:
        """What was true at `ready` may have changed while the file came."""
        self._look()
        left = self._leave.seconds(self._status, self._clock.now())
        if self._status.condition is not Condition.IDLE:
            raise PlateError(f"the printer is {self._status.condition} now")
        if not self._journal.beds.is_clear(self.name):
            raise PlateError("the bed is not clear any more")
        self._not_too_late()
        if plate.seconds + WARM_UP > left:
            raise PlateError(
                f"it would not end in the {left / 60:.0f} min that its owner's hours leave ({HOURS})"
            )

    def _not_too_late(self) -> None:
        if self._is_late():
            raise PlateError("it took too long to come: nobody may expect it to start now")

    def _is_late(self) -> bool:
        return self._clock.monotonic() - self._taken_at >= PATIENCE

    def _follow(self, attempt: Attempt) -> None:
        now = self._clock.monotonic()
        status = self._status
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
            by = self._cancelled_by or ("its owner" if self._journal.stops.asked(attempt.id) else "")
            why = f"{f'{by} asked for it' if by else CANCELLED_HERE}. {why}".strip(". ")
        state = self._record(attempt.id, step, why, Blame.PRINTER if step is Step.FAIL else Blame.NOBODY)
        if step is Step.FAIL and why.startswith("stopped for safety"):
            self._journal.rests.begin(self.name)
        if state not in IN_MOTION:
            self._cancelled_by, self._insist_at = "", 0.0
            self._plates.tidy()
        self.awake.set()

    def _guard_it(self, attempt: Attempt, now: float) -> Seen | None:
        """Stop for safety what its server and its firmware let run; a pump has the watchdog of a serial port."""
        if isinstance(self._setup.printer, SerialPrinter) or self._status.attempt != attempt.id:
            return None
        # After a restart the estimate is the manifest's; keys may have changed since it was verified.
        lasts = self._lasts or msgspec.json.decode(attempt.signed.body, type=Manifest).seconds
        wrong = self._guard.look(attempt.id, lasts, self._status, now)
        if not wrong:
            return None
        try:
            self._driver.cancel()
        except PrinterError as error:
            log.warning("%s: can't stop %s (%s): %s", self.name, attempt.id, wrong, error)
            return None
        why = f"stopped for safety: {wrong}. Look at it, then say muster-agent reset {self.name}"
        self._refuse(why)
        return Step.FAIL, why

    def _mind(self, attempt: Attempt) -> None:
        """Tell the owner once if it prints on and nobody is there who should be: to stop it would only spoil it."""
        at_work = self._status.condition in {Condition.PRINTING, Condition.PAUSED}
        if not at_work or self._alone == attempt.id:
            return
        if self._leave.is_alone(self._status, self._clock.now()):
            self._alone = attempt.id
            self._refuse(ALONE.format(self.name))

    def _heed(self, attempt: Attempt, now: float) -> Seen | None:
        """Have the printer stop if its owner wants it, or nobody expects it to begin any more.

        The step is told where only giving up is left.
        """
        stop = self._journal.stops.asked(attempt.id)
        late = self._status.condition is Condition.LOADING and self._may_not_begin_any_more()
        if stop is None and not late:
            return None
        if self._status.condition is Condition.UNREACHABLE:
            if stop is Stop.GIVE_UP:
                # A file that is still on its way there must not be printed when the printer is back.
                with contextlib.suppress(PrinterError):
                    self._driver.cancel()
            return (Step.FAIL, GIVEN_UP) if stop is Stop.GIVE_UP else None
        if now >= self._insist_at:
            self._insist_at = now + INSIST
            try:
                self._driver.cancel()
                self._cancelled_by = "its owner" if stop else "the agent, as it took too long to load,"
            except PrinterError as error:
                log.warning("%s: can't stop %s: %s", self.name, attempt.id, error)
        return None

    def _may_not_begin_any_more(self) -> bool:
        left = self._leave.seconds(self._status, self._clock.now())
        return self._is_late() or self._lasts + WARM_UP > left

    def _grant_wish(self, request: Request) -> None:
        """Do what somebody wishes, if the owner allows it and it still makes sense."""
        attempt = self._journal.attempts.named(request.attempt)
        if self._expired(request.expires):
            log.info("%s: a wish to %s %s came too late", self.name, request.wish, request.attempt)
            return
        if attempt is None or attempt.printer != self.name:
            log.info("%s: no such attempt to %s: %s", self.name, request.wish, request.attempt)
            return
        log.info("%s: %s wishes to %s %s", self.name, request.by, request.wish, attempt.id)
        try:
            self._act(request, attempt)
        except PrinterError as error:
            log.warning("%s: can't %s: %s", self.name, request.wish, error)

    def _act(self, request: Request, attempt: Attempt) -> None:
        state = attempt.state
        match request.wish:
            case Wish.CANCEL if state in BEFORE_MOTION:
                self._record(attempt.id, Step.CANCEL, f"{request.by} asked for it")
                self._plates.tidy()
            case Wish.CANCEL if state in IN_MOTION:
                self._driver.cancel()
                self._cancelled_by = request.by
            case Wish.PAUSE if state is State.PRINTING:
                self._driver.pause()
            case Wish.RESUME if state is State.PAUSED:
                self._driver.resume()
            case Wish.CLEARED if not self._setup.clear_from_page:
                self._refuse(
                    f"{request.by} said that the bed is clear, but its owner lets nobody say so from a page"
                )
            case Wish.CLEARED if state not in IN_MOTION and self._latest_is(attempt):
                self._journal.beds.clear(self.name, self._at(), f"said {request.by}")
                self._changed()
            case _:
                log.info("%s: can't %s what is %s", self.name, request.wish, state)

    def _latest_is(self, attempt: Attempt) -> bool:
        latest = self._journal.attempts.latest(self.name)
        return latest is not None and latest.id == attempt.id

    def _called_off(self) -> bool:
        """Asked between two chunks of a file: also the moment to look at the printer, and to be seen alive."""
        if self._clock.monotonic() - self._looked_at >= REST:
            self._look()
        current = self._journal.attempts.current(self.name)
        self._tell(current.id if current else None)
        unwanted = current is None or self._journal.stops.asked(current.id) is not None
        return self._stopping or unwanted or self._is_late() or not self._wishes.empty()

    def _record(self, attempt: str, step: Step, why: str = "", blame: Blame = Blame.NOBODY) -> State:
        state = self._journal.attempts.record(attempt, step, self._at(), why, blame)
        log.info("%s: %s is %s%s", self.name, attempt, state, f": {why}" if why else "")
        self._changed()
        return state

    def _refuse(self, what: str) -> None:
        """Keep for its owner what was not done here, or not as it should be."""
        log.warning("%s: %s", self.name, what)
        self._word.refuse(self.name, what, self._at())

    def _tell(self, attempt: str | None, hindrance: str = "") -> None:
        clear = self._journal.beds.is_clear(self.name)
        self._teller.tell(self._status, attempt, self._clock.monotonic(), clear=clear, hindrance=hindrance)

    def _at(self) -> float:
        return self._clock.now().timestamp()
