"""What the owner has said, and what was kept from the owner's printers: offers and their answers, presence, refusals.

Kept in the journal, so that the command line can speak to an agent that runs, and so that it outlives a power cut.
"""

from collections import deque

import msgspec
from msgspec import Struct

from agent.errors import OwnerError
from agent.journal import Journal
from wire.errors import RemoteError
from wire.messages import Answer, Answered, Offer, text

MOST = 8
"""Offers that one printer has at once."""
LONGEST = 86_400.0
"""Seconds that an offer may stand, whatever its coordinator says."""
KEPT = 200
"""Refusals that are kept."""
BURST, QUIET = 30, 60.0
"""So many refusals within so many seconds are written down: who is flooded needs no more of them."""

_FIND = "select body, printer, heard, until, answer, why from offer where heard <= ? and until > ?"
_decode = msgspec.json.Decoder(Offer).decode


class OfferGoneError(OwnerError):
    """There is no such offer any more. Says what to do."""


class StandingOffer(Struct, frozen=True, kw_only=True):
    """An offer, its printer, when it came and until when it stands (wall clock here), and its owner's answer."""

    offer: Offer
    printer: str
    heard: float
    until: float
    answer: Answer
    why: str

    @property
    def answered(self) -> Answered:
        """As the coordinator is told."""
        return Answered(offer=self.offer.offer, answer=self.answer, why=self.why)


class RefusalEntry(Struct, frozen=True, kw_only=True):
    """Something that was not done, and why; `printer` is empty if it was for none in particular."""

    at: float
    printer: str
    what: str


class OwnerAnswers:
    """The owner's answers in one journal; safe to share between threads.

    Every method raises JournalError as the journal does; `now` is the wall clock here, in seconds since 1970. What
    was heard after `now` does not count: the clock was set back since, and nobody knows for how long it stands.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._written: deque[float] = deque(maxlen=BURST)

    # ── offers ────────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, offer: Offer, now: float) -> bool:
        """Keep an offer until it is over; False if it is here already.

        Raises:
            RemoteError: its printer has too many.
        """
        lasts = min(LONGEST, offer.expires - offer.sent)
        with self._journal.file.transaction() as db:
            db.execute("delete from offer where until <= ? or heard > ?", (now, now))
            there = db.execute("select count(*) from offer where printer = ?", (offer.printer,)).fetchone()[0]
            if there >= MOST:
                raise RemoteError("offers", f"{offer.printer} has {there} offers: no more are taken")
            return bool(
                db.execute(
                    "insert into offer values (?, ?, ?, ?, ?, ?, '') on conflict do nothing",
                    (
                        *(offer.offer, offer.printer, msgspec.json.encode(offer)),
                        *(now, now + lasts, Answer.NONE),
                    ),
                ).rowcount
            )

    def offers(self, now: float, printer: str | None = None) -> tuple[StandingOffer, ...]:
        """Those that stand, the oldest first; of all printers, or of one."""
        with self._journal.file.reading() as db:
            rows = db.execute(f"{_FIND} order by heard, id", (now, now)).fetchall()
        found = (
            StandingOffer(
                offer=_decode(body), printer=name, heard=heard, until=until, answer=Answer(answer), why=why
            )
            for body, name, heard, until, answer, why in rows
        )
        return tuple(each for each in found if printer in (None, each.printer))

    def accepted(self, printer: str, now: float) -> Offer | None:
        """What its owner has said yes to first, and what is not granted yet."""
        said = (each for each in self.offers(now, printer) if each.answer is Answer.YES)
        return next((each.offer for each in said), None)

    def answer(self, offer: str, answer: Answer, now: float, why: str = "") -> StandingOffer:
        """The owner's yes or no; the last word counts, until it is granted.

        Raises:
            OfferGoneError: there is no such offer, or it is over.
        """
        with self._journal.file.transaction() as db:
            found = db.execute(
                "update offer set answer = ?, why = ? where id = ? and heard <= ? and until > ?",
                (answer, text(why), offer, now, now),
            ).rowcount
        if not found:
            raise OfferGoneError(
                f"there is no offer {offer}, or it is over: muster-agent offers shows those that stand"
            )
        return next(each for each in self.offers(now) if each.offer.offer == offer)

    def forget(self, offer: str) -> bool:
        """It was withdrawn or granted; whether it was here."""
        with self._journal.file.transaction() as db:
            return bool(db.execute("delete from offer where id = ?", (offer,)).rowcount)

    # ── presence ──────────────────────────────────────────────────────────────────────────────────────────

    def arrive(self, now: float, until: float) -> None:
        """Somebody is beside the printers until then."""
        self._journal.counters.note(present_from=int(now), present_until=int(until))

    def leave(self) -> None:
        """Nobody is there any more."""
        self._journal.counters.note(present_from=0, present_until=0)

    def present_until(self, now: float) -> float:
        """Until when somebody is there; 0 if nobody is."""
        since, until = (
            self._journal.counters.last("present_from"),
            self._journal.counters.last("present_until"),
        )
        return float(until) if since <= now < until else 0.0

    # ── refusals ──────────────────────────────────────────────────────────────────────────────────────────

    def refuse(self, printer: str, what: str, now: float) -> None:
        """Keep for the owner that something was not done, and why."""
        written = self._written
        if len(written) == BURST and 0 <= now - written[0] < QUIET:
            return
        written.append(now)
        with self._journal.file.transaction() as db:
            db.execute("insert into refusal (at, printer, what) values (?, ?, ?)", (now, printer, text(what)))
            db.execute("delete from refusal where id <= (select max(id) from refusal) - ?", (KEPT,))

    def refusals(self, limit: int = KEPT) -> tuple[RefusalEntry, ...]:
        """The latest, the newest first."""
        with self._journal.file.reading() as db:
            rows = db.execute("select at, printer, what from refusal order by id desc limit ?", (limit,))
            return tuple(
                RefusalEntry(at=at, printer=printer, what=what) for at, printer, what in rows.fetchall()
            )
