"""What the agent took on: one attempt a printer at a time, and those before it."""

from sqlite3 import Connection
from typing import Any

from msgspec import Struct

from agent.journal import counters, steps
from agent.journal.file import JournalFile
from wire.errors import RemoteError
from wire.lifecycle import State, Step
from wire.manifest import Manifest, Signed
from wire.messages import Blame, Holding

BEFORE_MOTION = frozenset({State.GRANTED, State.FETCHING, State.CHECKED})
IN_MOTION = frozenset({State.STARTING, State.PRINTING, State.PAUSED})
"""The states in which the printer may be moving for an attempt."""

_COLUMNS = "select id, printer, state, body, key, signature, taken from attempt"
_BY_NAME = f"{_COLUMNS} where id = ?"
# By our own number: a clock that was set back must not make an older attempt the latest.
_BY_PRINTER_OPEN = f"{_COLUMNS} where over = 0 and printer = ? order by number desc limit 1"
_BY_PRINTER_LAST = f"{_COLUMNS} where printer = ? order by number desc limit 1"
_OPEN = f"{_COLUMNS} where over = 0 order by number"
_SPANS = """
select event.attempt, event.step, event.at from event join attempt on attempt.id = event.attempt
where attempt.printer = ? and event.step in ('start', 'finish', 'fail', 'cancel') order by event.seq
"""


class JournalAttempt(Struct, frozen=True):
    """An attempt as the journal holds it; `signed` are the exact bytes that the coordinator signed."""

    id: str
    printer: str
    state: State
    signed: Signed
    taken: float


class Attempts:
    """The attempts of one journal."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

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
        with self._file.transaction() as db:
            had = db.execute("select 1 from attempt where id = ?", (manifest.attempt,)).fetchone()
            if not had and manifest.sequence <= counters.number(db, f"sequence/{manifest.printer}"):
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
                    counters.number(db, "seq") + 1,
                ),
            ).rowcount
            open_ = db.execute(
                "select id from attempt where over = 0 and printer = ? and id <> ?",
                (manifest.printer, manifest.attempt),
            ).fetchone()
            if entered and open_:
                raise RemoteError("occupied", f"{manifest.printer} has {open_[0]}, which is not over")
            if entered:
                counters.put(db, f"sequence/{manifest.printer}", manifest.sequence)
                steps.write(db, manifest.attempt, step, at, why, blame)
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
        with self._file.transaction() as db:
            return steps.write(db, attempt, step, at, why, blame)

    def named(self, name: str) -> JournalAttempt | None:
        """The attempt of this name, if it was ever here."""
        return self._find(_BY_NAME, name)

    def current(self, printer: str) -> JournalAttempt | None:
        """The attempt of a printer that is not over."""
        return self._find(_BY_PRINTER_OPEN, printer)

    def latest(self, printer: str) -> JournalAttempt | None:
        """The attempt that this printer took last, over or not."""
        return self._find(_BY_PRINTER_LAST, printer)

    def why(self, attempt: str) -> str:
        """What was said of an attempt's last step, for its owner."""
        with self._file.reading() as db:
            row = db.execute(
                "select why from event where attempt = ? order by seq desc limit 1", (attempt,)
            ).fetchone()
        return str(row[0]) if row else ""

    def open(self) -> tuple[JournalAttempt, ...]:
        """Every attempt that is not over, of whatever printer, the oldest first."""
        with self._file.reading() as db:
            return tuple(_attempt(row) for row in db.execute(_OPEN).fetchall())

    def held(self) -> tuple[int, tuple[str, ...]]:
        """The number of the last event, and all attempts that were not over then."""
        with self._file.transaction() as db:
            return counters.number(db, "seq"), _held(db)

    def holding(self, counter: int) -> Holding:
        """What is held, as far as it answers readies up to `counter`.

        The caller must have read the counter, and left out the readies that may still be answered, before this.
        """
        with self._file.transaction() as db:
            return Holding(
                counter=counter,
                seq=counters.number(db, "seq"),
                acked=counters.number(db, "acked"),
                held=_held(db),
            )

    def spans(self, printer: str, now: float) -> tuple[tuple[float, float], ...]:
        """From when to when it was at work on each attempt that is known here yet, pauses and all.

        One that runs was so until `now`. Times are wall-clock seconds, as the clock was set then.
        """
        with self._file.reading() as db:
            rows = db.execute(_SPANS, (printer,)).fetchall()
        begun: dict[str, float] = {}
        spans: list[tuple[float, float]] = []
        for attempt, step, at in rows:
            if step == Step.START:
                begun[attempt] = at
            elif attempt in begun:
                spans.append((begun.pop(attempt), at))
        return (*spans, *((began, now) for began in begun.values()))

    def _find(self, query: str, value: str) -> JournalAttempt | None:
        with self._file.reading() as db:
            row = db.execute(query, (value,)).fetchone()
        return None if row is None else _attempt(row)


def current(db: Connection, printer: str) -> JournalAttempt | None:
    """The attempt of a printer that is not over, within a transaction."""
    row = db.execute(_BY_PRINTER_OPEN, (printer,)).fetchone()
    return _attempt(row) if row else None


def _held(db: Connection) -> tuple[str, ...]:
    rows = db.execute("select id from attempt where over = 0 order by number")
    return tuple(row[0] for row in rows.fetchall())


def _attempt(row: tuple[Any, ...]) -> JournalAttempt:
    name, printer, state, body, key, signature, taken = row
    return JournalAttempt(name, printer, State(state), Signed(body, key, signature), taken)
