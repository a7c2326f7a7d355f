"""Owners who want to be asked: what they are offered, and what comes of their answers."""

import pytest

from coordinator.errors import Missing
from coordinator.model.records import OfferStatus
from coordinator.store import offers
from tests.unit.coordinator.office import Office, PlayedAgent
from wire.lifecycle import Step
from wire.messages import Answer, Answered, Offer, Open, Parts, Ready, Withdraw

ALL = Parts()
NONE = Parts(every=False)


def is_open(
    agent: PlayedAgent, *has: Answered, parts: Parts = ALL, counter: int | None = None, window=86_400.0
) -> None:
    """The agent says that its owner may be asked."""
    agent.counter += 1
    agent.says(
        Open(
            printer="one",
            counter=agent.counter if counter is None else counter,
            lifetime=60,
            window=window,
            material=agent.material,
            epoch=agent.epoch,
            parts=parts,
            has=has,
        )
    )
    agent.office.conversation.plan()


def is_ready(agent: PlayedAgent, *, parts: Parts = NONE, offer: str | None = None) -> None:
    agent.counter += 1
    agent.says(
        Ready(
            printer="one",
            nonce=f"{agent.name}-nonce-{agent.counter:012}",
            counter=agent.counter,
            lifetime=60,
            window=86_400,
            material=agent.material,
            epoch=agent.epoch,
            seq=agent.seq,
            held=tuple(agent.held),
            parts=parts,
            offer=offer,
        )
    )
    agent.office.conversation.plan()


def offered(office: Office, name: str) -> list[Offer]:
    return [message for agent, message in office.posted if agent == name and isinstance(message, Offer)]


def withdrawn(office: Office, name: str) -> list[str]:
    return [
        message.offer for agent, message in office.posted if agent == name and isinstance(message, Withdraw)
    ]


def became(office: Office, offer: str) -> str:
    with office.store.read() as tx:
        found = offers.offers.get(tx, offer)
    assert found is not None
    return found.status


def test_who_is_open_is_offered_a_plate_and_nothing_is_promised(office: Office):
    need, _ = office.needs(24)
    anna = office.agent("anna")
    is_open(anna)
    (offer,) = offered(office, "anna")
    assert (offer.part, offer.count, offer.purpose) == ("ear-saver", 11, "St Anna")
    assert offer.seconds > 0
    assert anna.grants == []
    assert office.desk.need(need.id).progress.needed == 24
    assert office.desk.ledger().balanced


def test_a_yes_brings_the_grant_of_that_offer(office: Office):
    need, _ = office.needs(24)
    anna = office.agent("anna")
    is_open(anna)
    (offer,) = offered(office, "anna")
    is_open(anna, Answered(offer=offer.offer, answer=Answer.YES))
    assert anna.grants == []
    is_ready(anna, offer=offer.offer)
    (grant,) = anna.grants
    assert (grant.part, grant.version, grant.count) == (offer.part, offer.version, offer.count)
    assert grant.seconds == offer.seconds
    assert office.desk.need(need.id).progress.promised == offer.count
    assert became(office, offer.offer) == OfferStatus.GRANTED


def test_a_ready_for_an_offer_is_the_yes_whatever_was_heard_before(office: Office):
    office.needs(24)
    anna = office.agent("anna")
    is_open(anna)
    is_ready(anna, offer=offered(office, "anna")[0].offer)
    assert len(anna.grants) == 1


def test_an_offer_is_granted_once(office: Office):
    office.needs(40)
    anna = office.agent("anna")
    is_open(anna)
    offer = offered(office, "anna")[0].offer
    is_ready(anna, offer=offer)
    anna.prints(anna.grants[0].attempt)
    is_ready(anna, offer=offer)
    assert len(anna.grants) == 1


def test_nobody_gets_what_another_was_offered(office: Office):
    office.needs(40)
    anna, ben = office.agent("anna"), office.agent("ben")
    is_open(anna)
    is_ready(ben, offer=offered(office, "anna")[0].offer)
    assert ben.grants == []


def test_of_an_offer_no_more_is_granted_than_is_still_needed(office: Office):
    office.needs(11)
    anna, ben = office.agent("anna"), office.agent("ben", place=(48.0, 16.0))
    is_open(anna)
    ben.is_ready(window=2400.0)  # it has time for a few of them
    took = ben.grants[0].count
    assert 0 < took < 11
    is_ready(anna, offer=offered(office, "anna")[0].offer)
    assert anna.grants[0].count == 11 - took


def test_what_others_are_being_asked_about_is_left_to_them(office: Office):
    office.needs(11)
    anna, ben = office.agent("anna"), office.agent("ben")
    is_open(anna)
    is_open(ben)
    assert len(offered(office, "anna")) == 1
    assert offered(office, "ben") == []


