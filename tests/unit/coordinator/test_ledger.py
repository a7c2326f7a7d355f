"""How much is asked for, as lots are lost, come back, and needs are withdrawn."""

import pytest

from coordinator.model.records import NeedProgress
from tests.unit.coordinator.office import Office, PlayedAgent
from wire.lifecycle import State, Step


@pytest.fixture
def doubled(office: Office):
    """A need of 5 of which 10 are on their way: anna's lot was in doubt and came back, ben prints its replacement."""
    anna, ben = office.agent("anna"), office.agent("ben")
    need, token = office.needs(5)
    anna.is_ready()
    anna.reports(anna.grants[-1].attempt, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    anna.dies()
    office.now[0] += 3600
    office.conversation.sweep()
    ben.is_ready()
    anna.connection += 1
    anna.is_born()
    anna.reports(anna.grants[-1].attempt, Step.FINISH, Step.CLEAR)
    assert progress(office, need.id).surplus == 5
    return anna, ben, need.id, token


def progress(office: Office, need: str) -> NeedProgress:
    return office.desk.need(need).progress


def good(office: Office, agent: PlayedAgent, scrapped: int = 0) -> None:
    lot = agent.attempt()
    office.desk.inspect(lot.id, good=lot.count - scrapped, scrapped=scrapped, by="ines")


@pytest.mark.parametrize("end", [Step.REFUSE, Step.CANCEL])
def test_a_replacement_that_is_not_needed_any_more_is_not_asked_for_again(office: Office, doubled, end: Step):
    _, ben, need, _ = doubled
    ben.reports(ben.grants[-1].attempt, Step.FETCH, end)
    assert (progress(office, need).needed, progress(office, need).surplus) == (0, 0)


def test_what_is_scrapped_of_a_surplus_is_not_printed_again(office: Office, doubled):
    anna, _, need, _ = doubled
    good(office, anna, scrapped=2)
    assert (progress(office, need).needed, progress(office, need).surplus) == (0, 3)


def test_what_gets_lost_beyond_the_surplus_is_asked_for_again(office: Office, doubled):
    anna, ben, need, _ = doubled
    good(office, anna, scrapped=3)
    ben.reports(ben.grants[-1].attempt, Step.FETCH, Step.REFUSE)
    assert (progress(office, need).needed, progress(office, need).surplus) == (3, 0)


def test_nothing_is_asked_for_again_of_a_need_that_was_withdrawn(office: Office):
    anna, ben = office.agent("anna"), office.agent("ben")
    need, token = office.needs(16)
    anna.is_ready()
    ben.is_ready()
    anna.prints(anna.grants[-1].attempt)
    good(office, anna, scrapped=4)
    office.desk.collect(anna.grants[-1].attempt, by="carl")
    parcel = office.desk.pack(need.id, by="paul").id
    office.desk.cancel_need(need.id, by="carl")
    ben.reports(ben.grants[-1].attempt, Step.FETCH, Step.REFUSE)
    office.desk.send(parcel, by="paul")
    office.desk.receive(token, parcel, units=5, signed_by="sister Agnes")
    assert progress(office, need.id).needed == 0
    assert office.desk.summary()["needed"] == 0


def test_a_lot_in_doubt_that_its_agent_gave_up_is_lost_to_nobody(office: Office):
    """It was replaced when it was doubted; nothing was made that could be written off."""
    anna = office.agent("anna")
    need, _ = office.needs(5)
    anna.is_ready()
    anna.dies()
    office.now[0] += 1000
    office.conversation.sweep()
    anna.connection += 1
    anna.is_born()
    anna.is_ready()
    assert [each.state for each in office.desk.attempts()] == [State.GRANTED, State.CANCELLED]
    assert (progress(office, need.id).written_off, progress(office, need.id).promised) == (0, 5)


def test_units_that_are_still_with_their_maker_are_told_by_lot(office: Office):
    anna = office.agent("anna")
    need, _ = office.needs(13)
    for _ in range(2):
        anna.is_ready()
        anna.prints(anna.grants[-1].attempt)
        good(office, anna)
    first, second = (grant.attempt for grant in anna.grants)
    assert office.desk.need(need.id).uncollected == {first: 11, second: 2}
    office.desk.collect(first, by="carl")
    assert office.desk.need(need.id).uncollected == {second: 2}


def test_the_figures_add_up_to_what_all_needs_ask_for(office: Office, doubled):
    _, _, need, _ = doubled
    office.needs(30)
    office.desk.cancel_need(need, by="carl")
    units = office.desk.standing().units
    assert units == {name: count for name, count in office.desk.summary().items() if name != "attempts"}
    assert sum(units.values()) == 30 + 10
    assert "demand" not in units
    assert units["scrapped"] == 0
