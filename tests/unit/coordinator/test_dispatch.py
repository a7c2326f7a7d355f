"""What is granted to whom, whatever agents say and whatever gets lost; nobody can stop the others' work."""

import pytest

from coordinator.work.plates import PlateLibrary
from gcode.profile import Profile
from tests.unit.coordinator.office import Office
from wire.lifecycle import State, Step
from wire.messages import Presence

CHECKED = (Step.FETCH, Step.CHECK)
IN_MOTION = (*CHECKED, Step.START, Step.PRINT)


def test_a_grant_that_nobody_took_up_is_in_doubt_though_its_agent_is_there(office: Office):
    """It was lost, and the printer found no reason to say ready again: its bed is not clear, say."""
    anna, ben = office.agent("anna"), office.agent("ben")
    office.needs(5)
    anna.is_ready()
    office.now[0] += 1000
    office.conversation.sweep()
    assert anna.attempt().state is State.SUSPECT
    ben.is_ready()
    assert ben.grants[-1].count == 5


def test_a_plate_that_was_taken_up_may_take_its_time(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    anna.reports(anna.grants[-1].attempt, *IN_MOTION)
    office.now[0] += 100_000
    office.conversation.sweep()
    assert anna.attempt().state is State.PRINTING


def test_a_lost_grant_is_void_as_soon_as_all_is_heard_that_was_said_before_the_ready(office: Office):
    anna = office.agent("anna")
    office.needs(20)
    anna.is_ready()
    lost = anna.grants[-1].attempt
    anna.is_ready(seq=1)
    assert office.desk.attempt(lost).state is State.GRANTED
    anna.reports("a-of-long-ago", Step.CLEAR)
    assert office.desk.attempt(lost).state is State.CANCELLED
    office.conversation.plan()
    assert [grant.count for grant in anna.grants] == [11, 11]


@pytest.mark.parametrize("steps", [CHECKED, IN_MOTION, (*IN_MOTION, Step.FINISH)])
def test_what_an_agent_spoke_of_and_forgot_is_in_doubt_and_its_printer_is_free(office: Office, steps):
    anna = office.agent("anna")
    office.needs(20)
    anna.is_ready()
    forgotten = anna.grants[-1].attempt
    anna.reports(forgotten, *steps)
    anna.is_ready()
    assert office.desk.attempt(forgotten).state is State.SUSPECT
    assert len(anna.grants) == 2


@pytest.mark.parametrize("steps", [CHECKED, IN_MOTION, (*IN_MOTION, Step.FINISH)])
def test_a_printer_that_holds_a_plate_gets_no_second_one(office: Office, steps):
    anna = office.agent("anna")
    office.needs(20)
    anna.is_ready()
    anna.held = [anna.grants[-1].attempt]
    anna.reports(anna.held[0], *steps)
    anna.is_ready()
    assert len(anna.grants) == 1


def test_a_ready_is_not_answered_in_its_last_seconds(office: Office):
    anna = office.agent("anna")
    anna.is_ready()
    office.now[0] += 56
    office.needs(5)
    office.conversation.plan()
    assert anna.grants == []


def test_a_nonce_that_was_answered_is_no_ready(office: Office):
    anna, ben = office.agent("anna"), office.agent("ben")
    office.needs(5)
    anna.is_ready()
    nonce = anna.grants[-1].nonce
    anna.reports(anna.grants[-1].attempt, Step.FETCH, Step.REFUSE)
    ben.is_ready(nonce=nonce)
    anna.is_ready(nonce=nonce)
    assert (len(anna.grants), len(ben.grants)) == (1, 0)
    ben.is_ready()
    assert len(ben.grants) == 1


def test_two_printers_with_one_nonce_are_not_both_heard(office: Office):
    anna, ben = office.agent("anna"), office.agent("ben")
    anna.is_ready(nonce="the-same-nonce-for-both")
    ben.is_ready(nonce="the-same-nonce-for-both")
    office.needs(20)
    office.conversation.plan()
    assert (len(anna.grants), len(ben.grants)) == (1, 0)


def test_a_plate_leaves_time_to_warm_up_before_the_owners_quiet_hours(office: Office):
    """The agent would refuse it, again and again."""
    anna = office.agent("anna")
    office.needs(1)
    anna.is_ready()
    seconds = anna.grants[-1].seconds
    anna.reports(anna.grants[-1].attempt, Step.FETCH, Step.CANCEL)
    anna.is_ready(window=seconds + 590)
    assert len(anna.grants) == 1
    anna.is_ready(window=seconds + 610)
    assert len(anna.grants) == 2


def test_a_need_whose_part_is_released_no_more_stops_no_other(office: Office):
    anna = office.agent("anna")
    hospital = office.vetted()
    old, token = office.needs(5, hospital=hospital, priority=9)
    new, _ = office.needs(5, part="strap-clip", hospital=hospital)
    _forget_part(office.services.plates, "ear-saver")
    anna.is_ready()
    assert [grant.job for grant in anna.grants] == [new.id]
    assert (office.desk.track(token).need, office.desk.track(token).title) == (old.id, "ear-saver")


def test_a_plate_that_can_not_be_drawn_stops_no_other(office: Office):
    anna = office.agent("anna", profile=Profile(flow=0.02))
    ben = office.agent("ben")
    office.needs(5)
    anna.is_ready()
    ben.is_ready()
    assert (anna.grants, [grant.count for grant in ben.grants]) == ([], [5])


def test_an_agent_that_is_wrong_about_where_it_is_stops_no_other(office: Office):
    lost, ben = office.agent("lost", place=(170.0, 180.0)), office.agent("ben")
    hospital = office.desk.add_hospital(name="North", contact="ward", latitude=10.0, longitude=0.0).id
    office.desk.approve_hospital(hospital, by="carl")
    office.needs(20, hospital=hospital)
    lost.is_ready()
    ben.is_ready()
    assert len(lost.grants) == len(ben.grants) == 1


# ── who is there ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_death_in_a_connection_whose_birth_nobody_heard_is_believed(office: Office):
    anna = office.agent("anna", connection=7)
    anna.dies(connection=8)
    assert not office.desk.printers()[0].printer.online


def test_who_dies_while_the_coordinator_is_down_is_missed_in_the_end(office: Office):
    """Its broker lost its memory, so that nobody tells of the death."""
    anna, ben = office.agent("anna"), office.agent("ben")
    office.needs(16)
    for agent in (anna, ben):
        agent.is_ready()
        agent.reports(agent.grants[-1].attempt, *IN_MOTION)
    office.now[0] += 5000
    office.conversation.lose_touch()
    ben.is_born()
    office.conversation.sweep()
    assert anna.attempt().state is State.PRINTING
    office.now[0] += 20_000
    office.conversation.sweep()
    assert (anna.attempt().state, ben.attempt().state) == (State.SUSPECT, State.PRINTING)


def test_who_waited_for_work_goes_on_waiting_when_the_coordinator_comes_back(office: Office):
    anna = office.agent("anna")
    anna.is_ready()
    office.conversation.lose_touch()
    office.needs(5)
    office.conversation.plan()
    assert anna.grants == []
    anna.is_born()
    office.conversation.plan()
    assert len(anna.grants) == 1


def test_a_late_birth_of_an_older_journal_changes_nothing(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    anna.reports(anna.grants[-1].attempt, Step.FETCH, Step.REFUSE)
    old = anna.epoch
    anna.loses_its_disk()
    office.now[0] += 1000
    anna.is_ready()
    office.conversation.hear("anna", Presence(online=True, connection=9, epoch=old))
    assert anna.attempt().state is State.GRANTED
    assert anna.attempt().epoch != old


def test_an_agent_that_names_a_printer_twice_is_heard(office: Office):
    anna = office.agent("anna")
    anna.connection += 1
    birth = Presence(online=True, connection=anna.connection, epoch=anna.epoch, printers=_twice())
    anna.says(birth)
    assert [view.printer.name for view in office.desk.printers()] == ["one", "two"]


def _twice():
    from wire.messages import Printer

    two = Printer(name="two", driver="serial", profile=Profile(), material="petg")
    return two, two


def _forget_part(plates: PlateLibrary, name: str) -> None:
    plates.stock([each for each in plates._versions.values() if each.part.name != name])