def test_what_needs_no_question_is_not_held_up_by_one(office: Office):
    office.needs(11)
    anna, ben = office.agent("anna"), office.agent("ben")
    is_open(anna)
    ben.is_ready()
    assert ben.grants[0].count == 11
    assert withdrawn(office, "anna") == [offered(office, "anna")[0].offer]


def test_one_printer_is_asked_about_one_plate_at_a_time(office: Office):
    office.needs(200)
    anna = office.agent("anna")
    is_open(anna)
    is_open(anna, Answered(offer=offered(office, "anna")[0].offer))
    assert len(offered(office, "anna")) == 1


def test_who_says_no_is_not_asked_for_that_need_again_but_for_another(office: Office):
    office.needs(11)
    anna = office.agent("anna")
    is_open(anna)
    first = offered(office, "anna")[0].offer
    is_open(anna, Answered(offer=first, answer=Answer.NO, why="too late for today"))
    assert became(office, first) == OfferStatus.DECLINED
    assert withdrawn(office, "anna") == [first]
    is_open(anna)
    assert len(offered(office, "anna")) == 1
    other, _ = office.needs(5)
    is_open(anna)
    assert offered(office, "anna")[1].count == 5
    with pytest.raises(Missing):
        office.desk.attempt(other.id)


def test_an_offer_that_never_arrived_is_said_again(office: Office):
    office.needs(11)
    anna = office.agent("anna")
    is_open(anna)
    is_open(anna)
    first, second = offered(office, "anna")
    assert first.offer == second.offer


def test_an_offer_that_its_agent_forgot_is_made_anew(office: Office):
    office.needs(11)
    anna = office.agent("anna")
    is_open(anna)
    first = offered(office, "anna")[0].offer
    is_open(anna, Answered(offer=first))
    is_open(anna)
    assert became(office, first) == OfferStatus.WITHDRAWN
    assert offered(office, "anna")[-1].offer != first


def test_an_offer_that_is_unknown_here_is_withdrawn(office: Office):
    anna = office.agent("anna")
    is_open(anna, Answered(offer="o-unheard-of", answer=Answer.YES))
    assert withdrawn(office, "anna") == ["o-unheard-of"]
    is_ready(anna, offer="o-unheard-of")
    assert anna.grants == []


def test_what_is_needed_no_more_is_withdrawn(office: Office):
    need, _ = office.needs(11)
    anna = office.agent("anna")
    is_open(anna)
    offer = offered(office, "anna")[0].offer
    office.desk.cancel_need(need.id, by="coordinator")
    office.conversation.plan()
    assert withdrawn(office, "anna") == [offer]
    is_ready(anna, offer=offer)
    assert anna.grants == []


def test_an_offer_ends_with_its_time_and_another_may_come(office: Office):
    office.needs(11)
    anna = office.agent("anna")
    is_open(anna)
    first = offered(office, "anna")[0]
    office.now[0] = first.expires + 1
    is_ready(anna, offer=first.offer)
    assert anna.grants == []
    is_open(anna)
    assert offered(office, "anna")[-1].offer != first.offer


def test_only_what_its_owner_prints_is_offered_or_granted(office: Office):
    office.needs(11)
    anna = office.agent("anna")
    is_open(anna, parts=Parts(every=True, but=("ear-saver",)))
    assert offered(office, "anna") == []
    is_ready(anna, parts=Parts(every=False, but=("headband",)))
    assert anna.grants == []
    is_ready(anna, parts=Parts(every=False, but=("ear-saver",)))
    assert anna.grants[0].part == "ear-saver"


def test_an_offer_fits_into_the_owners_hours(office: Office):
    office.needs(40)
    anna = office.agent("anna")
    is_open(anna, window=2400.0)
    (offer,) = offered(office, "anna")
    assert offer.seconds <= 2400 - 600


def test_an_old_word_changes_nothing(office: Office):
    office.needs(11)
    anna = office.agent("anna")
    is_open(anna)
    offer = offered(office, "anna")[0].offer
    is_open(anna, Answered(offer=offer, answer=Answer.NO), counter=1)
    assert became(office, offer) == OfferStatus.OPEN


def test_who_is_gone_is_offered_nothing(office: Office):
    anna = office.agent("anna")
    is_open(anna)
    anna.dies()
    office.needs(11)
    office.conversation.plan()
    assert offered(office, "anna") == []


def test_a_printer_at_work_is_offered_nothing(office: Office):
    office.needs(40)
    anna = office.agent("anna")
    anna.is_ready()
    anna.reports(anna.grants[0].attempt, Step.FETCH)
    is_open(anna)
    assert offered(office, "anna") == []


def test_what_came_of_offers_is_forgotten_after_a_month(office: Office):
    need, _ = office.needs(11)
    anna = office.agent("anna")
    is_open(anna)
    offer = offered(office, "anna")[0].offer
    office.desk.cancel_need(need.id, by="coordinator")
    office.conversation.plan()
    office.now[0] += 31 * 86_400
    office.conversation.sweep()
    with office.store.read() as tx:
        assert offers.offers.get(tx, offer) is None
