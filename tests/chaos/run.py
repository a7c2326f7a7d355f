"""One run: set the stage, let the nemesis loose on it, calm down, and judge."""

import json
import shutil
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError

from coordinator.client import CoordinatorUnavailable, RequestRefused
from tests.chaos import diary, faults
from tests.chaos.checker import Violation, check, completed
from tests.chaos.diary import Diary
from tests.chaos.history import Attempt, Books, Database, DiaryLog, History, MotionLog, bugs, refused
from tests.chaos.nemesis import Nemesis
from tests.chaos.people import People
from tests.chaos.recovery import recoveries
from tests.chaos.stage import Stage
from wire.lifecycle import FINAL

JUDGE_EVERY = 8.0
SETTLE = 240.0
"""Seconds after the last fault within which every need must be met."""
PASSES_WITH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a person may choose."""

    seed: int
    seconds: float
    rate: float
    agents: int
    speed: float
    database: str
    broker: str
    kinds: tuple[str, ...]
    plant: str | None
    directory: Path
    keep: bool
    mounts: bool
    quiet: bool
    settle: float = SETTLE


@dataclass(slots=True, kw_only=True)
class Result:
    """The run in figures."""

    seed: int
    database: str
    broker: str
    agents: int
    plant: str | None
    seconds: float = 0.0
    faults: dict[str, int] = field(default_factory=dict[str, int])
    attempts: int = 0
    starts: int = 0
    made: int = 0
    needs: int = 0
    rulings: int = 0
    settled_after: float = 0.0
    recovery_median: float = 0.0
    recovery_worst: float = 0.0
    recovery_worst_kind: str = ""
    recovery_samples: int = 0
    stillest: float = 0.0
    """The longest time, in seconds and while there were faults, in which nobody started anything."""
    by_state: dict[str, int] = field(default_factory=dict[str, int])
    violations: list[str] = field(default_factory=list[str])
    found_after: float | None = None
    """Seconds from the first fault to the first violation."""
    found_after_faults: int | None = None
    kept: str = ""


class Chaos:
    """All of one run."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._result = Result(
            seed=options.seed,
            database=options.database,
            broker=options.broker,
            agents=options.agents,
            plant=options.plant,
        )
        self._stage = Stage(
            options.directory,
            options.agents,
            database=options.database,
            broker=options.broker,
            speed=options.speed,
            seed=options.seed,
            plant=options.plant,
            mounts=options.mounts,
        )
        self._diary = Diary(options.directory / "nemesis.jsonl")
        self._people_diary = Diary(options.directory / "people.jsonl")
        self._motion = {maker.name: MotionLog(maker.printed) for maker in self._stage.makers}
        self._notes = {maker.name: DiaryLog(maker.diary) for maker in self._stage.makers}
        self._finals: dict[str, str] = {}
        self._forgotten: dict[str, Attempt] = {}
        self._restorations = 0
        """How often one began or ended."""
        self._found: list[Violation] = []
        self._began = time.monotonic()

    def run(self) -> Result:
        """Returns when all processes have ended."""
        people: People | None = None
        try:
            self._say("starting …")
            self._stage.start()
            people = People(self._stage, self._people_diary, self._options.seed, self._lies_there)
            self._stage.join(people.invites(self._options.agents))
            people.start()
            self._wait(lambda: self._starts() > 0, 90, "nothing was printed before the first fault")
            self._torment(people)
            self._settle(people)
        finally:
            if people is not None:
                people.stop()
            self._stage.close()
        assert people is not None
        self._tell(people)
        return self._result

    # ── its parts ─────────────────────────────────────────────────────────────────────────────────────────

    def _torment(self, people: People) -> None:
        options = self._options
        kinds = [name for name in options.kinds if self._can(name)]
        names = [maker.name for maker in self._stage.makers]
        plan = faults.plan(options.seed, options.seconds, options.rate, names, kinds)
        (options.directory / "plan.json").write_text(
            json.dumps([[each.at, each.kind, each.target, each.lasts, each.dice] for each in plan])
        )
        nemesis = Nemesis(self._stage, self._diary)
        nemesis.forget = self._forget
        began = time.monotonic()
        self._began = began
        work = threading.Thread(target=nemesis.carry_out, args=(plan,), name="nemesis")
        work.start()
        judged = moved = time.monotonic()
        starts = self._starts()
        try:
            while work.is_alive():
                work.join(0.5)
                if (count := self._starts()) != starts:
                    starts, moved = count, time.monotonic()
                self._result.stillest = max(self._result.stillest, round(time.monotonic() - moved, 1))
                if time.monotonic() - judged >= JUDGE_EVERY:
                    judged = time.monotonic()
                    self._judge(people)
                    struck = sum(nemesis.struck.values())
                    self._say(
                        f"{judged - began:5.0f} s  {struck}/{len(plan)} faults  {starts} starts "
                        f" {len(self._found)} violations"
                    )
                    if self._found and self._result.found_after is None:
                        self._result.found_after = round(judged - began, 1)
                        self._result.found_after_faults = struck
                        nemesis.halt()
        finally:
            nemesis.halt()
            work.join()
        self._result.faults = dict(sorted(nemesis.struck.items()))
        self._result.seconds = round(time.monotonic() - began, 1)

    def _settle(self, people: People) -> None:
        """Faults are over: now everything has to come to its end by itself, and by what people are there for."""
        self._stage.mqtt.calm()
        self._stage.web.calm()
        for control in (self._stage.control, *(maker.control for maker in self._stage.makers)):
            control.shift(0.0)
            control.arm(0, 0)
        people.ask_no_more()
        began = time.monotonic()
        told = began
        lacking: dict[str, int] = {"?": 0}
        open_ = -1
        while time.monotonic() - began < self._options.settle and not self._found:
            try:
                lacking = people.lacking()
                books = Database(self._stage.database_url).read()
                open_ = sum(each.state not in FINAL for each in books.attempts)
                if not lacking and open_ == 0:
                    break
            except (CoordinatorUnavailable, RequestRefused, DBAPIError):
                pass
            if time.monotonic() - told > 10:
                told = time.monotonic()
                self._say(f"  settling: {sum(lacking.values())} units lacking, {open_} attempts open")
                self._judge(people)
            time.sleep(0.5)
        self._result.settled_after = round(time.monotonic() - began, 1)
        if self._found:
            return
        objections: list[str] = []
        try:
            objections = people._office.ledger().objections
        except (CoordinatorUnavailable, RequestRefused) as error:
            objections = [f"can't be asked: {error}"]
        self._judge(people, settled=True, lacking=lacking, ledger=objections)

    def _forget(self, begins: bool) -> None:
        """The coordinator is restored from a back-up (`begins`), or was: what it knew before it may forget."""
        self._restorations += 1
        if begins:
            books = Database(self._stage.database_url).read()
            self._forgotten |= {each.id: each for each in books.attempts}
        else:
            self._finals = {}

    def _judge(self, people: People, **end: Any) -> None:
        restorations = self._restorations
        try:
            history = self._history(people, **end)
        except DBAPIError:
            if end:
                raise
            return  # struck just now: next time
        if restorations % 2 or restorations != self._restorations:
            return  # another database by now, or soon
        for each in history.after.attempts:
            if each.state in FINAL:
                self._finals.setdefault(each.id, each.state)
        known = set(self._found)
        for each in check(history):
            if each not in known:
                self._found.append(each)
                self._say(f"VIOLATION {each}")

    def _history(self, people: People, **end: Any) -> History:
        database = Database(self._stage.database_url)
        before = database.read()
        runs = {name: list(log.read()) for name, log in self._motion.items()}
        diaries = {name: list(log.read()) for name, log in self._notes.items()}
        ruled = {
            note["attempt"]
            for note in diary.read(self._options.directory / "people.jsonl")
            if note["what"] == "ruled"
        }
        struck = diary.read(self._options.directory / "nemesis.jsonl")
        lost_disks: dict[str, list[float]] = {}
        for note in struck:
            if note["what"] == "lost-disk":
                lost_disks.setdefault(note["agent"], []).append(note["t"])
        self._books = database.read()
        return History(
            before=before,
            after=self._books,
            diaries=diaries,
            runs=runs,
            ruled=ruled,
            finals=dict(self._finals),
            forgotten=dict(self._forgotten),
            restores=[(note["to"], note["t"]) for note in struck if note["what"] == "restored"],
            lost_disks=lost_disks,
            deaths=self._deaths(),
            **end,
        )

    def _lies_there(self, attempt: str) -> bool:
        runs = {name: list(log.runs) for name, log in self._motion.items()}
        diaries = {name: list(log.notes) for name, log in self._notes.items()}
        return attempt in completed(History(runs=runs, diaries=diaries))

    def _deaths(self) -> list[str]:
        found = [
            f"{note['proc']} ended with {note['code']}"
            for note in diary.read(self._options.directory / "stage.jsonl")
            if note["what"] == "ended" and note["code"] == 1 and not note["proc"].startswith("coordinator")
        ]
        log = self._stage.coordinator.log
        found += [f"coordinator: {line}" for line in (*bugs(log), *refused(log))]
        for maker in self._stage.makers:
            found += [f"{maker.name}: {line}" for line in bugs(maker.home / "agent.log")]
        return found

    def _can(self, kind: str) -> bool:
        on = faults.BY_NAME[kind].on
        if on == faults.DATABASE:
            return self._stage.postgres is not None
        if kind in ("full-disk", "coordinator-disk"):
            return self._stage.mounts
        return True

    def _starts(self) -> int:
        return sum(len(log.read()) for log in self._motion.values())

    def _wait(self, done: Callable[[], bool], seconds: float, why: str) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{why}: see {self._options.directory}")
            time.sleep(0.2)

    def _say(self, line: str) -> None:
        if not self._options.quiet:
            sys.stderr.write(f"{line}\n")

    def _tell(self, people: People) -> None:
        result, folder = self._result, self._options.directory
        books: Books = self._books
        result.starts = self._starts()
        result.attempts = len(books.attempts)
        for each in books.attempts:
            result.by_state[each.state] = result.by_state.get(each.state, 0) + 1
        history = History(
            after=books,
            runs={name: log.runs for name, log in self._motion.items()},
            diaries={name: log.read() for name, log in self._notes.items()},
        )
        counts = {each.id: each.count for each in books.attempts}
        result.made = sum(counts.get(attempt, 0) for attempt in completed(history))
        result.needs, result.rulings = len(people.memory.needs), people.rulings
        struck = [note for note in diary.read(folder / "nemesis.jsonl") if note["what"] == "fault"]
        centre = diary.read(self._stage.coordinator_diary)
        samples = recoveries(struck, centre, history.diaries, time.monotonic())
        if samples:
            result.recovery_median = round(statistics.median(seconds for seconds, _ in samples), 2)
            worst, result.recovery_worst_kind = max(samples)
            result.recovery_worst, result.recovery_samples = round(worst, 2), len(samples)
        result.violations = [str(each) for each in self._found]
        if self._found or self._options.keep:
            result.kept = str(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
