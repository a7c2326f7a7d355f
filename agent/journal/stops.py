"""What its owner wants ended, until it has ended."""

from enum import StrEnum

from agent.journal.attempts import JournalAttempt, current
from agent.journal.file import JournalError, JournalFile
from wire.lifecycle import State


class StopKind(StrEnum):
    """How its owner wants an attempt to end."""

    CANCEL = "cancel"
    GIVE_UP = "give-up"
    """Cancel; and where the printer can't be reached, count it as failed all the same."""


class Stops:
    """The stops of one journal; one goes with the step that ends its attempt (`steps.py`)."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def ask(self, printer: str, how: StopKind) -> JournalAttempt:
        """The owner wants the attempt of a printer ended.

        Its runner does it, and tells the printer again until it has stopped, also after a restart. Who gave up does
        not take that back by cancelling.

        Raises:
            JournalError: there is nothing to stop.
        """
        with self._file.transaction() as db:
            attempt = current(db, printer)
            if attempt is None or attempt.state is State.PRINTED:
                raise JournalError(f"{printer} has nothing to stop")
            db.execute(
                "insert into stop values (?, ?) on conflict do update set how = excluded.how where how <> ?",
                (attempt.id, how, StopKind.GIVE_UP),
            )
        return attempt

    def asked(self, attempt: str) -> StopKind | None:
        """Whether, and how, the owner wants this attempt ended."""
        with self._file.reading() as db:
            row = db.execute("select how from stop where attempt = ?", (attempt,)).fetchone()
        return StopKind(row[0]) if row else None
