"""Whatever agents say, in whatever order, and whatever people do: every unit stands somewhere, once.

The real desk on SQLite lives through random histories: needs, readies that are late, doubled or contradict
themselves, lost grants, reports with repeats, gaps and impossible steps, deaths, new disks, silence, restarts
of the coordinator, and people who count, collect, pack, send, sign, cancel and rule.
"""

import contextlib
import functools
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from coordinator.conversation import Patience
from coordinator.errors import Problem
from coordinator.keys.ca import Authority
from coordinator.keys.keyring import Keyring
from coordinator.model.records import Attempt
from coordinator.store.engine import Store
from coordinator.work.plates import PlateLibrary
from gcode.profile import Profile
from tests.unit.coordinator.office import NOON, PlayedAgent, furnished, stocked
from wire.lifecycle import TABLE, State, Step
from wire.messages import Down, Event, Grant, Presence, Ready, Report

MARGIN = 5.0
LIFETIME = 60.0
ON_A_BED = {
    State.GRANTED,
    State.FETCHING,
    State.CHECKED,
    State.STARTING,
    State.PRINTING,
    State.PAUSED,
    State.PRINTED,
}
WELL = [Step.FETCH, Step.CHECK, Step.START, Step.PRINT, Step.FINISH, Step.CLEAR]
ORDER = [
    State.GRANTED,
    State.FETCHING,
    State.CHECKED,
    State.STARTING,
    State.PRINTING,
    State.PRINTED,
    State.CLEARED,
]
SMALL = Profile(width=180, depth=60)
NAMES = st.sampled_from(["anna", "ben"])
AT_WORK = st.integers(0, 5)
"""How far a plate is when something happens to its agent."""


@functools.cache
def _house() -> tuple[Path, Authority, Keyring, PlateLibrary]:
    """What all histories share, as it takes long to make: keys, drawn plates, and an empty database to copy."""
    directory = Path(tempfile.mkdtemp(prefix="muster-histories-"))
    Store(f"sqlite:///{directory}/empty.db").close()
    keyring = Keyring(directory / "ca", lambda: NOON)
    with contextlib.closing(Store(f"sqlite:///{directory}/shelf.db")) as store:
        plates = stocked(directory / "plates", store, keyring)
    return directory, Authority(directory / "ca", lambda: NOON), keyring, plates


def teardown_module() -> None:
    if _house.cache_info().currsize:
        shutil.rmtree(_house()[0])
    _house.cache_clear()


