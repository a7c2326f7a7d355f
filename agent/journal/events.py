"""What the coordinator is to hear: numbered events, kept until it has committed them, and a good while longer."""

from sqlite3 import Connection

from agent.journal import counters
from agent.journal.file import JournalFile
from wire.lifecycle import Step
from wire.messages import Blame, Event

KEPT = 2000
"""Attempts that are over and told, and kept all the same with their events: a coordinator that was restored from a
back-up may ask for them again."""

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


class Events:
    """The events of one journal; `kept` attempts that are over stay with theirs, at least."""

    def __init__(self, file: JournalFile, kept: int) -> None:
        self._file = file
        self._kept = kept

    def untold(self, after: int = 0, limit: int = 100) -> tuple[Event, ...]:
        """Those that the coordinator has not acknowledged, from the one behind number `after` on."""
        with self._file.reading() as db:
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
        """How many the coordinator has not acknowledged."""
        with self._file.reading() as db:
            return counters.number(db, "seq") - counters.number(db, "acked")

    def told(self) -> int:
        """The last one that the coordinator ever acknowledged; it may have forgotten it since."""
        with self._file.reading() as db:
            return counters.number(db, "told")

    def since(self) -> int:
        """The last one that is kept no more."""
        with self._file.reading() as db:
            first = db.execute("select min(seq) from event").fetchone()[0]
            return counters.number(db, "seq") if first is None else first - 1

    def acknowledge(self, epoch: str, seq: int) -> bool:
        """The coordinator has committed those up to `seq`; False if that can't be.

        A number that we never gave, in our own epoch, means that this journal is older than what the
        coordinator heard: somebody restored an old copy.
        """
        with self._file.transaction() as db:
            if epoch != self._file.epoch:
                return True
            if seq > counters.number(db, "seq"):
                return False
            if seq > counters.number(db, "acked"):
                counters.put(db, "acked", seq)
                counters.put(db, "told", max(seq, counters.number(db, "told")))
                self._prune(db)
        return True

    def recall(self, epoch: str, seq: int) -> bool:
        """The coordinator has forgotten all behind `seq`: it is not acknowledged any more. Whether that is news."""
        with self._file.transaction() as db:
            if epoch != self._file.epoch or seq >= counters.number(db, "acked"):
                return False
            counters.put(db, "acked", seq)
        return True

    def _prune(self, db: Connection) -> None:
        """Forget the oldest of what is over and told, attempts and events alike."""
        first = db.execute(_KEPT_FROM, (self._kept,)).fetchone()[0]
        db.execute("delete from event where seq < ?", (first,))
        db.execute(_PRUNE, (first,))
