"""What an owner says to offers, and about being there, at the command line; and what was refused, to read."""

import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime

import msgspec
from msgspec import Struct

from agent import state_directory
from agent.consent.owner_answers import OwnerAnswers, RefusalEntry, StandingOffer
from agent.errors import OwnerError
from agent.journal import Journal
from agent.settings import Loaded
from wire.messages import Answer

LONGEST_STAY = 24 * 3600.0
SHOWN = 20
"""Refusals that are shown."""
_SAYS = {Answer.NONE: "not answered", Answer.YES: "you said yes", Answer.NO: "you said no"}
_DURATION = re.compile(r"([0-9]{1,5})\s*(h|m|min)")


class AnswersError(OwnerError):
    """What was said makes no sense. Says what would."""


class _Shown(Struct, frozen=True, kw_only=True):
    """An offer, for programs. Times are seconds since 1970, by the clock here."""

    offer: str
    printer: str
    part: str
    version: str
    title: str
    purpose: str
    count: int
    material: str
    minutes: float
    grams: float
    deadline: float | None
    until: float
    answer: Answer


def offers(loaded: Loaded, *, json: bool) -> str:
    """The offers that stand."""
    now = time.time()
    with _answers(loaded) as answers:
        found = answers.offers(now) if answers else ()
    if json:
        return msgspec.json.encode([_shown(each) for each in found]).decode()
    if not found:
        return "there are no offers now"
    return "\n".join(as_text(each) for each in found)


def answer(loaded: Loaded, offer: str, said: Answer, why: str = "") -> str:
    """Say yes or no.

    Raises:
        OfferGoneError: there is no such offer any more.
    """
    with _answers(loaded) as answers:
        if answers is None:
            raise AnswersError("there are no offers: the agent has not run yet")
        asked = answers.answer(offer, said, time.time(), why)
        until = answers.present_until(time.time())
    state_directory.wake(loaded.state)
    if said is Answer.NO:
        return f"{offer} is declined"
    clear = (
        f" Its bed must be said to be clear: muster-agent clear {asked.printer}."
        if not _clear(loaded, asked)
        else ""
    )
    there = "" if until else " If somebody must be there while it prints: muster-agent present."
    return f"yes to {offer}: {asked.printer} asks for it now, and may start at any moment.{clear}{there}"


def arrive(loaded: Loaded, duration: str) -> str:
    """Somebody is beside the printers from now on, for so long.

    Raises:
        AnswersError: no duration, or too long a one.
    """
    now = time.time()
    until = now + seconds(duration)
    with _answers(loaded, make=True) as answers:
        assert answers is not None
        answers.arrive(now, until)
    state_directory.wake(loaded.state)
    return f"somebody is there until {_clock(until)}: what must end by then may print"


def leave(loaded: Loaded) -> str:
    """Nobody is there any more."""
    with _answers(loaded, make=True) as answers:
        assert answers is not None
        answers.leave()
    state_directory.wake(loaded.state)
    return "nobody is there: where somebody must be, nothing starts; what prints already goes on (muster-agent stop)"


def refusals(loaded: Loaded, *, json: bool) -> str:
    """What was refused lately."""
    with _answers(loaded) as answers:
        found: tuple[RefusalEntry, ...] = answers.refusals(SHOWN) if answers else ()
    if json:
        return msgspec.json.encode(found).decode()
    if not found:
        return "nothing was refused"
    return "\n".join(
        f"{_day(each.at)} {f'{each.printer}: ' if each.printer else ''}{each.what}" for each in found
    )


def seconds(duration: str) -> float:
    """A duration as people write it ("2h", "90m") in seconds.

    Raises:
        AnswersError: it is none, or longer than a day.
    """
    found = _DURATION.fullmatch(duration.strip().lower())
    lasts = int(found[1]) * (3600.0 if found[2] == "h" else 60.0) if found else 0.0
    if not 0 < lasts <= LONGEST_STAY:
        raise AnswersError(f"{duration!r} is no time that can be meant: say 2h or 90m, 24h at most")
    return lasts


def as_text(asked: StandingOffer) -> str:
    """One offer, for a person."""
    offer = asked.offer
    by = f", needed by {_day(offer.deadline)}" if offer.deadline else ""
    words = (
        f"{offer.offer}  {asked.printer}: {offer.count} × {offer.title or offer.part} ({offer.version})"
        f" for {offer.purpose}{by}\n  {_span(offer.seconds)}, {offer.grams:.0f} g of {offer.material};"
        f" stands until {_clock(asked.until)}; {_SAYS[asked.answer]}"
    )
    return "".join(char for char in words if char.isprintable() or char == "\n")


def _shown(asked: StandingOffer) -> _Shown:
    offer = asked.offer
    return _Shown(
        offer=offer.offer,
        printer=asked.printer,
        part=offer.part,
        version=offer.version,
        title=offer.title,
        purpose=offer.purpose,
        count=offer.count,
        material=offer.material,
        minutes=round(offer.seconds / 60, 1),
        grams=offer.grams,
        deadline=offer.deadline,
        until=asked.until,
        answer=asked.answer,
    )


@contextmanager
def _answers(loaded: Loaded, *, make: bool = False) -> Generator[OwnerAnswers | None]:
    """The owner's answers in this agent's journal; None if there is no journal yet."""
    path = state_directory.journal_path(loaded.state)
    if not make and not path.exists():
        yield None
        return
    state_directory.make(loaded.state)
    journal = Journal(path)
    try:
        yield OwnerAnswers(journal)
    finally:
        journal.close()


def _clear(loaded: Loaded, asked: StandingOffer) -> bool:
    journal = Journal(state_directory.journal_path(loaded.state))
    try:
        return journal.beds.is_clear(asked.printer)
    finally:
        journal.close()


def _span(lasts: float) -> str:
    minutes = round(lasts / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M")


def _day(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")
