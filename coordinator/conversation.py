"""The coordinator's end of the conversation with agents: it hears, commits, and answers.

Each message is one transaction; after its commit, and only then, those who wait for it are told. The rules stand
in `reports.py` and `grants.py`; here stands what belongs together in time.
"""

import hashlib
import hmac
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from coordinator.changes import ChangeFeed
from coordinator.errors import Conflict, Invalid, Missing
from coordinator.keys.keyring import Keyring
from coordinator.metrics import Metrics
from coordinator.model.records import Attempt, Looks, Offer
from coordinator.store import agents, attempts, audit_log, needs, restorations
from coordinator.store import offers as kept_offers
from coordinator.store.engine import Store, Tx
from coordinator.work import grants, intake, lots, offers, reports
from coordinator.work.plates import Order, Plates
from wire import manifest, messages
from wire.errors import RemoteError
from wire.keyset import Use
from wire.lifecycle import FINAL, State, Step, allows
from wire.messages import (
    Ack,
    Down,
    Event,
    Grant,
    Keys,
    Open,
    Presence,
    Ready,
    Recall,
    Report,
    Request,
    Telemetry,
    Up,
    Wish,
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
_STEP_OF_WISH = {
    Wish.CANCEL: Step.CANCEL,
    Wish.PAUSE: Step.PAUSE,
    Wish.RESUME: Step.RESUME,
    Wish.CLEARED: Step.CLEAR,
}
_PARTICIPLES = {
    Wish.CANCEL: "cancelled",
    Wish.PAUSE: "paused",
    Wish.RESUME: "resumed",
    Wish.CLEARED: "cleared",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the coordinator waits for agents, in seconds."""

    suspect_after: float = 900.0
    wish_lifetime: float = 600.0
    nonce_margin: float = 5.0
    offer_lifetime: float = 7200.0
    """What an owner was asked stands for so long."""


class Conversation:
    """Every method may be called from any thread, and raises `errors.Problem` for what can't be done."""

    def __init__(
        self,
        store: Store,
        plates: Plates,
        keyring: Keyring,
        metrics: Metrics,
        *,
        files: str,
        file_secret: bytes,
        patience: Patience,
        clock: Callable[[], float],
        post: Callable[[str, Down], None],
    ) -> None:
        """Say nothing yet.

        Args:
            store: the database.
            plates: the files to print.
            keyring: whose dispatch key signs manifests, and the key set that agents are told.
            metrics: what is counted of it.
            files: the URL below which agents fetch files.
            file_secret: what the links to files are made from.
            patience: how long agents are waited for.
            clock: gives seconds since 1970 UTC.
            post: sends a message to an agent, or loses it.
        """
        self.changes = ChangeFeed()
        self.work = threading.Event()
        """Set when a printer or a need waits: whoever plans should `plan` now."""
        self._store = store
        self._plates = plates
        self._keyring = keyring
        self._metrics = metrics
        self._files = files
        self._file_secret = file_secret
        self._patience = patience
        self._now = clock
        self._post = post
        self._looks: dict[tuple[str, str], Looks] = {}
        self._recalled: dict[str, float] = {}
        with store.read() as tx:
            restored = restorations.latest(tx)
        self._restored = restored if restored and restored.settled is None else None
        """A restore after which agents have yet to say what they were given in the lost time."""
        self._gives_from = clock() + AFTER_RESTORE

    def looks(self) -> dict[tuple[str, str], Looks]:
        """How each printer looked when it last said so, by agent and name."""
        return dict(self._looks)

    def ask(self, attempt: str, wish: Wish, *, by: str) -> Attempt:
        """Ask the agent to cancel, pause or resume, or tell it that the bed is clear. The agent decides.

        Raises:
            Missing: no such attempt.
            Conflict: the wish makes no sense as the attempt stands.
        """
        with self._store.write() as tx:
            known = lots.get(tx, attempt)
            self._allow(known, wish)
            audit_log.note(tx, by=by, act=f"attempt.{wish}", on=f"attempt/{attempt}", now=self._now())
        now = self._now()
        request = Request(
            sent=now, expires=now + self._patience.wish_lifetime, attempt=attempt, wish=wish, by=by
        )
        self._post(known.agent, request)
        return known

    def _allow(self, known: Attempt, wish: Wish) -> None:
        # A bed is cleared of failed and cancelled plates too.
        of_bed = wish is Wish.CLEARED and known.state in (State.FAILED, State.CANCELLED)
        if not of_bed and not allows(known.state, _STEP_OF_WISH[wish]):
            raise Conflict(f"{known.id} is {known.state}: it can't be {_PARTICIPLES[wish]} now")

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
        with self._store.write() as tx:
            news = reports.presence(tx, agent, message, self._now())
            last = reports.lacks(tx, agent, message.epoch, message.holding)
        self._recall(agent, message.epoch, last)
        if message.online:
            self._tell_keys(agent, message.keys)
        if news:
            log.info("agent online" if message.online else "agent offline", agent=agent)
            self.changes.publish(f"printer/{agent}")

    def _ready(self, agent: str, message: Ready) -> None:
        if not self._tell_keys(agent, message.keys):
            return  # it asks anew as soon as it goes by the keys that its grant will be signed with
        now = self._now()
        with self._store.write() as tx:
            news = grants.note(tx, agent, message, now)
            round_ = self._grant(tx, now, (agent, message.printer)) if news else grants.Round()
        self._act_on(round_.granted)
        if round_.undrawn:
            self.work.set()
        if news:
            self.changes.publish(f"printer/{agent}/{message.printer}")

    def _open(self, agent: str, message: Open) -> None:
        now = self._now()
        with self._store.write() as tx:
            heard = offers.note(tx, agent, message, now)
        if heard is None:
            return
        self._say_offers(heard)
        self.work.set()
        self.changes.publish(f"printer/{agent}/{message.printer}")

    def _report(self, agent: str, message: Report) -> None:
        papers = self._read(agent, message)
        with self._store.write() as tx:
            heard = reports.apply(tx, agent, message, self._now(), papers)
            last = reports.lacks(tx, agent, message.epoch, message.holding)
            touched = self._needs_of(tx, heard.events) if heard else set[str]()
        if heard is None:
            return
        self._post(agent, Ack(sent=self._now(), epoch=message.epoch, seq=heard.seq))
        self._recall(agent, message.epoch, last)
        if not heard.events:
            return
        for event in heard.events:
            self._metrics.stepped(str(event.step))
            log.info("step", agent=agent, attempt=event.attempt, step=str(event.step), why=event.why)
        self.changes.publish(f"printer/{agent}", *(f"need/{need}" for need in touched))
        self.work.set()

    def _telemetry(self, agent: str, message: Telemetry) -> None:
        self._looks[agent, message.printer] = Looks(
            condition=message.condition,
            bed_clear=message.bed_clear,
            attempt=message.attempt,
            progress=message.progress,
            nozzle=message.nozzle,
            bed=message.bed,
            why=message.why,
            at=self._now(),
        )
        self.changes.publish(f"printer/{agent}/{message.printer}")

    # ── what recurs ───────────────────────────────────────────────────────────────────────────────────────

    def plan(self) -> None:
        """Give work to printers that wait, until nothing fits any more."""
        while True:
            with self._store.write() as tx:
                round_ = self._grant(tx, self._now())
                asked = self._make_offers(tx, self._now())
            self._act_on(round_.granted)
            self._say_offers(asked)
            if not (undrawn := {*round_.undrawn, *asked.undrawn}):
                return
            for order in undrawn:
                self._draw(order)

    def sweep(self) -> None:
        """Doubt what has been silent for too long; forget readies that are over."""
        now = self._now()
        with self._store.write() as tx:
            agents.expire(tx, now)
            kept_offers.prune(tx, now - offers.KEPT)
            doubted = reports.silent(tx, now, self._patience.suspect_after)
        for attempt in doubted:
            log.warning("attempt in doubt", attempt=attempt.id, agent=attempt.agent)
            self._told(attempt)

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
        for agent, _, _ in self.known():
            self._post(agent, Keys(sent=self._now(), keys=self._keyring.signed))

    def resync(self, agent: str, epoch: str, seq: int) -> None:
        """Ask an agent for all that is not known here; one that has nothing to add keeps quiet."""
        self._post(agent, Recall(sent=self._now(), epoch=epoch, seq=seq))

    def lose_touch(self) -> None:
        """Nobody is known to be there until heard again: to be called before the first word of a broker.

        Who died while nobody listened is not told by a broker that lost its memory; who lives will be heard.
        """
        with self._store.write() as tx:
            agents.lose_touch(tx, self._now())

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────

    def _grant(self, tx: Tx, now: float, only: tuple[str, str] | None = None) -> grants.Round:
        if self._restored:
            # A clock that was set back must not make a long silence of it.
            self._gives_from = min(self._gives_from, now + AFTER_RESTORE)
            if now < self._gives_from:
                return grants.Round()
            restorations.settle(tx, self._restored, now)
            self._restored = None
        return grants.grant(tx, self._plates, now, margin=self._patience.nonce_margin, only=only)

    def _make_offers(self, tx: Tx, now: float) -> offers.Round:
        if self._restored:
            return offers.Round()
        return offers.make(tx, self._plates, now, self._patience.offer_lifetime)

    def _say_offers(self, round_: offers.Round) -> None:
        """Publish what is offered and withdrawn, now that it is committed."""
        for offer in round_.offered:
            self._post(offer.agent, self._as_message(offer))
            log.info("offered", offer=offer.id, need=offer.need, agent=offer.agent, units=offer.count)
        for over in round_.over:
            now = self._now()
            expires = now + self._patience.offer_lifetime
            self._post(over.agent, Withdraw(sent=now, expires=expires, offer=over.offer, why=over.why))

    def _as_message(self, offer: Offer) -> messages.Offer:
        with self._store.read() as tx:
            need = intake.get(tx, offer.need)
            hospital = needs.hospitals.get(tx, need.hospital)
        return messages.Offer(
            sent=self._now(),
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

    def _tell_keys(self, agent: str, version: int | None) -> bool:
        """Whether an agent goes by our key set; one with an older set is told. One that names none is believed."""
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
            self._post(agent, Keys(sent=self._now(), keys=self._keyring.signed))
        return False

    def _recall(self, agent: str, epoch: str, last: int | None) -> None:
        """Ask for the events behind `last`, if any are lacking; not for each message of a flood."""
        now = self._now()
        if last is None or now - self._recalled.get(agent, -math.inf) < RECALL:
            return
        self._recalled[agent] = now
        log.warning("an agent knows more than we do: was a back-up restored?", agent=agent, last=last)
        self.resync(agent, epoch, last)

    def _draw(self, order: Order) -> None:
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

    def _act_on(self, granted: list[Attempt]) -> None:
        """Publish grants, now that they are committed."""
        for outcome in granted:
            with self._store.read() as tx:
                parameters = intake.get(tx, outcome.need).parameters
                printer = agents.printer(tx, outcome.agent, outcome.printer)
            assert printer is not None  # a grant answers its ready
            offer = manifest.Manifest(
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
            signed = manifest.sign(offer, self._keyring.dispatch)
            self._metrics.granted()
            self._post(outcome.agent, Grant(sent=self._now(), manifest=signed))
            log.info(
                "granted", attempt=outcome.id, need=outcome.need, agent=outcome.agent, units=outcome.count
            )
            self._told(outcome)

    def _is_revoked(self, agent: str) -> bool:
        with self._store.read() as tx:
            known = agents.agents.get(tx, agent)
        return known is None or known.revoked is not None

    def _attempt(self, attempt: str) -> Attempt:
        with self._store.read() as tx:
            return lots.get(tx, attempt)

    def _told(self, attempt: Attempt) -> Attempt:
        self.changes.publish(f"need/{attempt.need}", f"printer/{attempt.agent}/{attempt.printer}")
        if attempt.state in FINAL:
            self.work.set()
        return attempt

    def _needs_of(self, tx: Tx, events: list[Event]) -> set[str]:
        found = (attempts.attempts.get(tx, name) for name in {event.attempt for event in events})
        return {attempt.need for attempt in found if attempt}

    def _file_token(self, attempt: str) -> str:
        return hmac.new(self._file_secret, attempt.encode(), hashlib.sha256).hexdigest()[:48]
