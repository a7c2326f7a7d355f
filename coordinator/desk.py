"""The desk: where people's and hospitals' requests come in, and agents' over HTTP.

Each request is one transaction; after its commit, and only then, those who wait for it are told. The rules
stand in the modules that the desk calls; here stands what belongs together in time.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from coordinator import ids
from coordinator.agents import enrolment
from coordinator.care import Care
from coordinator.conversation import Conversation
from coordinator.keys.ca import Authority
from coordinator.keys.keyring import Keyring
from coordinator.metrics import Now
from coordinator.model.audit_log import Detail
from coordinator.model.records import Attempt, Hospital, Need, Parcel
from coordinator.model.roles import HOME
from coordinator.model.views import (
    AgentView,
    LedgerView,
    NeedDetail,
    NeedView,
    PartView,
    PrinterView,
    Tracking,
)
from coordinator.privacy import pickups
from coordinator.privacy.address import AddressCipher
from coordinator.store import attempts, audit_log, makers, needs
from coordinator.store.engine import Store, Tx
from coordinator.work import intake, lots, overview, parcels
from coordinator.work.plates import Plates
from wire.enrolment import Answer, Renewal, Renewed
from wire.enrolment import Request as EnrolRequest
from wire.lifecycle import FINAL
from wire.messages import Wish

log = structlog.get_logger("desk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the desk goes by: where agents find us, the key of those who work here, the one that seals addresses."""

    public_url: str
    broker_url: str
    access_key: str
    address_key: bytes