class Histories(RuleBasedStateMachine):
    """`asking` is, by agent, the one ready that a grant may answer now, as (nonce, until)."""

    def __init__(self) -> None:
        super().__init__()
        home, authority, keyring, plates = _house()
        self.directory = Path(tempfile.mkdtemp(dir=home))
        shutil.copy(home / "empty.db", self.directory / "muster.db")
        store = Store(f"sqlite:///{self.directory}/muster.db")
        self.office = furnished(
            store, plates, authority, keyring, patience=Patience(nonce_margin=MARGIN), post=self._post
        )
        self.desk, self.conversation = self.office.desk, self.office.conversation
        self.hospital = self.office.vetted()
        self.tokens: dict[str, str] = {}
        self.agents: dict[str, PlayedAgent] = {}
        self.online: dict[str, bool] = {}
        self.asking: dict[str, tuple[str, float]] = {}
        self.said: list[tuple[str, Ready | Report | Presence]] = []
        self.doubted: set[str] = set()
        for name in ("anna", "ben"):
            self.agents[name] = self.office.agent(name, profile=SMALL)
            self.online[name] = True

    def teardown(self) -> None:
        self.office.store.close()
        shutil.rmtree(self.directory)

    # ── agents ────────────────────────────────────────────────────────────────────────────────────────────

    @rule(name=NAMES, steps=st.integers(0, 6))
    def works(self, name: str, steps: int) -> None:
        """What an honest agent does all day: asks, and takes what it gets some steps on."""
        if not self.online[name]:
            self.agents[name].connection += 1
            self._born(name)
        if not self._on_its_bed(name):
            if not any(view.progress.needed for view in self.desk.needs()):
                self.files(4, 5)
            self._asks(name)
            self.conversation.plan()
        self._gets_on(name, steps)

    @rule(name=NAMES, steps=st.integers(1, 6))
    def gets_on_with_it(self, name: str, steps: int) -> None:
        self._gets_on(name, steps)

    @rule(
        name=NAMES,
        at=AT_WORK,
        holds=st.booleans(),
        ahead=st.sampled_from([0, 0, 1]),
        window=st.sampled_from([86_400, 6000, 500]),
    )
    def says_ready(self, name: str, at: int, holds: bool, ahead: int, window: float) -> None:
        """Forgetting what it holds if need be, or having more to report than it says."""
        self.works(name, at)
        self._asks(name, holds=holds, ahead=ahead, window=window)

    @rule(name=NAMES, lot=st.integers(0, 50))
    def says_ready_with_a_nonce_that_was_answered(self, name: str, lot: int) -> None:
        known = self.desk.attempts()
        if known:
            self.agents[name].counter += 1
            self._ready(name, known[lot % len(known)].nonce, held=(), ahead=0, window=86_400, fresh=False)

    @rule(
        name=NAMES,
        lot=st.integers(0, 50),
        steps=st.lists(st.sampled_from(sorted(Step)), min_size=1, max_size=3),
        gap=st.sampled_from([0, 0, 0, 1]),
    )
    def reports_anything(self, name: str, lot: int, steps: list[Step], gap: int) -> None:
        known = self.desk.attempts()
        attempt = known[lot % len(known)].id if known else "a-nothing"
        self._report(name, attempt, steps, gap)

    @rule(name=NAMES, at=AT_WORK, end=st.sampled_from([Step.REFUSE, Step.FAIL, Step.CANCEL]))
    def gives_up(self, name: str, at: int, end: Step) -> None:
        self.works(name, at)
        for attempt in self._attempts(name)[:1]:
            self._report(name, attempt.id, [end], 0)

    @precondition(lambda self: self.said)
    @rule(which=st.integers(0, 1000))
    def an_old_message_comes_again(self, which: int) -> None:
        name, message = self.said[-1 - which % len(self.said)]
        agent = self.agents[name]
        current = message.epoch == agent.epoch
        if isinstance(message, Presence):
            if not message.online and current and message.connection == agent.connection:
                self.online[name] = False
                self.asking.pop(name, None)
            if message.online and current and message.connection == agent.connection:
                self.online[name] = True  # nobody can tell that from a connection that lives
            if not current and not self._was_used(name, message.epoch):
                return  # a disk that never printed, so nobody can tell that it was there before
        self._says(name, message)

    @rule(name=NAMES, at=AT_WORK, unheard_of=st.booleans())
    def dies(self, name: str, at: int, unheard_of: bool) -> None:
        """In its connection, or in one whose birth nobody heard."""
        self.works(name, at)
        self.agents[name].connection += unheard_of
        self._dies(name)

    @rule(name=NAMES, at=AT_WORK, replaced=st.booleans(), comes_back=st.booleans())
    def is_silent_for_long(self, name: str, at: int, replaced: bool, comes_back: bool) -> None:
        """Others may print what it was given, before it comes back with that."""
        self.works(name, at)
        self._dies(name)
        self.office.now[0] += 1000
        self.conversation.sweep()
        self._note_doubts()
        if replaced:
            self.works("ben" if name == "anna" else "anna", at)
        if comes_back:
            self.agents[name].connection += 1
            self._born(name)
            self._gets_on(name, 6)

    @rule(name=NAMES, at=AT_WORK, new_disk=st.sampled_from([False, False, True]))
    def is_born(self, name: str, at: int, new_disk: bool) -> None:
        self.works(name, at)
        agent = self.agents[name]
        agent.connection += 1
        if new_disk:
            agent.epoch = f"{int(agent.epoch, 16) + 1:032x}"
            agent.connection, agent.seq, agent.counter = 1, 0, 0
        self._born(name)

    # ── time and the coordinator ──────────────────────────────────────────────────────────────────────────

    @rule(seconds=st.sampled_from([1.0, 56.0, 58.0, 61.0, 950.0]))
    def time_passes(self, seconds: float) -> None:
        self.office.now[0] += seconds
        self.conversation.sweep()
        self.conversation.plan()

    @rule(heard=st.booleans())
    def the_coordinator_is_restarted(self, heard: bool) -> None:
        self.conversation.lose_touch()
        for name, agent in self.agents.items():
            was_there, self.online[name] = self.online[name], False
            if heard and was_there:
                agent.is_born()
                self.online[name] = True
        self.conversation.plan()

    # ── people ────────────────────────────────────────────────────────────────────────────────────────────

    @initialize(quantity=st.integers(4, 12))
    def somebody_is_in_need(self, quantity: int) -> None:
        self.files(quantity, 5)

    @rule(quantity=st.integers(1, 12), priority=st.integers(0, 9))
    def files(self, quantity: int, priority: int) -> None:
        if len(self.tokens) < 8:
            need, token = self.office.needs(quantity, hospital=self.hospital, priority=priority)
            self.tokens[need.id] = token
            self.conversation.plan()

    @precondition(lambda self: len(self.tokens) > 1)
    @rule(which=st.integers(0, 6))
    def withdraws(self, which: int) -> None:
        """Never the newest need, so that there is something to print."""
        with contextlib.suppress(Problem, IndexError):
            self.desk.cancel_need(list(self.tokens)[:-1][which], by="carl")

    @rule(bad=st.integers(0, 3), units=st.none() | st.integers(0, 4))
    def count_collect_and_pack(self, bad: int, units: int | None) -> None:
        for lot in self.desk.attempts():
            if lot.state is State.CLEARED:
                scrapped = min(bad, lot.count)
                self.desk.inspect(lot.id, good=lot.count - scrapped, scrapped=scrapped, by="ines")
            if self.desk.need(lot.need).uncollected.get(lot.id):
                self.desk.collect(lot.id, by="carl")
        for need in self.tokens:
            with contextlib.suppress(Problem):
                self.desk.pack(need, units=units, by="paul")
        self.conversation.plan()

    @rule(missing=st.integers(0, 4))
    def send_and_sign(self, missing: int) -> None:
        for need, token in self.tokens.items():
            for parcel in self.desk.need(need).parcels:
                if parcel.sent is None:
                    self.desk.send(parcel.id, by="paul")
                elif parcel.received is None:
                    arrived = max(0, parcel.units - missing)
                    self.desk.receive(token, parcel.id, units=arrived, signed_by="sister Agnes")

    @rule(lot=st.integers(0, 50))
    def rules_on_a_lot(self, lot: int) -> None:
        known = [each for each in self.desk.attempts() if each.state is State.SUSPECT]
        if known:
            self.desk.write_off(known[lot % len(known)].id, by="carl", why="the maker found an empty bed")

    # ── what must hold ────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def the_ledger_balances(self) -> None:
        assert self.desk.ledger().objections == []

    @invariant()
    def only_what_came_back_is_too_much(self) -> None:
        self._note_doubts()
        known = self.desk.attempts()
        for view in self.desk.needs():
            back = sum(each.count for each in known if each.need == view.need.id and each.id in self.doubted)
            assert view.progress.surplus <= back
            assert view.progress.needed == 0 or view.need.cancelled is None

    @invariant()
    def a_printer_has_one_plate_and_a_nonce_one_attempt(self) -> None:
        known = self.desk.attempts()
        beds = [(each.agent, each.printer) for each in known if each.state in ON_A_BED]
        assert len(beds) == len(set(beds))
        nonces = [each.nonce for each in known]
        assert len(nonces) == len(set(nonces))

    def _post(self, agent: str, message: Down) -> None:
        """What is granted had just been asked for, by a printer whose agent is there."""
        self.office.posted.append((agent, message))
        if isinstance(message, Grant):
            nonce, until = self.asking.pop(agent)
            [granted] = [each for each in self.desk.attempts() if each.nonce == nonce]
            assert granted.agent == agent
            assert self.online[agent]
            assert granted.granted <= until - MARGIN

    def _note_doubts(self) -> None:
        self.doubted |= {each.id for each in self.desk.attempts() if each.state is State.SUSPECT}

    # ── how it is said ────────────────────────────────────────────────────────────────────────────────────

    def _attempts(self, name: str, *, over: bool = False) -> list[Attempt]:
        return [each for each in self.desk.attempts() if each.agent == name and (over or TABLE[each.state])]

    def _was_used(self, name: str, epoch: str) -> bool:
        reported = any(
            who == name and isinstance(said, Report) and said.epoch == epoch and said.events[0].seq == 1
            for who, said in self.said
        )
        return reported or any(each.epoch == epoch for each in self._attempts(name, over=True))

    def _on_its_bed(self, name: str) -> tuple[str, ...]:
        return tuple(each.id for each in self._attempts(name) if each.state in ON_A_BED)

    def _asks(self, name: str, *, holds: bool = True, ahead: int = 0, window: float = 86_400) -> None:
        agent = self.agents[name]
        agent.counter += 1
        nonce = f"{name}-{agent.epoch[-6:]}-{agent.counter:08}"
        held = self._on_its_bed(name) if holds else ()
        self._ready(name, nonce, held=held, ahead=ahead, window=window)

    def _gets_on(self, name: str, steps: int) -> None:
        for attempt in self._attempts(name)[:1]:
            done = ORDER.index(attempt.state) if attempt.state in ORDER else 4
            self._report(name, attempt.id, WELL[done : done + steps], 0)

    def _dies(self, name: str) -> None:
        agent = self.agents[name]
        self._says(name, Presence(online=False, connection=agent.connection, epoch=agent.epoch))
        self.online[name] = False
        self.asking.pop(name, None)

    def _born(self, name: str) -> None:
        self.agents[name].is_born()
        self.said.append(
            (
                name,
                Presence(online=True, connection=self.agents[name].connection, epoch=self.agents[name].epoch),
            )
        )
        self.online[name] = True
        self.asking.pop(name, None)

    def _ready(
        self, name: str, nonce: str, *, held: tuple[str, ...], ahead: int, window: float, fresh: bool = True
    ) -> None:
        agent = self.agents[name]
        ready = Ready(
            printer="one",
            nonce=nonce,
            counter=agent.counter,
            lifetime=LIFETIME,
            window=window,
            material="petg",
            epoch=agent.epoch,
            seq=agent.seq + ahead,
            held=held,
        )
        if fresh:
            self.asking[name] = nonce, self.office.now[0] + LIFETIME + 1
        self._says(name, ready)

    def _report(self, name: str, attempt: str, steps: list[Step], gap: int) -> None:
        agent, events = self.agents[name], list[Event]()
        for number, step in enumerate(steps, agent.seq + 1 + gap):
            events.append(Event(seq=number, attempt=attempt, step=step, at=0))
        if not events:
            return
        if not gap:
            agent.seq += len(events)
        self._says(name, Report(epoch=agent.epoch, events=tuple(events)))

    def _says(self, name: str, message: Ready | Report | Presence) -> None:
        self.said.append((name, message))
        self.agents[name].says(message)


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
