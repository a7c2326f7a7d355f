"""One step of an attempt, and what goes with it in the same transaction: its event, its bed, a stop that is done."""

from sqlite3 import Connection

from agent.journal import counters
from agent.journal.file import JournalError
from wire.lifecycle import FINAL, State, Step, advance
from wire.messages import Blame, text

OVER = FINAL | {State.CLEARED}
"""The states that ask nothing more of this agent."""


def write(
    db: Connection, attempt: str, step: Step, at: float, why: str, blame: Blame = Blame.NOBODY
) -> State:
    """Take an attempt one step on, within a transaction; its new state.

    START needs the printer's bed to be clear, and marks it as not clear.

    Raises:
        JournalError: a start on a bed that is not clear, or no such attempt.
        RemoteError: the table of states has no such step from where the attempt is.
    """
    row = db.execute("select state, printer from attempt where id = ?", (attempt,)).fetchone()
    if row is None:
        raise JournalError(f"no attempt {attempt} was ever taken here")
    state = advance(State(row[0]), step)
    if step == Step.START and not bed_is_clear(db, row[1]):
        raise JournalError(f"the bed of {row[1]} is not clear: nothing starts there")
    db.execute("update attempt set state = ?, over = ? where id = ?", (state, state in OVER, attempt))
    db.execute(
        "insert into event values (?, ?, ?, ?, ?, ?)",
        (counters.rise(db, "seq"), attempt, step, at, text(why), blame),
    )
    if step == Step.START:
        mark_bed(db, row[1], clear=False)
    if state in OVER:
        db.execute("delete from stop where attempt = ?", (attempt,))
    return state


def bed_is_clear(db: Connection, printer: str) -> bool:
    """Whether a printer's bed is clear, within a transaction."""
    row = db.execute("select clear from bed where printer = ?", (printer,)).fetchone()
    return bool(row and row[0])


def mark_bed(db: Connection, printer: str, *, clear: bool) -> None:
    """Keep how a printer's bed is, within a transaction."""
    db.execute(
        "insert into bed values (?, ?) on conflict do update set clear = excluded.clear", (printer, clear)
    )
