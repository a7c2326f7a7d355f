"""What a printer that waits says that it is ready for, and the grant that it takes for an answer.

`look` comes from the runner's thread, which alone says ready; all else from the link's.
"""

import logging
import secrets
import threading
from collections.abc import Callable

from agent.attempt.bed_confirmation import Bedside
from agent.attempt.context import Station
from agent.consent.asking import Asking
from agent.consent.standing_ready import LIFETIME, RENEWAL, Offer, objection
from agent.journal.attempts import Attempt
from agent.journal.rests import RUNNING
from agent.membership.trust import Trust
from agent.printers.driver import Condition
from wire.errors import RemoteError
from wire.lifecycle import Step
from wire.manifest import Manifest, Signed
from wire.messages import Offer as Proposal
from wire.messages import Parts, Ready

log = logging.getLogger(__name__)


class Readiness:
    """One printer's. `untimely` says why a manifest is not valid now; empty if it is."""

    def __init__(self, station: Station, trust: Trust, untimely: Callable[[Manifest], str]) -> None:
        self.taken_at = 0.0
        """When the last grant was taken, in monotonic seconds."""
        self._station = station
        self._trust = trust
        self._untimely = untimely
        self._lock = threading.Lock()
        self._offer: Offer | None = None
        self._stopping = False
        self._bedside = Bedside(station.setup.printer, station.driver)
        self._asking = Asking(
            station.name, station.setup.terms, station.journal, station.word, station.line.publish
        )

    # ── from other threads ────────────────────────────────────────────────────────────────────────────────

    def take(self, manifest: Manifest, signed: Signed) -> None:
        """Take a verified grant; committed when this returns.

        Raises:
            RemoteError: it answers no offer that stands, or was here before. Nothing happened.
            JournalError: it could not be written down. Nothing happened.
        """
        station = self._station
        with self._lock:
            offer, now = self._offer, station.clock.monotonic()
            if offer is None or manifest.nonce != offer.nonce or now >= offer.until:
                raise RemoteError(
                    "stale-nonce", f"{station.name} did not just ask for {manifest.attempt}: not taken"
                )
            self._offer = None
            accepted = offer.accepted
            why = self._untimely(manifest) or objection(manifest, offer)
            if accepted and station.word.accepted(station.name, station.at) != accepted:
                why = why or "its owner has taken back the yes to it, or it took too long"
            step = Step.REFUSE if why else Step.FETCH
            if not station.journal.attempts.take(manifest, signed, step, station.at, why):
                raise RemoteError("replay", f"{manifest.attempt} was here before: not taken again")
            self.taken_at = now
            if accepted:
                station.word.forget(accepted.offer)
        log.info("%s: %s %s%s", station.name, manifest.attempt, "refused: " if why else "taken", why)
        if why:
            station.refuse(f"{manifest.count} × {manifest.part} was granted, but {why}")

    def hear(self, offer: Proposal) -> None:
        """Something might be printed here, if its owner says yes.

        Raises:
            RemoteError: its owner does not want to be asked about that.
            JournalError: it could not be written down.
        """
        self._asking.hear(offer, self._station.at)

    def withdraw(self, offer: str) -> bool:
        """An offer does not stand any more; whether it was this printer's, so that a grant for it is not taken."""
        word = self._station.word
        with self._lock:
            known = any(
                each.offer.offer == offer for each in word.offers(self._station.at, self._station.name)
            )
            if known:
                word.forget(offer)
            if self._offer and self._offer.accepted and self._offer.accepted.offer == offer:
                self._offer = None
        return known

    def asks(self) -> int | None:
        """The counter of the ready that a grant may answer now."""
        with self._lock:
            return self._offer.counter if self._offer else None

    def again(self) -> None:
        """The link is new: what was said over an older one is forgotten."""
        self._drop()
        self._asking.again()

    def stop(self) -> None:
        """Nothing more is offered."""
        self._stopping = True
        self._drop()

    # ── the runner's own thread ───────────────────────────────────────────────────────────────────────────

    def look(self, printed: Attempt | None) -> None:
        """Say ready if the printer is, and it is time; `printed` may lie on its bed yet.

        Raises:
            JournalError: see the journal.
        """
        station = self._station
        if self._bedside.look(station.status, wanted=not station.bed_is_clear):
            station.journal.beds.clear(station.name, station.at, f"said somebody {self._bedside.place}")
            station.changed()
            printed = station.journal.attempts.current(station.name)
        hindrance = self._hindrance(printed)
        station.tell(printed.id if printed else None, hindrance)
        now = station.clock.monotonic()
        if hindrance or self._stopping or not station.line.up:
            self._asking.again()
            self._drop()
            return
        self._renew(now)
        material = station.setup.printer.material
        self._asking.tell(now, station.at, window=station.left, material=material)

    def _renew(self, now: float) -> None:
        station = self._station
        accepted = station.word.accepted(station.name, station.at)
        unasked = station.setup.terms.unasked
        with self._lock:
            if self._offer and self._offer.accepted != accepted:
                self._offer = None
            if accepted is None and unasked.is_empty:
                self._offer = None
            # A grant may have come since we looked; then there is nothing to offer.
            elif self._is_due(now) and station.journal.attempts.current(station.name) is None:
                self._offer = self._say_ready(now, unasked, accepted)

    def _is_due(self, now: float) -> bool:
        return self._offer is None or now >= self._offer.until - RENEWAL

    def _hindrance(self, printed: Attempt | None) -> str:
        """Why this printer can't take work now, for its owner; empty if it can."""
        station = self._station
        status, name = station.status, station.name
        if status.condition is not Condition.IDLE:
            return status.why or f"the printer is {status.condition}"
        if printed is not None or not station.bed_is_clear:
            return (
                "waits for a clear bed: take off what is on it, then say"
                f" muster-agent clear {name}{self._bedside.hint}"
            )
        if station.journal.rests.is_due(name):
            return (
                f"rests, as it was stopped for safety or {RUNNING} prints running failed:"
                f" look at it, then say muster-agent reset {name}"
            )
        if self._bedside.asks(status):
            return "the question at the printer is taken away, which takes a moment"
        return station.setup.unfit or station.leave.hindrance(status, station.clock.now())

    def _say_ready(self, now: float, unasked: Parts, accepted: Proposal | None) -> Offer | None:
        station, journal = self._station, self._station.journal
        printer = station.setup.printer
        offer = Offer(
            nonce=secrets.token_hex(16),
            counter=journal.counters.rise("ready"),
            until=now + LIFETIME,
            window=station.left,
            material=printer.material,
            profile=printer.profile,
            parts=Parts(every=False) if accepted else unasked,
            accepted=accepted,
        )
        seq, held = journal.attempts.held()
        ready = Ready(
            printer=printer.name,
            nonce=offer.nonce,
            counter=offer.counter,
            lifetime=LIFETIME,
            window=offer.window,
            material=offer.material,
            epoch=journal.epoch,
            seq=seq,
            held=held,
            sequence=journal.counters.sequence(printer.name),
            keys=self._trust.version,
            parts=offer.parts,
            offer=accepted.offer if accepted else None,
        )
        return offer if station.line.publish(ready) else None

    def _drop(self) -> None:
        with self._lock:
            self._offer = None
