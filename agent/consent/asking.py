"""One printer's side of being asked: says that its owner may be, keeps the offers, and takes them back."""

import logging
from collections.abc import Callable

from agent.consent.owner_answers import OwnerAnswers
from agent.consent.standing_ready import LIFETIME, RENEWAL
from agent.consent.terms import ConsentTerms
from agent.journal import Journal
from wire.errors import RemoteError
from wire.messages import Answered, Offer, Open, Up

log = logging.getLogger(__name__)


class Asking:
    """One printer's. `publish_open` is for its own thread, `hear` for the link's."""

    def __init__(
        self,
        printer: str,
        terms: ConsentTerms,
        journal: Journal,
        answers: OwnerAnswers,
        publish: Callable[[Up], bool],
    ) -> None:
        self._printer = printer
        self._terms = terms
        self._journal = journal
        self._answers = answers
        self._publish = publish
        self._said: tuple[Answered, ...] | None = None
        self._until = 0.0

    def again(self) -> None:
        """What was said before may not have been heard, or is not so any more."""
        self._said = None

    def publish_open(self, now: float, at: float, *, window: float, material: str) -> None:
        """Say that the owner may be asked, if that is news or time; `now` is monotonic, `at` the wall clock.

        Raises:
            JournalError: see the journal.
        """
        parts = self._terms.asked
        if parts.is_empty:
            return
        has = tuple(each.answered for each in self._answers.offers(at, self._printer))
        if has == self._said and now < self._until - RENEWAL:
            return
        message = Open(
            printer=self._printer,
            counter=self._journal.counters.rise("open"),
            lifetime=LIFETIME,
            window=window,
            material=material,
            epoch=self._journal.epoch,
            parts=parts,
            has=has,
        )
        if self._publish(message):
            self._said, self._until = has, now + LIFETIME

    def hear(self, offer: Offer, at: float) -> None:
        """Keep an offer for the owner.

        Raises:
            RemoteError: the owner does not want to be asked about that, or has too many offers.
            JournalError: see the journal.
        """
        mode = self._terms.mode(offer.part)
        if mode != "ask":
            how = "never prints it" if mode == "never" else "need not be asked about it"
            raise RemoteError("not-asked", f"an offer of {offer.part} for {self._printer}, whose owner {how}")
        if self._answers.hear(offer, at):
            log.info(
                "%s: may it print %d × %s? muster-agent accept %s, or decline it",
                *(self._printer, offer.count, offer.part, offer.offer),
            )
