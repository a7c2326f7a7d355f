"""The agent's durable memory: what it took on, what happened, and which beds are clear.

Every step is one transaction, committed (and synced to the disk) before the act that it announces. A power
cut at any moment leaves the last committed step, never half of one. Two processes may use one journal: the
agent that runs and its command line.
"""

import contextlib
import secrets
import sqlite3
import threading
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from msgspec import Struct

from agent.errors import OwnerError
from wire.errors import RemoteError
from wire.lifecycle import FINAL, State, Step, advance
from wire.manifest import Manifest, Signed
from wire.messages import Blame, Event, Holding, text

VERSION = 4
KEPT = 2000
"""Attempts that are over and told, and kept all the same with their events: a coordinator that was restored from a
back-up may ask for them again."""
RUNNING = 2
"""Prints that fail one after the other until the printer rests."""
BEFORE_MOTION = frozenset({State.GRANTED, State.FETCHING, State.CHECKED})
IN_MOTION = frozenset({State.STARTING, State.PRINTING, State.PAUSED})
"""The states in which the printer may be moving for an attempt."""
OVER = FINAL | {State.CLEARED}
"""The states that ask nothing more of this agent."""

_SCHEMA = """
create table fact (name text primary key, value) without rowid;
create table attempt (
    id text primary key, printer text not null, state text not null, over integer not null,
    body blob not null, key text not null, signature blob not null, taken real not null,
    number integer not null
) without rowid;
create index attempt_open on attempt (over, printer);
create table event (
    seq integer primary key, attempt text not null, step text not null, at real not null, why text not null,
    blame text not null
);
create table bed (printer text primary key, clear integer not null) without rowid;
create table stop (attempt text primary key, how text not null) without rowid;
create table offer (
    id text primary key, printer text not null, body blob not null, heard real not null, until real not null,
    answer text not null, why text not null
) without rowid;
create table refusal (id integer primary key, at real not null, printer text not null, what text not null)
"""
_FROM = {
    1: """
alter table attempt add column number integer not null default 0;
update attempt set number = (
    select count(*) from attempt as earlier where (earlier.taken, earlier.id) <= (attempt.taken, attempt.id)
);
create table stop (attempt text primary key, how text not null) without rowid
""",
    2: """
alter table event add column blame text not null default 'nobody';
insert into fact select 'acked', coalesce(
    (select min(seq) - 1 from event), (select value from fact where name = 'seq')
);
insert into fact select 'told', value from fact where name = 'acked'
""",
    3: """
create table if not exists offer (
    id text primary key, printer text not null, body blob not null, heard real not null, until real not null,
    answer text not null, why text not null
) without rowid;
create table if not exists refusal (id integer primary key, at real not null, printer text not null, what text not null)
""",
}
_SPANS = """
select event.attempt, event.step, event.at from event join attempt on attempt.id = event.attempt
where attempt.printer = ? and event.step in ('start', 'finish', 'fail', 'cancel') order by event.seq
"""
_COLUMNS = "select id, printer, state, body, key, signature, taken from attempt"
_BY_NAME = f"{_COLUMNS} where id = ?"
# By our own number: a clock that was set back must not make an older attempt the latest.
_BY_PRINTER_OPEN = f"{_COLUMNS} where over = 0 and printer = ? order by number desc limit 1"
_BY_PRINTER_LAST = f"{_COLUMNS} where printer = ? order by number desc limit 1"
_OPEN = f"{_COLUMNS} where over = 0 order by number"
# An attempt's number is that of its first event, so that both go from the oldest on and leave no gap.
_KEPT_FROM = """
select min(number) from (
    select number from attempt where over = 0
    union all select coalesce((select number from attempt order by number desc limit 1 offset ?), 0)
    union all select value + 1 from fact where name = 'acked'
)
"""
_PRUNE = """
delete from attempt where over = 1 and number < ?
    and number < (select max(number) from attempt as later where later.printer = attempt.printer)
"""
# What was refused or cancelled says nothing of the printer.
_LAST_PRINTS = """
select number, state from attempt where printer = ? and over = 1 and state not in ('refused', 'cancelled')
order by number desc limit ?
"""


