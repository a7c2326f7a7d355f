"""A whole desk on a real database, with agents that are played by hand and a clock that is turned by hand."""

import contextlib
import functools
import itertools
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from coordinator import acts, ids
from coordinator.acts.act import ACTS, Act
from coordinator.acts.services import Services
from coordinator.changes import ChangeFeed
from coordinator.conversation import Conversation, Patience
from coordinator.keys.ca import Authority
from coordinator.keys.keyring import Keyring
from coordinator.metrics import Metrics
from coordinator.model.audit_log import check_chain
from coordinator.model.records import Attempt, Need
from coordinator.model.roles import Permission
from coordinator.people.authentication import Authenticator, Rules
from coordinator.people.principal import AGENT, HOSPITAL, MAKER, Principal, Via
from coordinator.privacy import makers, pickups
from coordinator.privacy.address import AddressCipher
from coordinator.store import agents, audit_log
from coordinator.store.engine import Store, file_of
from coordinator.unit_of_work import Outlets, UnitsOfWork
from coordinator.work import catalogue, intake, lots, overview
from coordinator.work.plates import DrawnPlate, PlateLibrary, PlateOrder
from gcode.profile import Profile
from wire import manifest
from wire.keyset import Use
from wire.lifecycle import Step
from wire.manifest import Manifest
from wire.messages import (
    Ack,
    Blame,
    Down,
    Event,
    Grant,
    Holding,
    Presence,
    Printer,
    Ready,
    Recall,
    Report,
    Wish,
)

KEY = "the-coordinators-access-key"
NOON = 1_800_000_000.0
A_DAY = 86_400.0
DATABASE = "muster.db"


class Desk:
    """Does acts by their functions' names, as whoever `by` says, and looks things up."""

    def __init__(self, services: Services, conversation: Conversation, changes: ChangeFeed) -> None:
        self.services = services
        self.conversation = conversation
        self.changes = changes

    def __getattr__(self, name: str) -> Callable[..., Any]:
        found = _ACTS[name]

        def do(*args: Any, by: str = "coordinator", **more: Any) -> Any:
            who = _BY_LINK.get(found.permission) or Principal(
                name=by, via=Via.KEY, role="machine", everywhere=True
            )
            return found(self.services, who, *args, **more)

        return do

    def ask(self, attempt: str, wish: Wish, *, by: str) -> Attempt:
        return self.__getattr__(acts.attempts.ASKING[wish].__name__)(attempt, by=by)

    def enrol(self, request) -> Any:
        return acts.agents.enrol(self.services, request)

    def renew(self, request) -> Any:
        return acts.agents.renew(self.services, request)

    def body(self, attempt: str, token: str) -> Path:
        return self.conversation.body(attempt, token)

    # ── looks ─────────────────────────────────────────────────────────────────────────────────────────────

    def need(self, need: str):
        return self.services.read(overview.need, need)

    def needs(self):
        return self.services.read(overview.needs_)

    def hospitals(self):
        return self.services.read(overview.hospitals)

    def printers(self):
        return self.services.read(overview.printers, self.conversation.looks(), self.services.clock())

    def attempts(self, *, open_only: bool = False):
        return self.services.read(overview.attempts_, only_open=open_only)

    def attempt(self, attempt: str) -> Attempt:
        return self.services.read(lots.get, attempt)

    def agents(self):
        return self.services.read(overview.agents_, self.services.clock())

    def ledger(self):
        return self.services.read(overview.ledger_)

    def summary(self):
        return self.services.read(overview.summary)

    def standing(self):
        return self.services.read(overview.standing, self.services.clock())

    def definition(self, digest: str) -> bytes:
        return self.services.plates.definition(digest)

    def parts(self):
        return self.services.plates.parts()

    def track(self, token: str):
        return self.services.read(
            overview.tracked, ids.digest(token), self.services.plates, self.services.clock()
        )

    def maker(self, token: str):
        return self.services.read(makers.page, ids.digest(token), self.services.plates, self.services.clock())

    def is_tracked(self, token: str) -> None:
        self.services.read(intake.by_link, ids.digest(token), self.services.clock())

    def pickups(self):
        return self.services.read(pickups.every, self.services.clock())

    def audit_log(self, **wanted: Any):
        return self.services.read(audit_log.page, **wanted)

    def chain(self, head: str = ""):
        return self.services.read(lambda tx: check_chain(audit_log.every(tx), head=head))

    def head(self):
        return self.services.read(audit_log.head)


_ACTS: dict[str, Act[Any, ..., Any]] = {each.__name__: each for each in ACTS.values()}
_BY_LINK = {
    Permission.HOSPITAL_LINK: HOSPITAL,
    Permission.MAKER_LINK: MAKER,
    Permission.JOIN: AGENT,
}