class Desk:
    """Every method may be called from any thread, and raises `errors.Problem` for what can't be done."""

    def __init__(
        self,
        store: Store,
        plates: Plates,
        authority: Authority,
        keyring: Keyring,
        terms: Terms,
        conversation: Conversation,
        *,
        clock: Callable[[], float],
        roll_changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`clock` gives seconds since 1970 UTC; what agents must hear goes by way of `conversation`.

        `roll_changed` is called, after the commit, when an agent joined or was revoked.
        """
        self.changes = conversation.changes
        self._store = self.store = store
        self._plates = plates
        self._authority = authority
        self._keyring = keyring
        self._terms = terms
        self._conversation = conversation
        self._now = clock
        self._roll_changed = roll_changed
        self.care = Care(
            store,
            plates,
            AddressCipher(terms.address_key),
            conversation.changes,
            clock=clock,
            roll_changed=roll_changed,
        )
        """People's own: makers' addresses, pickups, privacy, the trail."""

    # ── coordinators ──────────────────────────────────────────────────────────────────────────────────────

    def check_key(self, key: str) -> bool:
        """Whether this is the coordinator's access key."""
        return hmac.compare_digest(key.encode(), self._terms.access_key.encode())

    def parts(self) -> list[PartView]:
        """What can be asked for."""
        return self._plates.parts()

    def add_hospital(
        self,
        *,
        name: str,
        contact: str,
        latitude: float,
        longitude: float,
        cluster: str = HOME,
        by: str = "coordinator",
    ) -> Hospital:
        """Someone asks to be supplied; see `intake.add_hospital`."""
        with self._store.write() as tx:
            hospital = intake.add_hospital(
                tx,
                name=name,
                contact=contact,
                latitude=latitude,
                longitude=longitude,
                cluster=cluster,
                now=self._now(),
            )
            self._note(tx, by, "hospital.add", f"hospital/{hospital.id}")
        self.changes.publish(f"hospital/{hospital.id}")
        return hospital

    def approve_hospital(self, hospital: str, *, by: str) -> Hospital:
        """A person has vetted them; see `intake.approve`."""
        with self._store.write() as tx:
            approved = intake.approve(tx, hospital, by=by, now=self._now())
            self._note(tx, by, "hospital.approve", f"hospital/{hospital}")
        self.changes.publish(f"hospital/{hospital}")
        self._conversation.work.set()
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
            asked: dict[str, Detail] = {
                "hospital": hospital,
                "part": part,
                "version": need.version,
                "quantity": quantity,
                "priority": priority,
            }
            self._note(tx, by, "need.file", f"need/{need.id}", **asked)
        self.changes.publish(f"need/{need.id}")
        self._conversation.work.set()
        return need, token

    def cancel_need(self, need: str, *, by: str) -> Need:
        """A need is withdrawn; see `intake.cancel`."""
        with self._store.write() as tx:
            cancelled = intake.cancel(tx, need, by=by, now=self._now())
            self._note(tx, by, "need.cancel", f"need/{need}")
        self.changes.publish(f"need/{need}")
        return cancelled

    def release_need(self, need: str, *, by: str) -> Need:
        """A need that is held is given out again; see `intake.release`."""
        with self._store.write() as tx:
            released = intake.release(tx, need, by=by, now=self._now())
            self._note(tx, by, "need.release", f"need/{need}")
        self.changes.publish(f"need/{need}")
        self._conversation.work.set()
        return released

    def relink_need(self, need: str, *, by: str) -> str:
        """The token of a new link for the hospital, which is shown only now; see `intake.relink`."""
        token = ids.token()
        with self._store.write() as tx:
            intake.relink(tx, need, token=ids.digest(token), now=self._now())
            self._note(tx, by, "need.relink", f"need/{need}")
        return token

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
            return overview.printers(tx, self._conversation.looks(), self._now())

    def attempts(self, *, open_only: bool = False) -> list[Attempt]:
        """Attempts, newest first."""
        with self._store.read() as tx:
            return attempts.open_attempts(tx) if open_only else attempts.all_attempts(tx)

    def attempt(self, attempt: str) -> Attempt:
        """One attempt."""
        with self._store.read() as tx:
            return lots.get(tx, attempt)

    def ask(self, attempt: str, wish: Wish, *, by: str) -> Attempt:
        """Ask the agent for something; see `Conversation.ask`."""
        return self._conversation.ask(attempt, wish, by=by)

    def inspect(self, attempt: str, *, good: int, scrapped: int, by: str) -> Attempt:
        """A person counted a lot; see `lots.inspect`."""
        with self._store.write() as tx:
            lot = lots.inspect(tx, attempt, good=good, scrapped=scrapped, by=by, now=self._now())
            self._note(tx, by, "attempt.inspect", f"attempt/{attempt}", good=good, scrapped=scrapped)
        return self._told(lot)

    def collect(self, attempt: str, *, by: str) -> Attempt:
        """A lot's good units arrive at the hub; see `lots.collect`."""
        with self._store.write() as tx:
            lot = lots.collect(tx, attempt, by=by, now=self._now())
            pickups.settle(tx, lot.agent, self._now())
            self._note(tx, by, "attempt.collect", f"attempt/{attempt}")
        return self._told(lot)

    def vouch(self, attempt: str, *, by: str, why: str) -> Attempt:
        """A person rules that a suspect lot was printed; see `lots.vouch`."""
        with self._store.write() as tx:
            lot = lots.vouch(tx, attempt, by=by, why=why, now=self._now())
            self._note(tx, by, "attempt.vouch", f"attempt/{attempt}")
        return self._told(lot)

    def write_off(self, attempt: str, *, by: str, why: str) -> Attempt:
        """A person rules on a suspect lot; see `lots.write_off`."""
        with self._store.write() as tx:
            lot = lots.write_off(tx, attempt, by=by, why=why, now=self._now())
            self._note(tx, by, "attempt.write-off", f"attempt/{attempt}")
        return self._told(lot)

    def pack(self, need: str, *, by: str, units: int | None = None) -> Parcel:
        """Units at the hub go into a parcel; see `parcels.pack`."""
        with self._store.write() as tx:
            parcel = parcels.pack(tx, need, units=units, by=by, now=self._now())
            self._note(tx, by, "parcel.pack", f"parcel/{parcel.id}", need=need, units=parcel.units)
        self.changes.publish(f"need/{need}")
        return parcel

    def send(self, parcel: str, *, by: str) -> Parcel:
        """A courier takes a parcel; see `parcels.send`."""
        with self._store.write() as tx:
            sent = parcels.send(tx, parcel, by=by, now=self._now())
            self._note(tx, by, "parcel.send", f"parcel/{parcel}")
        self.changes.publish(f"need/{sent.need}")
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

    def is_tracked(self, token: str) -> None:
        """Nothing; `links.Astray` for a link that leads nowhere."""
        with self._store.read() as tx:
            intake.by_link(tx, ids.digest(token), self._now())

    def track(self, token: str) -> Tracking:
        """What a hospital's link shows; `links.Astray` for a wrong one."""
        with self._store.read() as tx:
            need = intake.by_link(tx, ids.digest(token), self._now())
            return overview.tracking(tx, need, self._plates)

    def receive(self, token: str, parcel: str, *, units: int, by: str, note: str = "") -> Parcel:
        """A hospital signs for a parcel; see `parcels.receive`."""
        with self._store.write() as tx:
            need = intake.by_link(tx, ids.digest(token), self._now())
            received = parcels.receive(tx, need.id, parcel, units=units, by=by, note=note, now=self._now())
            # Who signed is kept with the parcel, where it can be taken away again.
            signer = f"hospital/{need.hospital}"
            self._note(tx, signer, "parcel.receive", f"parcel/{parcel}", need=need.id, units=units)
        self.changes.publish(f"need/{received.need}")
        self._conversation.work.set()
        return received

    # ── agents, over HTTP ─────────────────────────────────────────────────────────────────────────────────

    def invite(self, *, by: str, agent: str | None = None) -> str:
        """An invite for one agent, as text; see `enrolment.invite`."""
        with self._store.write() as tx:
            made = enrolment.invite(
                tx,
                self._authority,
                self._keyring,
                url=self._terms.public_url,
                by=by,
                now=self._now(),
                agent=agent,
            )
            self._note(tx, by, "agent.invite", f"invite/{ids.digest(made.code)[:12]}")
        return str(made)

    def enrol(self, request: EnrolRequest) -> Answer:
        """Let an agent in; see `enrolment.enrol`."""
        with self._store.read() as tx:
            enrolment.look(tx, request.code, self._now())  # who guesses does not keep others from writing
        with self._store.write() as tx:
            answer = enrolment.enrol(
                tx,
                self._authority,
                self._keyring,
                request,
                url=self._terms.public_url,
                broker=self._terms.broker_url,
                now=self._now(),
            )
            ref = makers.of(tx, answer.agent).ref
            self._note(tx, f"maker/{ref}", "agent.enrol", f"maker/{ref}")
        log.info("agent enrolled", agent=answer.agent)
        self._roll_changed()
        self.changes.publish(f"agent/{answer.agent}")
        return answer

    def renew(self, request: Renewal) -> Renewed:
        """Give an agent its next certificate; see `enrolment.renew`."""
        with self._store.write() as tx:
            renewed = enrolment.renew(tx, self._authority, request, now=self._now())
        log.info("certificate renewed", agent=renewed.agent)
        return Renewed(renewed.pem)

    def agents(self) -> list[AgentView]:
        """Every agent, and until when its certificate is good."""
        with self._store.read() as tx:
            return overview.agents_(tx, self._now())

    def revoke(self, agent: str, *, by: str, why: str) -> AgentView:
        """Take an agent's access back, at once; see `enrolment.revoke`."""
        with self._store.write() as tx:
            enrolment.revoke(tx, agent, by=by, why=why, now=self._now())
            view = overview.agent(tx, agent, self._now())
            self._note(tx, by, "agent.revoke", f"maker/{makers.of(tx, agent).ref}")
        self._roll_changed()
        log.warning("agent revoked", agent=agent, by=by, why=why)
        self.changes.publish(f"agent/{agent}", f"printer/{agent}")
        self._conversation.work.set()  # what it held is needed again
        return view

    def body(self, attempt: str, token: str) -> Path:
        """The file behind a manifest's URL; see `Conversation.body`."""
        return self._conversation.body(attempt, token)

    def definition(self, digest: str) -> bytes:
        """The document of an approved part version; see `Plates.definition`."""
        return self._plates.definition(digest)

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────

    def _note(self, tx: Tx, by: str, act: str, on: str, **details: Detail) -> None:
        audit_log.note(tx, by=by, act=act, on=on, details=details, now=self._now())

    def _told(self, attempt: Attempt) -> Attempt:
        self.changes.publish(f"need/{attempt.need}", f"printer/{attempt.agent}/{attempt.printer}")
        if attempt.state in FINAL:
            self._conversation.work.set()
        return attempt