class JournalError(OwnerError):
    """The journal can't be read or written, or what was asked of it is not so. Says what to do."""


class Stop(StrEnum):
    """How its owner wants an attempt to end."""

    CANCEL = "cancel"
    GIVE_UP = "give-up"
    """Cancel; and where the printer can't be reached, count it as failed all the same."""


class Attempt(Struct, frozen=True):
    """An attempt as the journal holds it; `signed` are the exact bytes that the coordinator signed."""

    id: str
    printer: str
    state: State
    signed: Signed
    taken: float


class Journal:
    """The journal in one SQLite file; safe to share between threads.

    Raises, as does every method:
        JournalError: the file is not ours, is damaged, or its disk is full.
    """

    def __init__(self, path: Path, *, kept: int = KEPT) -> None:
        """`kept` attempts that are over stay, at least."""
        self._lock = threading.RLock()
        self._path = path
        self._kept = kept
        try:
            self._db = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise JournalError(f"can't open the journal {path}: {error}") from error
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise
        self.epoch: str = self._fact("epoch")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    # ── attempts and their events ─────────────────────────────────────────────────────────────────────────

    def take(
        self,
        manifest: Manifest,
        signed: Signed,
        step: Step,
        at: float,
        why: str = "",
        blame: Blame = Blame.NOBODY,
    ) -> bool:
        """Enter a granted attempt with its first step (FETCH or REFUSE); False if it was here before.

        Raises:
            RemoteError: the printer has another attempt that is not over, or has had a newer manifest.
        """
        with self._transaction() as db:
            had = db.execute("select 1 from attempt where id = ?", (manifest.attempt,)).fetchone()
            if not had and manifest.sequence <= self._number(db, f"sequence/{manifest.printer}"):
                raise RemoteError(
                    "sequence", f"{manifest.attempt} is older than what {manifest.printer} was granted last"
                )
            entered = db.execute(
                "insert into attempt values (?, ?, ?, 0, ?, ?, ?, ?, ?) on conflict do nothing",
                (
                    manifest.attempt,
                    manifest.printer,
                    State.GRANTED,
                    signed.body,
                    signed.key,
                    signed.signature,
                    at,
                    self._number(db, "seq") + 1,
                ),
            ).rowcount
            open_ = db.execute(
                "select id from attempt where over = 0 and printer = ? and id <> ?",
                (manifest.printer, manifest.attempt),
            ).fetchone()
            if entered and open_:
                raise RemoteError("occupied", f"{manifest.printer} has {open_[0]}, which is not over")
            if entered:
                self._set(db, f"sequence/{manifest.printer}", manifest.sequence)
                self._step(db, manifest.attempt, step, at, why, blame)
        return bool(entered)

    def record(
        self, attempt: str, step: Step, at: float, why: str = "", blame: Blame = Blame.NOBODY
    ) -> State:
        """Commit one step of an attempt, and return its new state.

        START needs the printer's bed to be clear, and marks it as not clear, in the same transaction.

        Raises:
            JournalError: a start on a bed that is not clear.
            RemoteError: the table of states has no such step from where the attempt is.
        """
        with self._transaction() as db:
            return self._step(db, attempt, step, at, why, blame)

    def attempt(self, name: str) -> Attempt | None:
        """The attempt of this name, if it was ever here."""
        return self._attempt(_BY_NAME, name)

    def current(self, printer: str) -> Attempt | None:
        """The attempt of a printer that is not over."""
        return self._attempt(_BY_PRINTER_OPEN, printer)

    def latest(self, printer: str) -> Attempt | None:
        """The attempt that this printer took last, over or not."""
        return self._attempt(_BY_PRINTER_LAST, printer)

    def why(self, attempt: str) -> str:
        """What was said of an attempt's last step, for its owner."""
        with self._reading() as db:
            row = db.execute(
                "select why from event where attempt = ? order by seq desc limit 1", (attempt,)
            ).fetchone()
        return str(row[0]) if row else ""

    def open(self) -> tuple[Attempt, ...]:
        """Every attempt that is not over, of whatever printer, the oldest first."""
        with self._reading() as db:
            return tuple(_attempt(row) for row in db.execute(_OPEN).fetchall())

    def held(self) -> tuple[int, tuple[str, ...]]:
        """The number of the last event, and all attempts that were not over then."""
        with self._transaction() as db:
            return self._number(db, "seq"), self._held(db)

    def holding(self, counter: int) -> Holding:
        """What is held, as far as it answers readies up to `counter`.

        The caller must have read the counter, and left out the readies that may still be answered, before this.
        """
        with self._transaction() as db:
            return Holding(
                counter=counter,
                seq=self._number(db, "seq"),
                acked=self._number(db, "acked"),
                held=self._held(db),
            )

    def events(self, after: int = 0, limit: int = 100) -> tuple[Event, ...]:
        """The events that the coordinator has not acknowledged, from the one behind number `after` on."""
        with self._reading() as db:
            rows = db.execute(
                "select seq, attempt, step, at, why, blame from event"
                " where seq > max(?, (select value from fact where name = 'acked')) order by seq limit ?",
                (after, limit),
            ).fetchall()
        return tuple(
            Event(seq=seq, attempt=attempt, step=Step(step), at=at, why=why, blame=Blame(blame))
            for seq, attempt, step, at, why, blame in rows
        )

    def unheard(self) -> int:
        """How many events the coordinator has not acknowledged."""
        with self._reading() as db:
            return self._number(db, "seq") - self._number(db, "acked")

    def told(self) -> int:
        """The last event that the coordinator ever acknowledged; it may have forgotten it since."""
        with self._reading() as db:
            return self._number(db, "told")

    def since(self) -> int:
        """The last event that is kept no more."""
        with self._reading() as db:
            first = db.execute("select min(seq) from event").fetchone()[0]
            return self._number(db, "seq") if first is None else first - 1

    def acknowledge(self, epoch: str, seq: int) -> bool:
        """The coordinator has committed the events up to `seq`; False if that can't be.

        A number that we never gave, in our own epoch, means that this journal is older than what the
        coordinator heard: somebody restored an old copy.
        """
        with self._transaction() as db:
            if epoch != self.epoch:
                return True
            if seq > self._number(db, "seq"):
                return False
            if seq > self._number(db, "acked"):
                self._set(db, "acked", seq)
                self._set(db, "told", max(seq, self._number(db, "told")))
                self._prune(db)
        return True

    def recall(self, epoch: str, seq: int) -> bool:
        """The coordinator has forgotten all behind `seq`: it is not acknowledged any more. Whether that is news."""
        with self._transaction() as db:
            if epoch != self.epoch or seq >= self._number(db, "acked"):
                return False
            self._set(db, "acked", seq)
        return True

    # ── what its owner wants ──────────────────────────────────────────────────────────────────────────────

    def ask_stop(self, printer: str, how: Stop) -> Attempt:
        """The owner wants the attempt of a printer ended.

        Its runner does it, and tells the printer again until it has stopped, also after a restart. Who gave up does
        not take that back by cancelling.

        Raises:
            JournalError: there is nothing to stop.
        """
        with self._transaction() as db:
            row = db.execute(_BY_PRINTER_OPEN, (printer,)).fetchone()
            attempt = _attempt(row) if row else None
            if attempt is None or attempt.state is State.PRINTED:
                raise JournalError(f"{printer} has nothing to stop")
            db.execute(
                "insert into stop values (?, ?) on conflict do update set how = excluded.how where how <> ?",
                (attempt.id, how, Stop.GIVE_UP),
            )
        return attempt

    def stop_asked(self, attempt: str) -> Stop | None:
        """Whether, and how, the owner wants this attempt ended."""
        with self._reading() as db:
            row = db.execute("select how from stop where attempt = ?", (attempt,)).fetchone()
        return Stop(row[0]) if row else None

    def rests(self, printer: str) -> bool:
        """Whether it was stopped for safety, or failed so often running, that its owner must look at it first."""
        with self._reading() as db:
            rows = db.execute(_LAST_PRINTS, (printer, RUNNING)).fetchall()
            looked = self._number(db, f"looked/{printer}")
            stopped = self._number(db, f"stopped/{printer}")
        if stopped > looked:
            return True
        return len(rows) == RUNNING and all(
            number > looked and state == State.FAILED for number, state in rows
        )

    def stop_for_safety(self, printer: str) -> None:
        """It takes no work from now on, until its owner has looked at it."""
        with self._transaction() as db:
            self._set(db, f"stopped/{printer}", self._number(db, "seq"))

    def look(self, printer: str) -> None:
        """Its owner has looked at it: what failed before counts no more."""
        with self._transaction() as db:
            self._set(db, f"looked/{printer}", self._number(db, "seq"))

    def prints(self, printer: str, now: float) -> tuple[tuple[float, float], ...]:
        """From when to when it was at work on each attempt that is known here yet, pauses and all.

        One that runs was so until `now`. Times are wall-clock seconds, as the clock was set then.
        """
        with self._reading() as db:
            rows = db.execute(_SPANS, (printer,)).fetchall()
        begun: dict[str, float] = {}
        spans: list[tuple[float, float]] = []
        for attempt, step, at in rows:
            if step == Step.START:
                begun[attempt] = at
            elif attempt in begun:
                spans.append((begun.pop(attempt), at))
        return (*spans, *((began, now) for began in begun.values()))

    # ── beds and counters ─────────────────────────────────────────────────────────────────────────────────

    def bed_is_clear(self, printer: str) -> bool:
        """Whether a person said so since the last start; never for a printer that is new here."""
        with self._reading() as db:
            return self._bed_is_clear(db, printer)

    def clear_bed(self, printer: str, at: float, why: str = "") -> None:
        """A person says that the bed is empty; a printed attempt becomes cleared with it.

        Raises:
            JournalError: an attempt is in motion there.
        """
        with self._transaction() as db:
            rows = db.execute(
                "select id, state from attempt where over = 0 and printer = ?", (printer,)
            ).fetchall()
            for attempt, state in rows:
                if state != State.PRINTED:
                    raise JournalError(
                        f"{printer} is {state} {attempt}: its bed can't be clear before that ends"
                    )
                self._step(db, attempt, Step.CLEAR, at, why)
            self._set_bed(db, printer, clear=True)

    def occupy_bed(self, printer: str) -> None:
        """Something was seen to print there: the bed is not clear until a person says so again."""
        with self._transaction() as db:
            self._set_bed(db, printer, clear=False)

    def counter(self, counter: str) -> int:
        """The number that a counter gave last."""
        with self._reading() as db:
            return self._number(db, counter)

    def sequence(self, printer: str) -> int:
        """That of the last manifest that was taken for this printer."""
        return self.counter(f"sequence/{printer}")

    def rise(self, counter: str) -> int:
        """The next number of a counter ("connection", "ready") that never repeats one, whatever happens."""
        with self._transaction() as db:
            return self._rise(db, counter)

    def note(self, **facts: int) -> None:
        """Keep some numbers under their names; `counter` gives them back."""
        with self._transaction() as db:
            for name, value in facts.items():
                self._set(db, name, value)

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """For who keeps more in this file (`owner_word.py`): all that is done in it is committed, or nothing."""
        return self._transaction()

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """The same, to look only."""
        return self._reading()

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────

    def _prepare(self) -> None:
        try:
            # WAL lets the command line read while the agent writes; FULL syncs at each commit.
            self._db.execute("pragma journal_mode = wal").fetchone()
            self._db.execute("pragma synchronous = full")
        except sqlite3.Error as error:
            raise self._failure(error) from error
        with self._transaction() as db:
            version: int = db.execute("pragma user_version").fetchone()[0]
            if version > VERSION:
                raise JournalError(f"{self._path} was written by a newer muster-agent: update this one")
            if version == VERSION:
                return
            scripts = [_FROM[each] for each in range(version, VERSION)] if version else [_SCHEMA]
            for statement in ";".join(scripts).split(";"):
                db.execute(statement)
            if version == 0:
                db.execute(
                    "insert into fact values ('epoch', ?), ('seq', 0), ('acked', 0), ('told', 0)",
                    (secrets.token_hex(16),),
                )
            db.execute(f"pragma user_version = {VERSION}")

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("begin immediate")
                yield self._db
                self._db.execute("commit")
            except sqlite3.Error as error:
                raise self._failure(error) from error
            finally:
                if self._db.in_transaction:
                    with contextlib.suppress(sqlite3.Error):  # then the next one says what is wrong
                        self._db.rollback()

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise self._failure(error) from error

    def _failure(self, error: sqlite3.Error) -> JournalError:
        return JournalError(f"the journal {self._path} can't be used: {error}")

    def _step(
        self,
        db: sqlite3.Connection,
        attempt: str,
        step: Step,
        at: float,
        why: str,
        blame: Blame = Blame.NOBODY,
    ) -> State:
        row = db.execute("select state, printer from attempt where id = ?", (attempt,)).fetchone()
        if row is None:
            raise JournalError(f"no attempt {attempt} was ever taken here")
        state = advance(State(row[0]), step)
        if step == Step.START and not self._bed_is_clear(db, row[1]):
            raise JournalError(f"the bed of {row[1]} is not clear: nothing starts there")
        db.execute("update attempt set state = ?, over = ? where id = ?", (state, state in OVER, attempt))
        db.execute(
            "insert into event values (?, ?, ?, ?, ?, ?)",
            (self._rise(db, "seq"), attempt, step, at, text(why), blame),
        )
        if step == Step.START:
            self._set_bed(db, row[1], clear=False)
        if state in OVER:
            db.execute("delete from stop where attempt = ?", (attempt,))
        return state

    def _bed_is_clear(self, db: sqlite3.Connection, printer: str) -> bool:
        row = db.execute("select clear from bed where printer = ?", (printer,)).fetchone()
        return bool(row and row[0])

    def _set_bed(self, db: sqlite3.Connection, printer: str, *, clear: bool) -> None:
        db.execute(
            "insert into bed values (?, ?) on conflict do update set clear = excluded.clear", (printer, clear)
        )

    def _attempt(self, query: str, value: str) -> Attempt | None:
        with self._reading() as db:
            row = db.execute(query, (value,)).fetchone()
        return None if row is None else _attempt(row)

    def _fact(self, name: str) -> Any:  # a fact is a number or a text
        with self._reading() as db:
            return db.execute("select value from fact where name = ?", (name,)).fetchone()[0]

    def _number(self, db: sqlite3.Connection, name: str) -> int:
        row = db.execute("select value from fact where name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def _rise(self, db: sqlite3.Connection, counter: str) -> int:
        value = self._number(db, counter) + 1
        self._set(db, counter, value)
        return value

    def _set(self, db: sqlite3.Connection, name: str, value: int) -> None:
        db.execute(
            "insert into fact values (?, ?) on conflict do update set value = excluded.value", (name, value)
        )

    def _held(self, db: sqlite3.Connection) -> tuple[str, ...]:
        rows = db.execute("select id from attempt where over = 0 order by number")
        return tuple(row[0] for row in rows.fetchall())

    def _prune(self, db: sqlite3.Connection) -> None:
        """Forget the oldest of what is over and told, attempts and events alike."""
        first = db.execute(_KEPT_FROM, (self._kept,)).fetchone()[0]
        db.execute("delete from event where seq < ?", (first,))
        db.execute(_PRUNE, (first,))


def _attempt(row: tuple[Any, ...]) -> Attempt:
    name, printer, state, body, key, signature, taken = row
    return Attempt(name, printer, State(state), Signed(body, key, signature), taken)
