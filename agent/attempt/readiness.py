"""What a printer that waits says that it is ready for, and the grant that it takes for an answer.

`look` comes from the runner's thread, which alone says ready; all else from the link's.
"""

import logging
import secrets
import threading
from collections.abc import Callable

from agent.attempt.bed_confirmation import BedConfirmation
from agent.attempt.context import PrinterContext
from agent.consent.asking import Asking
from agent.consent.standing_ready import LIFETIME, RENEWAL, StandingReady, objection
from agent.journal.attempts import JournalAttempt
from agent.journal.rests import RUNNING
from agent.membership.trust import Trust
from agent.printers.driver import Condition
from wire.errors import RemoteError
from wire.lifecycle import Step
from wire.manifest import Manifest, Signed
from wire.messages import Offer, Parts, Ready

log = logging.getLogger(__name__)


class Readiness:
    """One printer's. `untimely` says why a manifest is not valid now; empty if it is."""

    def __init__(self, context: PrinterContext, trust: Trust, untimely: Callable[[Manifest], str]) -> None:
        self.taken_at = 0.0
        """When the last grant was taken, in monotonic seconds."""
        self._context = context
        self._trust = trust
        self._untimely = untimely
        self._lock = threading.Lock()
        self._standing: StandingReady | None = None
        self._stopping = False
        self._bed_confirmation = BedConfirmation(context.settings.printer, context.driver)
        self._asking = Asking(
            context.name, context.settings.terms, context.journal, context.answers, context.link.publish
        )

    # ── from other threads ────────────────────────────────────────────────────────────────────────────────

    def take(self, manifest: Manifest, signed: Signed) -> None:
        """Take a verified grant; committed when this returns.

        Raises:
            RemoteError: it answers no ready that stands, or was here before. Nothing happened.
            JournalError: it could not be written down. Nothing happened.
        """
        context = self._context
        with self._lock:
            ready, now = self._standing, context.clock.monotonic()
            if ready is None or manifest.nonce != ready.nonce or now >= ready.until:
                raise RemoteError(
                    "stale-nonce", f"{context.name} did not just ask for {manifest.attempt}: not taken"
                )
            self._standing = None
            accepted = ready.accepted
            why = self._untimely(manifest) or objection(manifest, ready)
            if accepted and context.answers.accepted(context.name, context.at) != accepted:
                why = why or "its owner has taken back the yes to it, or it took too long"
            step = Step.REFUSE if why else Step.FETCH
            if not context.journal.attempts.take(manifest, signed, step, context.at, why):
                raise RemoteError("replay", f"{manifest.attempt} was here before: not taken again")
            self.taken_at = now
            if accepted:
                context.answers.forget(accepted.offer)
        log.info("%s: %s %s%s", context.name, manifest.attempt, "refused: " if why else "taken", why)
        if why:
            context.refuse(f"{manifest.count} × {manifest.part} was granted, but {why}")

    def hear(self, offer: Offer) -> None:
        """Something might be printed here, if its owner says yes.

        Raises:
            RemoteError: its owner does not want to be asked about that.
            JournalError: it could not be written down.
        """
        self._asking.hear(offer, self._context.at)

    def withdraw(self, offer: str) -> bool:
        """An offer does not stand any more; whether it was this printer's, so that a grant for it is not taken."""
        answers = self._context.answers
        with self._lock:
            known = any(
                each.offer.offer == offer for each in answers.offers(self._context.at, self._context.name)
            )
            if known:
                answers.forget(offer)
            if self._standing and self._standing.accepted and self._standing.accepted.offer == offer:
                self._standing = None
        return known

    def asks(self) -> int | None:
        """The counter of the ready that a grant may answer now."""
        with self._lock:
            return self._standing.counter if self._standing else None

    def again(self) -> None:
        """The link is new: what was said over an older one is forgotten."""
        self._drop()
        self._asking.again()

    def stop(self) -> None:
        """Say ready no more."""
        self._stopping = True
        self._drop()

    # ── the runner's own thread ───────────────────────────────────────────────────────────────────────────

    def look(self, printed: JournalAttempt | None) -> None:
        """Say ready if the printer is, and it is time; `printed` may lie on its bed yet.

        Raises:
            JournalError: see the journal.
        """
        context = self._context
        if self._bed_confirmation.look(context.status, wanted=not context.bed_is_clear):
            context.journal.beds.clear(
                context.name, context.at, f"said somebody {self._bed_confirmation.place}"
            )
            context.changed()
            printed = context.journal.attempts.current(context.name)
        hindrance = self._hindrance(printed)
        context.publish_telemetry(printed.id if printed else None, hindrance)
        now = context.clock.monotonic()
        if hindrance or self._stopping or not context.link.up:
            self._asking.again()
            self._drop()
            return
        self._renew(now)
        material = context.settings.printer.material
        self._asking.publish_open(now, context.at, window=context.left, material=material)

    def _renew(self, now: float) -> None:
        context = self._context
        accepted = context.answers.accepted(context.name, context.at)
        unasked = context.settings.terms.unasked
        with self._lock:
            if self._standing and self._standing.accepted != accepted:
                self._standing = None
            if accepted is None and unasked.is_empty:
                self._standing = None
            # A grant may have come since we looked; then there is nothing to be ready for.
            elif self._is_due(now) and context.journal.attempts.current(context.name) is None:
                self._standing = self._say_ready(now, unasked, accepted)

    def _is_due(self, now: float) -> bool:
        return self._standing is None or now >= self._standing.until - RENEWAL

    def _hindrance(self, printed: JournalAttempt | None) -> str:
        """Why this printer can't take work now, for its owner; empty if it can."""
        context = self._context
        status, name = context.status, context.name
        if status.condition is not Condition.IDLE:
            return status.why or f"the printer is {status.condition}"
        if printed is not None or not context.bed_is_clear:
            return (
                "waits for a clear bed: take off what is on it, then say"
                f" muster-agent clear {name}{self._bed_confirmation.hint}"
            )
        if context.journal.rests.is_due(name):
            return (
                f"rests, as it was stopped for safety or {RUNNING} prints running failed:"
                f" look at it, then say muster-agent reset {name}"
            )
        if self._bed_confirmation.asks(status):
            return "the question at the printer is taken away, which takes a moment"
        return context.settings.unfit or context.limits.hindrance(status, context.clock.now())

    def _say_ready(self, now: float, unasked: Parts, accepted: Offer | None) -> StandingReady | None:
        context, journal = self._context, self._context.journal
        printer = context.settings.printer
        standing = StandingReady(
            nonce=secrets.token_hex(16),
            counter=journal.counters.rise("ready"),
            until=now + LIFETIME,
            window=context.left,
            material=printer.material,
            profile=printer.profile,
            parts=Parts(every=False) if accepted else unasked,
            accepted=accepted,
        )
        seq, held = journal.attempts.held()
        ready = Ready(
            printer=printer.name,
            nonce=standing.nonce,
            counter=standing.counter,
            lifetime=LIFETIME,
            window=standing.window,
            material=standing.material,
            epoch=journal.epoch,
            seq=seq,
            held=held,
            sequence=journal.counters.sequence(printer.name),
            keys=self._trust.version,
            parts=standing.parts,
            offer=accepted.offer if accepted else None,
        )
        return standing if context.link.publish(ready) else None

    def _drop(self) -> None:
        with self._lock:
            self._standing = None
