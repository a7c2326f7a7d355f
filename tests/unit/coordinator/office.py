"""A whole desk on a real database, with agents that are played by hand and a clock that is turned by hand."""

import contextlib
import functools
import itertools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from structlog.testing import capture_logs

from coordinator.conversation import Conversation, Patience
from coordinator.desk import Desk, Terms
from coordinator.keys.ca import Authority
from coordinator.keys.keyring import Keyring
from coordinator.metrics import Metrics
from coordinator.model.records import Attempt, Need
from coordinator.store import agents
from coordinator.store.engine import Store, file_of
from coordinator.work import catalogue
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
)

KEY = "the-coordinators-access-key"
NOON = 1_800_000_000.0
A_DAY = 86_400.0
DATABASE = "muster.db"


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

    def is_ready(self, *, window: float = A_DAY, seq: int | None = None, nonce: str | None = None) -> None:
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
) -> Office:
    """An office on these; what it says to agents goes to `post`, or into `posted`."""
    now = [NOON]
    ticks = itertools.count()
    posted: list[tuple[str, Down]] = []

    def clock() -> float:
        return now[0] + next(ticks) / 1000

    conversation = Conversation(
        store,
        plates,
        keyring,
        Metrics(),
        files="http://127.0.0.1:1/files",
        file_secret=b"s" * 32,
        patience=patience,
        clock=clock,
        post=post or (lambda agent, message: posted.append((agent, message))),
    )
    terms = Terms(
        public_url="http://127.0.0.1:1",
        broker_url="mqtt://127.0.0.1:1",
        access_key=KEY,
        address_key=b"a" * 32,
    )
    desk = Desk(store, plates, authority, keyring, terms, conversation, clock=clock)
    return Office(desk, conversation, store, authority, keyring, posted, now)


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
