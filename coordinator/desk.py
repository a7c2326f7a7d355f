"""The desk: where people's, hospitals' and agents' requests come in.

Each request is one transaction; after its commit, and only then, those who wait for it are told. The rules
stand in the modules that the desk calls; here stands what belongs together in time.
"""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from coordinator import enrolment, grants, ids, intake, lots, overview, parcels, reports
from coordinator.ca import Authority
from coordinator.errors import Conflict, Invalid, Missing
from coordinator.metrics import Metrics, Now
from coordinator.news import News
from coordinator.plates import Order, Plates
from coordinator.records import Attempt, Hospital, Looks, Need, Parcel
from coordinator.store import agents, attempts, needs
from coordinator.store.engine import Store, Tx
from coordinator.views import LedgerView, NeedDetail, NeedView, PartView, PrinterView, Tracking
from wire import manifest
from wire.enrolment import Answer
from wire.enrolment import Request as EnrolRequest
from wire.lifecycle import FINAL, State, Step, allows
from wire.messages import Ack, Down, Event, Grant, Presence, Ready, Report, Request, Telemetry, Up, Wish

log = structlog.get_logger("desk")

_FETCHABLE = (State.GRANTED, State.FETCHING, State.SUSPECT)
_STEP_OF_WISH = {
    Wish.CANCEL: Step.CANCEL,
    Wish.PAUSE: Step.PAUSE,
    Wish.RESUME: Step.RESUME,
    Wish.CLEARED: Step.CLEAR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the desk goes by; lengths of time in seconds, `public_url` and `broker_url` as agents reach them."""

    public_url: str
    broker_url: str
    access_key: str
    suspect_after: float = 900.0
    wish_lifetime: float = 600.0
    nonce_margin: float = 5.0


class Desk:
    """Every method may be called from any thread, and raises `errors.Problem` for what can't be done."""

    def __init__(
        self,
        store: Store,
        plates: Plates,
        authority: Authority,
        terms: Terms,
        metrics: Metrics,
        *,
        clock: Callable[[], float],
        post: Callable[[str, Down], None],
    ) -> None:
        """`clock` gives seconds since 1970 UTC; `post` sends a message to an agent, or loses it."""
        self.news = News()
        self.work = threading.Event()
        """Set when a printer or a need waits: whoever plans should `plan` now."""
        self._store = store
        self._plates = plates
        self._authority = authority
        self._terms = terms
        self._metrics = metrics
        self._now = clock
        self._post = post
        self._looks: dict[tuple[str, str], Looks] = {}
        # Links to files die with the process: an agent whose fetch is cut off by a restart refuses, and asks anew.
        self._file_secret = secrets.token_bytes(32)

    # ── coordinators ──────────────────────────────────────────────────────────────────────────────────────

    def check_key(self, key: str) -> bool:
        """Whether this is the coordinator's access key."""
        return hmac.compare_digest(key.encode(), self._terms.access_key.encode())

    def parts(self) -> list[PartView]:
        """What can be asked for."""
        return self._plates.parts()

    def add_hospital(self, *, name: str, contact: str, latitude: float, longitude: float) -> Hospital:
        """Someone asks to be supplied; see `intake.add_hospital`."""
        with self._store.write() as tx:
            hospital = intake.add_hospital(
                tx, name=name, contact=contact, latitude=latitude, longitude=longitude, now=self._now()
            )
        self.news.tell(f"hospital/{hospital.id}")
        return hospital

    def approve_hospital(self, hospital: str, *, by: str) -> Hospital:
        """A person has vetted them; see `intake.approve`."""
        with self._store.write() as tx:
            approved = intake.approve(tx, hospital, by=by, now=self._now())
        self.news.tell(f"hospital/{hospital}")
        self.work.set()
        return approved

    def hospitals(self) -> list[Hospital]:
        """Every hospital, newest first."""
        with self._store.read() as tx:
            return needs.hospitals.find(tx, newest="created")

    def file_need(
        self,
        *,
        hospital: str,
        part: str,
        quantity: int,
        by: str,
        priority: int = 5,
        deadline: float | None = None,
        parameters: dict[str, float] | None = None,
    ) -> tuple[Need, str]:
        """A need, and the token of its tracking link, which is shown only now; see `intake.file`."""
        token = ids.token()
        with self._store.write() as tx:
            need = intake.file(
                tx,
                self._plates,
                hospital=hospital,
                part=part,
                quantity=quantity,
                priority=priority,
                deadline=deadline,
                parameters=parameters or {},
                token=ids.digest(token),
                by=by,
                now=self._now(),
            )
        self.news.tell(f"need/{need.id}")
        self.work.set()
        return need, token

    def cancel_need(self, need: str, *, by: str) -> Need:
        """A need is withdrawn; see `intake.cancel`."""
        with self._store.write() as tx:
            cancelled = intake.cancel(tx, need, by=by, now=self._now())
        self.news.tell(f"need/{need}")
        return cancelled

    def needs(self) -> list[NeedView]:
        """Every need, newest first."""
        with self._store.read() as tx:
            return overview.needs_(tx)

    def need(self, need: str) -> NeedDetail:
        """One need with its lots and parcels."""
        with self._store.read() as tx:
            return overview.need(tx, need)

    def printers(self) -> list[PrinterView]:
        """Every printer and what it does."""
        with self._store.read() as tx:
            return overview.printers(tx, dict(self._looks), self._now())

    def attempts(self, *, open_only: bool = False) -> list[Attempt]:
        """Attempts, newest first."""
        with self._store.read() as tx:
            return attempts.open_attempts(tx) if open_only else attempts.all_attempts(tx)

    def attempt(self, attempt: str) -> Attempt:
        """One attempt."""
        with self._store.read() as tx:
            return lots.get(tx, attempt)

    def ask(self, attempt: str, wish: Wish, *, by: str) -> Attempt:
        """Ask the agent to cancel, pause or resume, or tell it that the bed is clear. The agent decides.

        Raises:
            Missing: no such attempt.
            Conflict: the wish makes no sense as the attempt stands.
        """
        known = self.attempt(attempt)
        # A bed is cleared of failed and cancelled plates too.
        of_bed = wish is Wish.CLEARED and known.state in (State.FAILED, State.CANCELLED)
        if not of_bed and not allows(known.state, _STEP_OF_WISH[wish]):
            raise Conflict(f"{attempt} is {known.state}: it can't be {_PARTICIPLES[wish]} now")
        now = self._now()
        request = Request(
            sent=now, expires=now + self._terms.wish_lifetime, attempt=attempt, wish=wish, by=by
        )
        self._post(known.agent, request)
        return known

    def inspect(self, attempt: str, *, good: int, scrapped: int, by: str) -> Attempt:
        """A person counted a lot; see `lots.inspect`."""
        with self._store.write() as tx:
            lot = lots.inspect(tx, attempt, good=good, scrapped=scrapped, by=by, now=self._now())
        return self._told(lot)

    def collect(self, attempt: str, *, by: str) -> Attempt:
        """A lot's good units arrive at the hub; see `lots.collect`."""
        with self._store.write() as tx:
            lot = lots.collect(tx, attempt, by=by, now=self._now())
        return self._told(lot)

    def write_off(self, attempt: str, *, by: str, why: str) -> Attempt:
        """A person rules on a suspect lot; see `lots.write_off`."""
        with self._store.write() as tx:
            lot = lots.write_off(tx, attempt, by=by, why=why, now=self._now())
        return self._told(lot)

    def pack(self, need: str, *, by: str, units: int | None = None) -> Parcel:
        """Units at the hub go into a parcel; see `parcels.pack`."""
        with self._store.write() as tx:
            parcel = parcels.pack(tx, need, units=units, by=by, now=self._now())
        self.news.tell(f"need/{need}")
        return parcel

    def send(self, parcel: str, *, by: str) -> Parcel:
        """A courier takes a parcel; see `parcels.send`."""
        with self._store.write() as tx:
            sent = parcels.send(tx, parcel, by=by, now=self._now())
        self.news.tell(f"need/{sent.need}")
        return sent

    def ledger(self) -> LedgerView:
        """Whether every unit stands where it should."""
        with self._store.read() as tx:
            return overview.ledger_(tx)

    def summary(self) -> dict[str, int]:
        """Units by account over all needs, and attempts under way, for the log."""
        with self._store.read() as tx:
            return overview.summary(tx)

    def standing(self) -> Now:
        """How things stand, for metrics."""
        with self._store.read() as tx:
            return overview.standing(tx, self._now())

    # ── hospitals, by their link ──────────────────────────────────────────────────────────────────────────

    def track(self, token: str) -> Tracking:
        """What a hospital's link shows; `Missing` for a wrong one."""
        with self._store.read() as tx:
            return overview.tracking(tx, ids.digest(token), self._plates)

    def receive(self, token: str, parcel: str, *, units: int, by: str, note: str = "") -> Parcel:
        """A hospital signs for a parcel; see `parcels.receive`."""
        with self._store.write() as tx:
            need = needs.by_token(tx, ids.digest(token))
            if need is None:
                raise Missing("this link leads nowhere: check that it was copied whole")
            received = parcels.receive(tx, need.id, parcel, units=units, by=by, note=note, now=self._now())
        self.news.tell(f"need/{received.need}")
        self.work.set()
        return received

    # ── agents, over HTTP ─────────────────────────────────────────────────────────────────────────────────

    def invite(self, *, by: str) -> str:
        """An invite for one agent, as text; see `enrolment.invite`."""
        with self._store.write() as tx:
            made = enrolment.invite(tx, self._authority, url=self._terms.public_url, by=by, now=self._now())
        return str(made)

    def enrol(self, request: EnrolRequest) -> Answer:
        """Let an agent in; see `enrolment.enrol`."""
        with self._store.write() as tx:
            answer = enrolment.enrol(
                tx,
                self._authority,
                request,
                url=self._terms.public_url,
                broker=self._terms.broker_url,
                now=self._now(),
            )
        log.info("agent enrolled", agent=answer.agent)
        return answer

    def body(self, attempt: str, token: str) -> Path:
        """The file behind a manifest's URL, for as long as the attempt may still need it.

        Raises:
            Missing: a wrong link, or one that is over.
        """
        right = hmac.compare_digest(token.encode(), self._file_token(attempt).encode())
        known = self.attempt(attempt) if right else None
        if known is None or known.state not in _FETCHABLE:
            raise Missing("this link leads nowhere, or is over")
        path = self._plates.path(known.digest)
        if not path.is_file():
            raise Missing("the plate's file is gone")
        return path

    # ── agents, over MQTT ─────────────────────────────────────────────────────────────────────────────────

    def hear(self, agent: str, message: Up) -> None:
        """Commit what an agent says; returns when that is durable, so that it may be acknowledged."""
        match message:
            case Presence():
                self._presence(agent, message)
            case Ready():
                self._ready(agent, message)
            case Report():
                self._report(agent, message)
            case Telemetry():
                self._telemetry(agent, message)

    def _presence(self, agent: str, message: Presence) -> None:
        with self._store.write() as tx:
            news = reports.presence(tx, agent, message, self._now())
        if news:
            log.info("agent online" if message.online else "agent offline", agent=agent)
            self.news.tell(f"printer/{agent}")
            self.work.set()

    def _ready(self, agent: str, message: Ready) -> None:
        now = self._now()
        with self._store.write() as tx:
            news = grants.note(tx, agent, message, now)
            round_ = self._grant(tx, now, (agent, message.printer)) if news else grants.Round()
        self._act_on(round_.granted)
        if round_.undrawn:
            self.work.set()
        if news:
            self.news.tell(f"printer/{agent}/{message.printer}")

    def _report(self, agent: str, message: Report) -> None:
        with self._store.write() as tx:
            heard = reports.apply(tx, agent, message, self._now())
            touched = self._needs_of(tx, heard.events) if heard else set[str]()
        if heard is None:
            return
        self._post(agent, Ack(sent=self._now(), epoch=message.epoch, seq=heard.seq))
        if not heard.events:
            return
        for event in heard.events:
            self._metrics.stepped(str(event.step))
            log.info("step", agent=agent, attempt=event.attempt, step=str(event.step), why=event.why)
        self.news.tell(f"printer/{agent}", *(f"need/{need}" for need in touched))
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
        self.news.tell(f"printer/{agent}/{message.printer}")

    # ── what recurs ───────────────────────────────────────────────────────────────────────────────────────

    def plan(self) -> None:
        """Give work to printers that wait, until nothing fits any more."""
        while True:
            with self._store.write() as tx:
                round_ = self._grant(tx, self._now())
            self._act_on(round_.granted)
            if not round_.undrawn:
                return
            for order in set(round_.undrawn):
                self._draw(order)

    def sweep(self) -> None:
        """Doubt what has been silent for too long; forget readies that are over."""
        now = self._now()
        with self._store.write() as tx:
            agents.expire(tx, now)
            doubted = reports.silent(tx, now, self._terms.suspect_after)
        for attempt in doubted:
            log.warning("attempt in doubt", attempt=attempt.id, agent=attempt.agent)
            self._told(attempt)

    def lose_touch(self) -> None:
        """Nobody is known to be there until heard again: to be called before the first word of a broker.

        Who died while nobody listened is not told by a broker that lost its memory; who lives will be heard.
        """
        with self._store.write() as tx:
            agents.lose_touch(tx, self._now())

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────

    def _grant(self, tx: Tx, now: float, only: tuple[str, str] | None = None) -> grants.Round:
        return grants.grant(tx, self._plates, now, margin=self._terms.nonce_margin, only=only)

    def _draw(self, order: Order) -> None:
        try:
            self._plates.draw(order)
        except Invalid as error:
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
                url=f"{self._terms.public_url}/files/{outcome.id}/{self._file_token(outcome.id)}",
                size=outcome.size,
                digest=outcome.digest,
                grams=outcome.grams,
                seconds=outcome.seconds,
            )
            signed = manifest.sign(offer, self._authority.dispatch)
            self._metrics.granted()
            self._post(outcome.agent, Grant(sent=self._now(), manifest=signed))
            log.info(
                "granted", attempt=outcome.id, need=outcome.need, agent=outcome.agent, units=outcome.count
            )
            self._told(outcome)

    def _told(self, attempt: Attempt) -> Attempt:
        self.news.tell(f"need/{attempt.need}", f"printer/{attempt.agent}/{attempt.printer}")
        if attempt.state in FINAL:
            self.work.set()
        return attempt

    def _needs_of(self, tx: Tx, events: list[Event]) -> set[str]:
        found = (attempts.attempts.get(tx, name) for name in {event.attempt for event in events})
        return {attempt.need for attempt in found if attempt}

    def _file_token(self, attempt: str) -> str:
        return hmac.new(self._file_secret, attempt.encode(), hashlib.sha256).hexdigest()[:48]


_PARTICIPLES = {
    Wish.CANCEL: "cancelled",
    Wish.PAUSE: "paused",
    Wish.RESUME: "resumed",
    Wish.CLEARED: "cleared",
}
