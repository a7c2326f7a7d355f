"""Numbers under names: counters that only rise, and what else fits into a number."""

from sqlite3 import Connection

from agent.journal.file import JournalFile


class Counters:
    """The numbers of one journal."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def last(self, counter: str) -> int:
        """The number that a counter gave last; 0 if none."""
        with self._file.reading() as db:
            return number(db, counter)

    def sequence(self, printer: str) -> int:
        """That of the last manifest that was taken for this printer."""
        return self.last(f"sequence/{printer}")

    def rise(self, counter: str) -> int:
        """The next number of a counter ("connection", "ready") that never repeats one, whatever happens."""
        with self._file.transaction() as db:
            return rise(db, counter)

    def note(self, **facts: int) -> None:
        """Keep some numbers under their names; `last` gives them back."""
        with self._file.transaction() as db:
            for name, value in facts.items():
                put(db, name, value)


def number(db: Connection, name: str) -> int:
    """What is kept under a name, within a transaction; 0 if nothing."""
    row = db.execute("select value from fact where name = ?", (name,)).fetchone()
    return int(row[0]) if row else 0


def put(db: Connection, name: str, value: int) -> None:
    """Keep a number, within a transaction."""
    db.execute(
        "insert into fact values (?, ?) on conflict do update set value = excluded.value", (name, value)
    )


def rise(db: Connection, counter: str) -> int:
    """The next number of a counter, within a transaction."""
    value = number(db, counter) + 1
    put(db, counter, value)
    return value
