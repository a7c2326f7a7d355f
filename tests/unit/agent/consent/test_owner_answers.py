"""What the owner said outlives the agent, but not its time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from agent.consent.owner_answers import BURST, KEPT, MOST, OfferGoneError, OwnerAnswers
from agent.journal import Journal
from wire.errors import RemoteError
from wire.messages import Answer, Offer

NOW = 1_800_000_000.0


OFFER = Offer(
    sent=10.0,
    expires=10.0 + 3600,
    offer="o-1",
    printer="left",
    part="ear-saver",
    version="1.0.0",
    title="Ear saver",
    purpose="St Anna",
    count=9,
    material="petg",
    seconds=3000.0,
    grams=36.0,
)


def offer(name: str = "o-1", **changes: Any) -> Offer:
    return replace(OFFER, offer=name, **changes)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.db")
    yield journal
    journal.close()


@pytest.fixture
def word(journal: Journal) -> OwnerAnswers:
    return OwnerAnswers(journal)


def test_an_offer_is_there_until_its_time_is_over(word: OwnerAnswers):
    assert word.hear(offer(), NOW)
    assert not word.hear(offer(), NOW)
    assert [each.offer.offer for each in word.offers(NOW + 3599)] == ["o-1"]
    assert word.offers(NOW + 3600) == ()
    with pytest.raises(OfferGoneError, match="it is over"):
        word.answer("o-1", Answer.YES, NOW + 3600)


def test_a_clock_that_was_set_back_ends_an_offer(word: OwnerAnswers):
    word.hear(offer(), NOW)
    assert word.offers(NOW - 60) == ()


def test_no_offer_stands_for_longer_than_a_day(word: OwnerAnswers):
    word.hear(offer(expires=1e9), NOW)
    assert word.offers(NOW + 86_401) == ()


def test_the_last_word_counts_until_it_is_granted(word: OwnerAnswers):
    word.hear(offer(), NOW)
    assert word.accepted("left", NOW) is None
    word.answer("o-1", Answer.YES, NOW)
    assert word.accepted("left", NOW) == offer()
    assert word.accepted("right", NOW) is None
    word.answer("o-1", Answer.NO, NOW, "I go to bed")
    assert word.accepted("left", NOW) is None
    assert word.offers(NOW)[0].answered.why == "I go to bed"
    word.forget("o-1")
    with pytest.raises(OfferGoneError):
        word.answer("o-1", Answer.YES, NOW)


def test_who_is_flooded_with_offers_takes_no_more(word: OwnerAnswers):
    for number in range(MOST):
        word.hear(offer(f"o-{number}"), NOW)
    with pytest.raises(RemoteError, match="no more"):
        word.hear(offer("o-x"), NOW)
    word.hear(offer("o-y"), NOW + 3600)


def test_an_answer_outlives_the_agent(tmp_path: Path):
    first = Journal(tmp_path / "other.db")
    OwnerAnswers(first).hear(offer(), NOW)
    OwnerAnswers(first).answer("o-1", Answer.YES, NOW)
    OwnerAnswers(first).arrive(NOW, NOW + 7200)
    first.close()
    again = Journal(tmp_path / "other.db")
    assert OwnerAnswers(again).accepted("left", NOW + 1) == offer()
    assert OwnerAnswers(again).present_until(NOW + 1) == NOW + 7200
    again.close()


def test_presence_ends_by_itself_or_by_word_or_when_the_clock_makes_no_sense(word: OwnerAnswers):
    assert word.present_until(NOW) == 0
    word.arrive(NOW, NOW + 7200)
    assert word.present_until(NOW + 7199) == NOW + 7200
    assert word.present_until(NOW + 7200) == 0
    assert word.present_until(NOW - 1) == 0
    word.leave()
    assert word.present_until(NOW) == 0


def test_refusals_are_kept_the_newest_first_and_not_for_ever(word: OwnerAnswers):
    for number in range(KEPT + 5):
        word.refuse("left", f"number {number}", NOW + number * 10)
    found = word.refusals()
    assert len(found) == KEPT
    assert (found[0].what, found[0].at) == (f"number {KEPT + 4}", NOW + (KEPT + 4) * 10)


def test_a_flood_of_refusals_is_not_written_down(word: OwnerAnswers):
    for number in range(500):
        word.refuse("left", f"number {number}", NOW)
    assert len(word.refusals()) == BURST
    word.refuse("left", "later", NOW + 61)
    assert word.refusals(1)[0].what == "later"


def test_what_is_no_text_is_kept_all_the_same(word: OwnerAnswers):
    word.refuse("left", "a garbled \ud800 word " + "x" * 1000, NOW)
    assert len(word.refusals()[0].what) == 400