@dataclass
class Office:
    """The desk under test, what it posted, and the hands of its clock."""

    desk: Desk
    conversation: Conversation
    store: Store
    authority: Authority
    keyring: Keyring
    posted: list[tuple[str, Down]]
    now: list[float]
    planning: threading.Event
    """Set when the planner was woken."""
    readmitted: threading.Event
    """Set when link and broker were to read anew who may speak."""
    services: Services
    changes: ChangeFeed
    published: list[str]
    """Subjects that changed."""
    played: list["PlayedAgent"] = field(default_factory=list)

    def vetted(self, name: str = "St Anna") -> str:
        hospital = self.desk.add_hospital(name=name, contact="ward 3", latitude=48.2, longitude=16.3)
        return self.desk.approve_hospital(hospital.id, by="coordinator").id

    def needs(self, quantity: int, part: str = "ear-saver", **more) -> tuple[Need, str]:
        hospital = more.pop("hospital", None) or self.vetted()
        return self.desk.file_need(hospital=hospital, part=part, quantity=quantity, by="coordinator", **more)

    def is_held(self, need: str) -> None:
        """Three printers refused its plates."""
        for name in ("xaver", "yves", "zoe"):
            agent = self.agent(name)
            agent.is_ready()
            agent.reports(
                agent.attempt().id, Step.FETCH, Step.REFUSE, why="the gate refused line 7", blame=Blame.JOB
            )
        assert self.desk.need(need).need.held is not None

    def agent(self, name: str, **more) -> "PlayedAgent":
        agent = PlayedAgent(self, name, **more)
        with self.store.write() as tx:
            agents.agents.add(tx, agents.Agent(name=name, enrolled=self.now[0]))
        agent.is_born()
        self.played.append(agent)
        return agent


@dataclass
class PlayedAgent:
    """Says what an agent would say, straight to the desk."""

    office: Office
    name: str
    profile: Profile = field(default_factory=Profile)
    material: str = "petg"
    place: tuple[float, float] | None = (48.2, 16.3)
    epoch: str = "a" * 32
    connection: int = 1
    seq: int = 0
    counter: int = 0
    held: list[str] = field(default_factory=list)
    keys: int | None = None
    sequence: int = 0

    def is_born(self, holding: Holding | None = None) -> None:
        printer = Printer(name="one", driver="serial", profile=self.profile, material=self.material)
        self.says(
            Presence(
                online=True,
                connection=self.connection,
                epoch=self.epoch,
                place=self.place,
                printers=(printer,),
                holding=holding,
            )
        )

    def dies(self, connection: int | None = None) -> None:
        self.says(Presence(online=False, connection=connection or self.connection, epoch=self.epoch))

    def loses_its_disk(self) -> None:
        self.epoch = f"{int(self.epoch, 16) + 1:032x}"
        self.connection, self.seq, self.counter, self.held = 1, 0, 0, []
        self.is_born()

    def is_ready(
        self,
        *,
        window: float = A_DAY,
        seq: int | None = None,
        nonce: str | None = None,
        plan: bool = True,
    ) -> None:
        self.counter += 1
        self.says(
            Ready(
                printer="one",
                nonce=nonce or f"{self.name}-{self.epoch[-4:]}-nonce-{self.counter:08}",
                counter=self.counter,
                lifetime=60,
                window=window,
                material=self.material,
                epoch=self.epoch,
                seq=self.seq if seq is None else seq,
                held=tuple(self.held),
                sequence=self.sequence,
                keys=self.keys,
            )
        )
        if plan:
            self.office.conversation.plan()

    def reports(
        self,
        attempt: str,
        *steps: Step,
        why: str = "",
        blame: Blame = Blame.NOBODY,
        holding: Holding | None = None,
    ) -> Report:
        events: list[Event] = []
        for step in steps:
            self.seq += 1
            events.append(Event(seq=self.seq, attempt=attempt, step=step, at=0, why=why, blame=blame))
        report = Report(epoch=self.epoch, events=tuple(events), holding=holding)
        self.says(report)
        return report

    def holds(self, *attempts: str, counter: int | None = None) -> Holding:
        """That it holds these and no other, as of its last event, and had an answer to all of them."""
        return Holding(
            counter=self.counter if counter is None else counter,
            seq=self.seq,
            acked=max(self.acked, default=0),
            held=attempts,
        )

    def prints(self, attempt: str) -> None:
        self.reports(attempt, Step.FETCH, Step.CHECK, Step.START, Step.PRINT, Step.FINISH, Step.CLEAR)

    def says(self, message) -> None:
        self.office.conversation.hear(self.name, message)

    @property
    def grants(self) -> list[Manifest]:
        keys = self.office.keyring.keys.of(Use.DISPATCH)
        return [
            manifest.verify(message.manifest, keys)
            for agent, message in self.office.posted
            if agent == self.name and isinstance(message, Grant)
        ]

    @property
    def recalled(self) -> list[int]:
        return [
            message.seq
            for agent, message in self.office.posted
            if agent == self.name and isinstance(message, Recall)
        ]

    @property
    def acked(self) -> list[int]:
        return [
            message.seq
            for agent, message in self.office.posted
            if agent == self.name and isinstance(message, Ack)
        ]

    def attempt(self) -> Attempt:
        return self.office.desk.attempt(self.grants[-1].attempt)


