"""The coordinator's end of the conversation with agents: it hears, commits, and answers.

Each message is one unit of work; who waits for it is told after its commit. The rules stand in `reports.py` and
`grants.py`; here stands what belongs together in time.
"""

import hashlib
import hmac
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from coordinator.errors import Invalid, Missing
from coordinator.keys.keyring import Keyring
from coordinator.metrics import Metrics
from coordinator.model.records import Attempt, PlateOffer, PrinterTelemetry
from coordinator.store import agents, attempts, needs, restorations
from coordinator.store import offers as kept_offers
from coordinator.store.engine import Store, Tx
from coordinator.unit_of_work import Outbox, UnitOfWork, UnitsOfWork
from coordinator.work import grants, intake, lots, offers, reports
from coordinator.work.plates import PlateLibrary, PlateOrder
from wire import manifest, messages
from wire.errors import RemoteError
from wire.keyset import Use
from wire.lifecycle import FINAL, State
from wire.messages import (
    Ack,
    Event,
    Grant,
    Keys,
    Open,
    Presence,
    Ready,
    Recall,
    Report,
    Telemetry,
    Up,
    Withdraw,
    text,
)

log = structlog.get_logger("conversation")

AFTER_RESTORE = 60.0
"""Seconds for which nothing is given out after a restore: agents first say what they were given in the lost time."""
RECALL = 5.0
"""Seconds between two recalls to one agent, at least."""
VALID = 1800.0
"""Seconds for which a manifest may be taken up. Agents wait no longer; their nonces are good for a minute anyway."""
_FETCHABLE = (State.GRANTED, State.FETCHING, State.SUSPECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the coordinator waits for agents, in seconds."""

    suspect_after: float = 900.0
    nonce_margin: float = 5.0
    offer_lifetime: float = 7200.0
    """What an owner was asked stands for so long."""


class Conversation:
    """Every method may be called from any thread, and raises `errors.Problem` for what can't be done."""

    def __init__(
        self,
        store: Store,
        units: UnitsOfWork,
        plates: PlateLibrary,
        keyring: Keyring,
        metrics: Metrics,
        *,
        files: str,
        file_secret: bytes,
        patience: Patience,
        clock: Callable[[], float],
    ) -> None:
        """Say nothing yet.

        Args:
            store: the database, to look things up.
            units: what changes it, and tells of that.
            plates: the files to print.
            keyring: whose dispatch key signs manifests, and the key set that agents are told.
            metrics: what is counted of it.
            files: the URL below which agents fetch files.
            file_secret: what the links to files are made from.
            patience: how long agents are waited for.
            clock: gives seconds since 1970 UTC.
        """
        self._store = store
        self._units = units
        self._plates = plates
        self._keyring = keyring
        self._metrics = metrics
        self._files = files
        self._file_secret = file_secret
        self._patience = patience
        self._now = clock
        self._looks: dict[tuple[str, str], PrinterTelemetry] = {}
        self._recalled: dict[str, float] = {}
        with store.read() as tx:
            restored = restorations.latest(tx)
        self._restored = restored if restored and restored.settled is None else None
        """A restore after which agents have yet to say what they were given in the lost time."""
        self._gives_from = clock() + AFTER_RESTORE

    def looks(self) -> dict[tuple[str, str], PrinterTelemetry]:
        """How each printer looked when it last said so, by agent and name."""
        return dict(self._looks)

    def body(self, attempt: str, token: str) -> Path:
        """The file behind a manifest's URL, for as long as the attempt may still need it.

        Raises:
            Missing: a wrong link, or one that is over.
        """
        right = hmac.compare_digest(token.encode(), self._file_token(attempt).encode())
        known = self._attempt(attempt) if right else None
        if known is None or known.state not in _FETCHABLE or self._is_revoked(known.agent):
            raise Missing("this link leads nowhere, or is over")
        path = self._plates.path(known.digest)
        if not path.is_file():
            raise Missing("the plate's file is gone")
        return path

    # ── what they say ──────────────────────────────────────────────────────────────────────────────────────

    def hear(self, agent: str, message: Up) -> None:
        """Commit what an agent says; returns when that is durable, so that it may be acknowledged."""
        match message:
            case Presence():
                self._presence(agent, message)
            case Ready():
                self._ready(agent, message)
            case Open():
                self._open(agent, message)
            case Report():
                self._report(agent, message)
            case Telemetry():
                self._telemetry(agent, message)

    def _presence(self, agent: str, message: Presence) -> None:
        with self._units.begin() as unit:
            is_new = reports.presence(unit.tx, agent, message, unit.now)
            last = reports.lacks(unit.tx, agent, message.epoch, message.holding)
            self._recall(unit, agent, message.epoch, last)
            if message.online:
                self._tell_keys(unit, agent, message.keys)
            if is_new:
                unit.changed(f"printer/{agent}")
                said = "agent online" if message.online else "agent offline"
                unit.then(lambda: log.info(said, agent=agent))

    def _ready(self, agent: str, message: Ready) -> None:
        if not self._goes_by_our_keys(agent, message.keys):
            return  # it asks anew as soon as it goes by the keys that its grant will be signed with
        with self._units.begin() as unit:
            if not grants.note(unit.tx, agent, message, unit.now):
                return
            undrawn = self._grant(unit, (agent, message.printer))
            unit.changed(f"printer/{agent}/{message.printer}")
            if undrawn:
                unit.replan()

    def _open(self, agent: str, message: Open) -> None:
        with self._units.begin() as unit:
            heard = offers.note(unit.tx, agent, message, unit.now)
            if heard is None:
                return
            self._say_offers(unit, heard)
            unit.changed(f"printer/{agent}/{message.printer}")
            unit.replan()

    def _report(self, agent: str, message: Report) -> None:
        papers = self._read(agent, message)
        with self._units.begin() as unit:
            heard = reports.apply(unit.tx, agent, message, unit.now, papers)
            if heard is None:
                return
            unit.post(agent, Ack(sent=unit.now, epoch=message.epoch, seq=heard.seq))
            self._recall(
                unit, agent, message.epoch, reports.lacks(unit.tx, agent, message.epoch, message.holding)
            )
            if heard.events:
                touched = self._needs_of(unit.tx, heard.events)
                unit.changed(f"printer/{agent}", *(f"need/{need}" for need in touched))
                unit.replan()
                unit.then(lambda: self._stepped(agent, heard.events))

    def _stepped(self, agent: str, events: list[Event]) -> None:
        for event in events:
            self._metrics.stepped(str(event.step))
            log.info("step", agent=agent, attempt=event.attempt, step=str(event.step), why=event.why)

    def _telemetry(self, agent: str, message: Telemetry) -> None:
        self._looks[agent, message.printer] = PrinterTelemetry(
            condition=message.condition,
            bed_clear=message.bed_clear,
            attempt=message.attempt,
            progress=message.progress,
            nozzle=message.nozzle,
            bed=message.bed,
            why=message.why,
            at=self._now(),
        )
        with self._units.unrecorded() as outbox:
            outbox.changed(f"printer/{agent}/{message.printer}")

    # ── what recurs ───────────────────────────────────────────────────────────────────────────────────────

    def plan(self) -> None:
        """Give work to printers that wait, until nothing fits any more."""
        while True:
            with self._units.begin() as unit:
                undrawn = set(self._grant(unit))
                undrawn |= set(self._make_offers(unit))
            if not undrawn:
                return
            for order in undrawn:
                self._draw(order)

    def sweep(self) -> None:
        """Doubt what has been silent for too long; forget readies that are over; then see whether there is work."""
        with self._units.begin() as unit:
            agents.expire(unit.tx, unit.now)
            kept_offers.prune(unit.tx, unit.now - offers.KEPT)
            for attempt in reports.silent(unit.tx, unit.now, self._patience.suspect_after):
                unit.then(partial(log.warning, "attempt in doubt", attempt=attempt.id, agent=attempt.agent))
                _changed(unit, attempt)
            unit.replan()

    def known(self) -> list[tuple[str, str, int]]:
        """Of every agent that was ever heard: its name, its epoch, and the last event that is committed."""
        with self._store.read() as tx:
            return [
                (each.name, each.epoch, each.seq)
                for each in agents.agents.find(tx)
                if each.epoch and each.revoked is None
            ]

    def renew_keys(self) -> None:
        """The keys have changed: tell every agent. Who does not hear it is told with its next ready."""
        with self._units.unrecorded() as outbox:
            for agent, _, _ in self.known():
                outbox.post(agent, Keys(sent=self._now(), keys=self._keyring.signed))
            outbox.replan()

    def resync(self, agent: str, epoch: str, seq: int) -> None:
        """Ask an agent for all that is not known here; one that has nothing to add keeps quiet."""
        with self._units.unrecorded() as outbox:
            outbox.post(agent, Recall(sent=self._now(), epoch=epoch, seq=seq))

    def lose_touch(self) -> None:
        """Nobody is known to be there until heard again: to be called before the first word of a broker.

        Who died while nobody listened is not told by a broker that lost its memory; who lives will be heard.
        """
        with self._units.begin() as unit:
            agents.lose_touch(unit.tx, unit.now)

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────

    def _grant(self, unit: UnitOfWork, only: tuple[str, str] | None = None) -> Collection[PlateOrder]:
        """Grant what can be, and say so; what would have to be drawn first."""
        if self._restored:
            # A clock that was set back must not make a long silence of it.
            self._gives_from = min(self._gives_from, unit.now + AFTER_RESTORE)
            if unit.now < self._gives_from:
                return ()
            restorations.settle(unit.tx, self._restored, unit.now)
            unit.then(self._is_settled)
        round_ = grants.grant(unit.tx, self._plates, unit.now, margin=self._patience.nonce_margin, only=only)
        for attempt in round_.granted:
            self._say_granted(unit, attempt)
        return round_.undrawn

    def _is_settled(self) -> None:
        self._restored = None

    def _make_offers(self, unit: UnitOfWork) -> Collection[PlateOrder]:
        if self._restored:
            return ()
        round_ = offers.make(unit.tx, self._plates, unit.now, self._patience.offer_lifetime)
        self._say_offers(unit, round_)
        return round_.undrawn

    def _say_offers(self, unit: UnitOfWork, round_: offers.OfferRound) -> None:
        """Tell owners what they may say yes to, and what does not stand any more."""
        for offer in round_.offered:
            unit.post(offer.agent, self._as_message(unit, offer))
            unit.then(
                partial(
                    log.info,
                    "offered",
                    offer=offer.id,
                    need=offer.need,
                    agent=offer.agent,
                    units=offer.count,
                )
            )
        for over in round_.over:
            expires = unit.now + self._patience.offer_lifetime
            unit.post(over.agent, Withdraw(sent=unit.now, expires=expires, offer=over.offer, why=over.why))

    def _as_message(self, unit: UnitOfWork, offer: PlateOffer) -> messages.Offer:
        need = intake.get(unit.tx, offer.need)
        hospital = needs.hospitals.get(unit.tx, need.hospital)
        return messages.Offer(
            sent=unit.now,
            expires=offer.expires,
            offer=offer.id,
            printer=offer.printer,
            part=offer.part,
            version=offer.version,
            title=text(self._plates.title(offer.part)),
            purpose=text(hospital.name if hospital else ""),
            count=offer.count,
            material=offer.material,
            seconds=offer.seconds,
            grams=offer.grams,
            deadline=need.deadline,
        )

    def _read(self, agent: str, report: Report) -> dict[str, manifest.Manifest]:
        """The manifests that came with a report, by attempt, if we signed them for this agent."""
        keys = self._keyring.keys.of(Use.DISPATCH)
        read: dict[str, manifest.Manifest] = {}
        for each in report.papers:
            try:
                paper = manifest.verify(each, keys)
            except RemoteError as error:
                log.warning("papers that are worth nothing", agent=agent, why=str(error))
                continue
            if paper.agent == agent:
                read[paper.attempt] = paper
        return read

    def _goes_by_our_keys(self, agent: str, version: int | None) -> bool:
        """Whether an agent goes by our key set; one with an older set is told. One that names none is believed."""
        with self._units.unrecorded() as outbox:
            return self._tell_keys(outbox, agent, version)

    def _tell_keys(self, outbox: Outbox, agent: str, version: int | None) -> bool:
        ours = self._keyring.keys.version
        if version is None or version == ours:
            return True
        if version > ours:
            log.error(
                "an agent has a newer key set than we do: was a back-up restored? `muster keys rotate dispatch`",
                agent=agent,
                theirs=version,
                ours=ours,
            )
        else:
            outbox.post(agent, Keys(sent=self._now(), keys=self._keyring.signed))
        return False

    def _recall(self, outbox: Outbox, agent: str, epoch: str, last: int | None) -> None:
        """Ask for the events behind `last`, if any are lacking; not for each message of a flood."""
        now = self._now()
        if last is None or now - self._recalled.get(agent, -math.inf) < RECALL:
            return
        self._recalled[agent] = now
        log.warning("an agent knows more than we do: was a back-up restored?", agent=agent, last=last)
        outbox.post(agent, Recall(sent=now, epoch=epoch, seq=last))

    def _draw(self, order: PlateOrder) -> None:
        try:
            self._plates.draw(order)
        except (Invalid, Missing) as error:
            log.warning(
                "can't draw a plate",
                part=order.part,
                material=order.material,
                units=order.count,
                why=str(error),
            )

    def _say_granted(self, unit: UnitOfWork, outcome: Attempt) -> None:
        """Tell an agent what it may print: a signed manifest."""
        parameters = intake.get(unit.tx, outcome.need).parameters
        printer = agents.printer(unit.tx, outcome.agent, outcome.printer)
        assert printer is not None  # a grant answers its ready
        granted = manifest.Manifest(
            attempt=outcome.id,
            job=outcome.need,
            agent=outcome.agent,
            printer=outcome.printer,
            nonce=outcome.nonce,
            part=outcome.part,
            version=outcome.version,
            parameters=parameters,
            count=outcome.count,
            material=outcome.material,
            profile=printer.profile.digest,
            url=f"{self._files}/{outcome.id}/{self._file_token(outcome.id)}",
            size=outcome.size,
            digest=outcome.digest,
            grams=outcome.grams,
            seconds=outcome.seconds,
            release=self._plates.approved(outcome.part, outcome.version).release,
            not_before=outcome.granted,
            expires=outcome.granted + VALID,
            sequence=outcome.sequence,
        )
        unit.post(
            outcome.agent, Grant(sent=unit.now, manifest=manifest.sign(granted, self._keyring.dispatch))
        )
        _changed(unit, outcome)
        unit.then(partial(self._is_granted, outcome))

    def _is_granted(self, outcome: Attempt) -> None:
        self._metrics.granted()
        log.info("granted", attempt=outcome.id, need=outcome.need, agent=outcome.agent, units=outcome.count)

    def _is_revoked(self, agent: str) -> bool:
        with self._store.read() as tx:
            known = agents.agents.get(tx, agent)
        return known is None or known.revoked is not None

    def _attempt(self, attempt: str) -> Attempt:
        with self._store.read() as tx:
            return lots.get(tx, attempt)

    def _needs_of(self, tx: Tx, events: list[Event]) -> set[str]:
        found = (attempts.attempts.get(tx, name) for name in {event.attempt for event in events})
        return {attempt.need for attempt in found if attempt}

    def _file_token(self, attempt: str) -> str:
        return hmac.new(self._file_secret, attempt.encode(), hashlib.sha256).hexdigest()[:48]


def _changed(unit: UnitOfWork, attempt: Attempt) -> None:
    unit.changed(f"need/{attempt.need}", f"printer/{attempt.agent}/{attempt.printer}")
    if attempt.state in FINAL:
        unit.replan()
