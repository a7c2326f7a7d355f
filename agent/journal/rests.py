"""Printers that rest: they were stopped for safety, or failed running, and their owner must look at them first."""

from agent.journal import counters
from agent.journal.file import JournalFile
from wire.lifecycle import State

RUNNING = 2
"""Prints that fail one after the other until the printer rests."""

# What was refused or cancelled says nothing of the printer.
_LAST_PRINTS = """
select number, state from attempt where printer = ? and over = 1 and state not in ('refused', 'cancelled')
order by number desc limit ?
"""


class Rests:
    """The rests of one journal."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def is_due(self, printer: str) -> bool:
        """Whether it was stopped for safety, or failed so often running, that its owner must look at it first."""
        with self._file.reading() as db:
            rows = db.execute(_LAST_PRINTS, (printer, RUNNING)).fetchall()
            looked = counters.number(db, f"looked/{printer}")
            stopped = counters.number(db, f"stopped/{printer}")
        if stopped > looked:
            return True
        return len(rows) == RUNNING and all(
            number > looked and state == State.FAILED for number, state in rows
        )

    def begin(self, printer: str) -> None:
        """It was stopped for safety: it takes no work from now on, until its owner has looked at it."""
        with self._file.transaction() as db:
            counters.put(db, f"stopped/{printer}", counters.number(db, "seq"))

    def end(self, printer: str) -> None:
        """Its owner has looked at it: what failed before counts no more."""
        with self._file.transaction() as db:
            counters.put(db, f"looked/{printer}", counters.number(db, "seq"))