def furnished(
    store: Store,
    plates: PlateLibrary,
    authority: Authority,
    keyring: Keyring,
    *,
    patience: Patience,
    post: Callable[[str, Down], None] | None = None,
    rules: Rules | None = None,
) -> Office:
    """An office on these; what it says to agents goes to `post`, or into `posted`."""
    now = [NOON]
    ticks = itertools.count()
    posted: list[tuple[str, Down]] = []
    readmitted = threading.Event()

    def clock() -> float:
        return now[0] + next(ticks) / 1000

    changes, planning = ChangeFeed(), threading.Event()
    published: list[str] = []

    def publish(*subjects: str) -> None:
        published.extend(subjects)
        changes.publish(*subjects)

    units = UnitsOfWork(
        store,
        Outlets(
            publish=publish,
            post=post or (lambda agent, message: posted.append((agent, message))),
            replan=planning.set,
            readmit=readmitted.set,
        ),
        clock,
    )
    conversation = Conversation(
        store,
        units,
        plates,
        keyring,
        Metrics(),
        files="http://127.0.0.1:1/files",
        file_secret=b"s" * 32,
        patience=patience,
        clock=clock,
    )
    services = Services(
        store=store,
        units=units,
        plates=plates,
        authority=authority,
        keyring=keyring,
        addresses=AddressCipher(b"a" * 32),
        authenticator=Authenticator(store, lambda shown: shown == KEY, clock, b"s" * 32, rules or Rules()),
        clock=clock,
        public_url="http://127.0.0.1:1",
        broker_url="mqtt://127.0.0.1:1",
    )
    desk = Desk(services, conversation, changes)
    return Office(
        desk,
        conversation,
        store,
        authority,
        keyring,
        posted,
        now,
        planning,
        readmitted,
        services,
        changes,
        published,
    )


def open_office(directory: Path, database: str) -> Office:
    """An office on an empty database, or on one that was `prepared`."""
    if not (directory / "ca").exists():
        file = file_of(database)
        for name, content in prepared().items():
            path = file if name == DATABASE else directory / name
            if path is not None and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(mode=0o600)
                path.write_bytes(content)
    authority, keyring = Authority(directory / "ca", lambda: NOON), Keyring(directory / "ca", lambda: NOON)
    store = Store(database)
    plates = stocked(directory / "plates", store, keyring)
    return furnished(store, plates, authority, keyring, patience=Patience(suspect_after=900))


@functools.cache
def prepared() -> dict[str, bytes]:
    """What all offices begin with, as it takes long to make: keys, and a database whose parts they approve."""
    with tempfile.TemporaryDirectory(prefix="muster-office-") as made:
        directory = Path(made)
        Authority(directory / "ca", lambda: NOON)
        keyring, store = Keyring(directory / "ca", lambda: NOON), Store(f"sqlite:///{directory / DATABASE}")
        with contextlib.closing(store), store.write() as tx, capture_logs():
            catalogue.stock(tx, keyring, NOON)
        return {
            str(path.relative_to(directory)): path.read_bytes()
            for path in directory.rglob("*")
            if path.is_file()
        }


def stocked(directory: Path, store: Store, keyring: Keyring) -> PlateLibrary:
    """Plates of all parts that are shipped, approved by these keys."""
    with store.write() as tx, capture_logs():
        return Drawer(directory, catalogue.stock(tx, keyring, NOON))


class Drawer(PlateLibrary):
    """Plates of which each is drawn once for all tests of a process, and written down for the others.

    What is drawn is a pure function of order and document: `test_plates.py` shows that, and draws for itself.
    """

    def draw(self, order: PlateOrder) -> DrawnPlate:
        if known := self.drawn(order):
            return known
        wanted = order, self.approved(order.part, order.version).release.definition
        if wanted not in _drawn:
            plate = super().draw(order)
            _drawn[wanted] = plate, self.path(plate.digest).read_bytes()
            return plate
        plate, body = _drawn[wanted]
        with self._lock:
            self._keep(plate.digest, body)
            self._drawn[order] = plate
        return plate


_drawn: dict[tuple[PlateOrder, str], tuple[DrawnPlate, bytes]] = {}
