"""What a run leaves behind, as plain data for the checker; and how it is read."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.pool import NullPool

from tests.chaos import diary
from tests.chaos.mortal import lays
from tests.chaos.printer import BORN


@dataclass(slots=True)
class Run:
    """One time that a printer went from homing through a file. `laid` counts commands that put plastic down."""

    began: float
    last: float
    laid: int = 0
    headless: bool = False
    """It moved without having been homed since it was switched on."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A row of the coordinator's."""

    id: str
    need: str
    agent: str
    nonce: str
    count: int
    state: str
    good: int | None = None
    scrapped: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the coordinator's."""

    agent: str
    epoch: str
    seq: int
    attempt: str
    step: str
    applied: bool


@dataclass(frozen=True, slots=True)
class Movement:
    """A row of the coordinator's."""

    need: str
    lot: str
    source: str
    target: str
    units: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The coordinator's database at one moment."""

    attempts: list[Attempt] = field(default_factory=list[Attempt])
    events: list[Event] = field(default_factory=list[Event])
    movements: list[Movement] = field(default_factory=list[Movement])
    needs: dict[str, int] = field(default_factory=dict[str, int])
    """What each need that is not withdrawn asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All of a run. `before` are the books as they were read before all else, `after` after it.

    `diaries` are agents' notes and `runs` their printers', by agent; `ruled` the attempts that a person wrote off;
    `finals` the final states that were seen earlier. `lacking` is what hospitals still wait for, and `ledger` what
    `muster ledger` objects to; both once all is over (`settled`).
    """

    before: Books = field(default_factory=Books)
    after: Books = field(default_factory=Books)
    diaries: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    runs: dict[str, list[Run]] = field(default_factory=dict[str, list[Run]])
    ruled: set[str] = field(default_factory=set[str])
    finals: dict[str, str] = field(default_factory=dict[str, str])
    settled: bool = False
    lacking: dict[str, int] = field(default_factory=dict[str, int])
    ledger: list[str] = field(default_factory=list[str])
    short: dict[str, int] = field(default_factory=dict[str, int])
    forgotten: dict[str, Attempt] = field(default_factory=dict[str, Attempt])
    """What the coordinator had committed when an older back-up took its place."""
    restores: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """Since when the coordinator had forgotten all, and when it was back without it."""
    lost_disks: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    deaths: list[str] = field(default_factory=list[str])
    """Processes that ended by a mistake of their own."""


class MotionLog:
    """Reads a printer's log as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""
        self._homed = False
        self.runs: list[Run] = []

    def read(self) -> list[Run]:
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
            self._offset += len(data)
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                moment, _, command = line.decode().partition(" ")
                self.take(float(moment), command)
        return self.runs

    def take(self, moment: float, command: str) -> None:
        """One line."""
        if command == BORN:
            self._homed = False
            return
        if command.startswith("G28"):
            self._homed = True
            self.runs.append(Run(moment, moment))
            return
        if not self._homed and not (self.runs and self.runs[-1].headless):
            self.runs.append(Run(moment, moment, headless=True))
        run = self.runs[-1]
        run.last = moment
        run.laid += lays(command)


class DiaryLog:
    """Reads a diary as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.notes: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        new, self._offset = diary.read_from(self._path, self._offset)
        self.notes += new
        return self.notes


class Database:
    """Looks into the coordinator's database from outside."""

    def __init__(self, url: str) -> None:
        made = make_url(url)
        options: dict[str, Any] = (
            {"timeout": 3} if made.get_backend_name() == "sqlite" else {"connect_timeout": 3}
        )
        self._engine = create_engine(made, poolclass=NullPool, connect_args=options)
        if made.get_backend_name() == "sqlite":
            event.listen(self._engine, "connect", _whole)

    def read(self) -> Books:
        """One consistent look.

        Raises:
            DBAPIError: it does not answer now.
        """
        with self._engine.connect() as tx:
            if self._engine.dialect.name == "sqlite":
                tx.exec_driver_sql("BEGIN")
            else:
                tx.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            attempts = tx.execute(
                text("select id, need, agent, nonce, count, state, good, scrapped from attempt")
            ).all()
            events = tx.execute(text("select agent, epoch, seq, attempt, step, applied from event")).all()
            moves = tx.execute(
                text("select need, lot, source, target, units, cause from movement order by id")
            ).all()
            needs = tx.execute(text("select id, quantity from need where cancelled is null")).all()
        return Books(
            attempts=[Attempt(*row) for row in attempts],
            events=[Event(*row[:5], applied=bool(row[5])) for row in events],
            movements=[Movement(*row) for row in moves],
            needs={row[0]: row[1] for row in needs},
        )


def _whole(connection: Any, _record: object) -> None:
    connection.isolation_level = None


_BUGS = rb"a bug in thread .*|AssertionError.*"
_REFUSED = rb"^.*(?:IntegrityError|RaiseException|CheckViolation|UniqueViolation)[):].*"


def bugs(log: Path) -> list[str]:
    """What a process said of mistakes of its own."""
    return _found(log, _BUGS)


def refused(log: Path) -> list[str]:
    """What the database had to refuse: nothing should ever be asked of it that goes against its constraints."""
    return _found(log, _REFUSED)


def _found(log: Path, pattern: bytes) -> list[str]:
    if not log.exists():
        return []
    return sorted(
        {each.decode(errors="replace") for each in re.findall(pattern, log.read_bytes(), re.MULTILINE)}
    )
