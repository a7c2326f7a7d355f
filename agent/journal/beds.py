"""Which beds are clear: a person says so, and every start takes it back."""

from agent.journal import steps
from agent.journal.file import JournalError, JournalFile
from wire.lifecycle import State, Step


class Beds:
    """The beds of one journal."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def is_clear(self, printer: str) -> bool:
        """Whether a person said so since the last start; never for a printer that is new here."""
        with self._file.reading() as db:
            return steps.bed_is_clear(db, printer)

    def clear(self, printer: str, at: float, why: str = "") -> None:
        """A person says that the bed is empty; a printed attempt becomes cleared with it.

        Raises:
            JournalError: an attempt is in motion there.
        """
        with self._file.transaction() as db:
            rows = db.execute(
                "select id, state from attempt where over = 0 and printer = ?", (printer,)
            ).fetchall()
            for attempt, state in rows:
                if state != State.PRINTED:
                    raise JournalError(
                        f"{printer} is {state} {attempt}: its bed can't be clear before that ends"
                    )
                steps.write(db, attempt, Step.CLEAR, at, why)
            steps.mark_bed(db, printer, clear=True)

    def occupy(self, printer: str) -> None:
        """Something was seen to print there: the bed is not clear until a person says so again."""
        with self._file.transaction() as db:
            steps.mark_bed(db, printer, clear=False)
