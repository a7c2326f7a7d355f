"""What people, hospitals and agents can do at the desk, on each database; the ledger is checked after each test."""

import pytest

from coordinator.errors import Conflict, Forbidden, Invalid, Missing
from gcode.profile import Profile
from tests.unit.coordinator.office import Office, open_office
from wire.lifecycle import State, Step
from wire.messages import Presence, Request, Wish


def test_a_need_goes_all_the_way_to_a_signature(office: Office):
    anna = office.agent("anna")
    anna.is_ready()
    need, token = office.needs(5)
    office.conversation.plan()
    lot = anna.grants[-1].attempt
    anna.prints(lot)
    office.desk.inspect(lot, good=4, scrapped=1, by="ines")
    office.desk.collect(lot, by="carl")
    parcel = office.desk.pack(need.id, by="paul")
    office.desk.send(parcel.id, by="paul")
    office.desk.receive(token, parcel.id, units=4, signed_by="sister Agnes")
    progress = office.desk.track(token).progress
    assert (progress.received, progress.scrapped, progress.needed) == (4, 1, 1)


def test_scrapped_units_are_printed_again(office: Office):
    anna = office.agent("anna")
    office.needs(3)
    anna.is_ready()
    anna.prints(anna.grants[-1].attempt)
    office.desk.inspect(anna.grants[-1].attempt, good=1, scrapped=2, by="ines")
    anna.is_ready()
    assert [grant.count for grant in anna.grants] == [3, 2]


def test_one_order_is_spread_over_unlike_printers(office: Office):
    small = office.agent("small", profile=Profile(width=180, depth=180))
    large = office.agent("large", profile=Profile(width=250, depth=210))
    office.needs(40)
    small.is_ready()
    large.is_ready()
    assert (small.grants[-1].count, large.grants[-1].count) == (9, 13)


def test_never_more_is_promised_than_is_needed(office: Office):
    agents = [office.agent(f"agent-{number}") for number in range(4)]
    need, _ = office.needs(24)
    for agent in agents:
        agent.is_ready()
    assert [grant.count for agent in agents for grant in agent.grants] == [11, 11, 2]
    assert office.desk.need(need.id).progress.needed == 0


def test_the_more_pressing_need_comes_first(office: Office):
    hospital = office.vetted()
    office.needs(1, hospital=hospital, priority=1)
    urgent, _ = office.needs(1, hospital=hospital, priority=9)
    anna = office.agent("anna")
    anna.is_ready()
    assert anna.grants[-1].job == urgent.id


def test_the_nearer_printer_gets_the_work_when_both_wait(office: Office):
    far = office.agent("far", place=(40.4, -3.7))
    near = office.agent("near", place=(48.2, 16.4))
    far.is_ready()
    near.is_ready()
    office.needs(1)
    office.conversation.plan()
    assert (len(far.grants), len(near.grants)) == (0, 1)


def test_a_printer_with_the_wrong_material_gets_nothing(office: Office):
    anna = office.agent("anna", material="tpu")
    office.needs(1)
    anna.is_ready()
    assert anna.grants == []


def test_a_part_that_does_not_fit_the_bed_is_not_given_to_it(office: Office):
    tiny = office.agent("tiny", profile=Profile(width=100, depth=100, height=100))
    office.needs(1)
    tiny.is_ready()
    assert tiny.grants == []


def test_a_plate_ends_before_the_owners_quiet_hours(office: Office):
    anna = office.agent("anna")
    office.needs(11)
    anna.is_ready(window=3 * 3600 / 4)
    grant = anna.grants[-1]
    assert 0 < grant.count < 11
    assert grant.seconds <= 3 * 3600 / 4


def test_nothing_is_granted_that_no_window_holds(office: Office):
    anna = office.agent("anna")
    office.needs(11)
    anna.is_ready(window=60)
    assert anna.grants == []


def test_nothing_is_granted_without_a_ready(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    office.conversation.plan()
    assert anna.grants == []


def test_one_ready_gets_one_grant(office: Office):
    anna = office.agent("anna")
    anna.is_ready()
    office.needs(30)
    office.conversation.plan()
    office.conversation.plan()
    assert len(anna.grants) == 1


def test_a_late_duplicate_of_an_older_ready_changes_nothing(office: Office):
    anna = office.agent("anna")
    anna.is_ready()
    anna.is_ready()
    anna.counter = 0
    anna.is_ready(nonce="an-old-nonce-that-is-late")
    office.needs(5)
    office.conversation.plan()
    assert [grant.nonce for grant in anna.grants] == ["anna-aaaa-nonce-00000002"]


def test_a_ready_that_is_over_gets_nothing(office: Office):
    anna = office.agent("anna")
    anna.is_ready()
    office.now[0] += 61
    office.needs(5)
    office.conversation.plan()
    assert anna.grants == []


def test_an_agent_that_went_offline_gets_nothing(office: Office):
    anna = office.agent("anna")
    anna.is_ready()
    anna.dies()
    office.needs(5)
    office.conversation.plan()
    assert anna.grants == []


def test_a_death_that_is_not_of_the_current_connection_is_ignored(office: Office):
    anna = office.agent("anna", connection=7)
    anna.is_ready()
    anna.dies(connection=6)
    office.needs(5)
    office.conversation.plan()
    assert len(anna.grants) == 1


def test_a_lost_grant_is_void_and_its_units_are_promised_anew(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    lost = anna.grants[-1].attempt
    anna.is_ready()
    assert office.desk.attempt(lost).state is State.CANCELLED
    assert len(anna.grants) == 2


def test_a_grant_that_the_agent_holds_is_not_void(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    anna.held = [anna.grants[-1].attempt]
    anna.is_ready()
    assert office.desk.attempt(anna.held[0]).state is State.GRANTED


def test_nothing_is_granted_before_all_that_the_agent_reported_is_here(office: Office):
    anna = office.agent("anna")
    office.needs(20)
    anna.is_ready()
    first = anna.grants[-1].attempt
    anna.is_ready(seq=2)
    assert (len(anna.grants), office.desk.attempt(first).state) == (1, State.GRANTED)
    anna.reports(first, Step.FETCH, Step.REFUSE, why="the file does not match")
    assert office.desk.attempt(first).why == "the file does not match"


def test_reports_are_applied_once(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    report = anna.reports(anna.grants[-1].attempt, Step.FETCH, Step.CHECK)
    movements = office.desk.ledger().movements
    anna.says(report)
    assert (anna.attempt().state, office.desk.ledger().movements) == (State.CHECKED, movements)
    assert anna.acked == [2, 2]


def test_a_gap_in_the_reports_is_not_jumped(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    anna.seq = 1
    anna.reports(anna.grants[-1].attempt, Step.CHECK)
    assert (anna.attempt().state, anna.acked) == (State.GRANTED, [0])


def test_what_the_table_of_states_does_not_know_moves_no_unit(office: Office):
    anna = office.agent("anna")
    need, _ = office.needs(5)
    anna.is_ready()
    anna.reports(anna.grants[-1].attempt, Step.FINISH)
    assert (anna.attempt().state, anna.acked) == (State.GRANTED, [1])
    assert office.desk.need(need.id).progress.printed == 0


def test_an_agent_cannot_report_of_anothers_attempt(office: Office):
    anna, mallory = office.agent("anna"), office.agent("mallory")
    office.needs(5)
    anna.is_ready()
    mallory.reports(anna.grants[-1].attempt, Step.FETCH)
    assert anna.attempt().state is State.GRANTED


def test_an_agent_cannot_count_its_own_units(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.prints(lot)
    anna.reports(lot, Step.INSPECT)
    assert office.desk.attempt(lot).state is State.CLEARED


def test_an_agent_that_nobody_invited_is_not_heard(office: Office):
    office.conversation.hear("stranger", Presence(online=True, connection=1, epoch="b" * 32))
    assert office.desk.printers() == []


@pytest.mark.parametrize("end", [Step.REFUSE, Step.CANCEL])
def test_what_was_not_printed_is_needed_again(office: Office, end: Step):
    anna = office.agent("anna")
    need, _ = office.needs(5)
    anna.is_ready()
    anna.reports(anna.grants[-1].attempt, Step.FETCH, end)
    assert office.desk.need(need.id).progress.needed == 5


def test_a_printer_that_refused_a_need_is_not_given_it_again_at_once(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    anna.reports(anna.grants[-1].attempt, Step.FETCH, Step.REFUSE)
    anna.is_ready()
    assert len(anna.grants) == 1
    office.now[0] += 3600
    anna.is_ready()
    assert len(anna.grants) == 2


def test_a_silent_agents_units_are_printed_by_another_and_count_if_they_turn_up(office: Office):
    anna, ben = office.agent("anna"), office.agent("ben")
    need, _ = office.needs(5)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    anna.dies()
    office.now[0] += 3600
    office.conversation.sweep()
    assert office.desk.attempt(lot).state is State.SUSPECT
    ben.is_ready()
    assert ben.grants[-1].count == 5
    anna.connection += 1
    anna.is_born()
    anna.reports(lot, Step.FINISH, Step.CLEAR)
    progress = office.desk.need(need.id).progress
    assert (progress.printed, progress.promised, progress.surplus) == (5, 5, 5)


def test_a_short_silence_costs_nothing(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    anna.dies()
    office.now[0] += 60
    office.conversation.sweep()
    assert anna.attempt().state is State.GRANTED


def test_a_replacement_that_nobody_took_yet_is_not_printed_when_the_lot_turns_up(office: Office):
    anna = office.agent("anna")
    need, _ = office.needs(5)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    anna.dies()
    office.now[0] += 1000
    office.conversation.sweep()
    anna.reports(lot, Step.FINISH)
    progress = office.desk.need(need.id).progress
    assert (progress.needed, progress.printed, progress.surplus) == (0, 5, 0)


def test_all_that_a_lost_journal_held_is_in_doubt_until_a_person_rules(office: Office):
    anna = office.agent("anna")
    need, _ = office.needs(5)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    anna.loses_its_disk()
    assert office.desk.attempt(lot).state is State.SUSPECT
    anna.is_ready()
    assert office.desk.attempt(lot).state is State.SUSPECT
    office.desk.write_off(lot, by="carl", why="the maker found an empty bed")
    progress = office.desk.need(need.id).progress
    assert (progress.written_off, progress.promised) == (5, 5)


def test_what_is_missing_from_a_parcel_is_printed_again(office: Office):
    anna = office.agent("anna")
    need, token = office.needs(5)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.prints(lot)
    office.desk.inspect(lot, good=5, scrapped=0, by="ines")
    office.desk.collect(lot, by="carl")
    parcel = office.desk.pack(need.id, by="paul")
    office.desk.send(parcel.id, by="paul")
    office.desk.receive(token, parcel.id, units=3, signed_by="sister Agnes", remark="two fell out")
    progress = office.desk.track(token).progress
    assert (progress.received, progress.written_off, progress.needed) == (3, 2, 2)


def test_a_parcel_takes_the_oldest_lots_first_and_only_what_is_there(office: Office):
    anna = office.agent("anna")
    need, _ = office.needs(13)
    for _ in range(2):
        anna.is_ready()
        anna.prints(anna.grants[-1].attempt)
        office.desk.inspect(anna.grants[-1].attempt, good=anna.grants[-1].count, scrapped=0, by="ines")
        office.desk.collect(anna.grants[-1].attempt, by="carl")
    with pytest.raises(Conflict, match="13 units"):
        office.desk.pack(need.id, by="paul", units=14)
    assert office.desk.pack(need.id, by="paul", units=12).units == 12
    assert office.desk.pack(need.id, by="paul").units == 1


def test_a_wish_is_passed_to_the_agent_with_an_expiry(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    office.desk.ask(lot, Wish.CANCEL, by="carl")
    agent, wish = office.posted[-1]
    assert isinstance(wish, Request)
    assert (agent, wish.attempt, wish.wish, wish.expires > wish.sent) == ("anna", lot, Wish.CANCEL, True)
    with pytest.raises(Conflict):
        office.desk.ask(lot, Wish.RESUME, by="carl")


def test_a_cancelled_need_is_not_printed(office: Office):
    anna = office.agent("anna")
    need, _ = office.needs(5)
    office.desk.cancel_need(need.id, by="carl")
    anna.is_ready()
    assert anna.grants == []
    with pytest.raises(Conflict):
        office.desk.cancel_need(need.id, by="carl")


def test_a_plates_file_is_served_by_its_own_link_only_while_it_may_be_needed(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    grant = anna.grants[-1]
    token = grant.url.rsplit("/", 1)[1]
    assert office.desk.body(grant.attempt, token).stat().st_size == grant.size
    with pytest.raises(Missing):
        office.desk.body(grant.attempt, "0" * len(token))
    anna.reports(grant.attempt, Step.FETCH, Step.CHECK)
    with pytest.raises(Missing):
        office.desk.body(grant.attempt, token)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"part": "no-such-part"}, Missing),
        ({"hospital": "h-nobody"}, Missing),
        ({"quantity": 0}, Invalid),
        ({"quantity": -3}, Invalid),
        ({"quantity": 10**9}, Invalid),
        ({"priority": 10}, Invalid),
        ({"deadline": 1.0}, Invalid),
        ({"parameters": {"length": 1000.0}}, Invalid),
        ({"parameters": {"colour": 1.0}}, Invalid),
    ],
)
def test_a_need_that_makes_no_sense_is_refused_and_nothing_is_kept(office: Office, changes, error):
    asked = {"hospital": office.vetted(), "part": "ear-saver", "quantity": 5, "by": "carl"} | changes
    with pytest.raises(error):
        office.desk.file_need(**asked)
    assert office.desk.needs() == []


def test_nothing_is_printed_for_a_hospital_that_nobody_vetted(office: Office):
    hospital = office.desk.add_hospital(name="?", contact="?", latitude=0, longitude=0)
    with pytest.raises(Forbidden, match="not been approved"):
        office.desk.file_need(hospital=hospital.id, part="ear-saver", quantity=1, by="carl")


def test_counts_must_add_up_and_count_once(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    with pytest.raises(Conflict):
        office.desk.inspect(lot, good=5, scrapped=0, by="ines")
    anna.prints(lot)
    for good, scrapped in ((5, 1), (6, -1), (0, 0)):
        with pytest.raises(Invalid):
            office.desk.inspect(lot, good=good, scrapped=scrapped, by="ines")
    office.desk.inspect(lot, good=5, scrapped=0, by="ines")
    with pytest.raises(Conflict):
        office.desk.inspect(lot, good=5, scrapped=0, by="ines")


def test_a_parcel_is_signed_for_once_by_its_own_hospital(office: Office):
    anna = office.agent("anna")
    need, token = office.needs(2)
    _, strangers = office.needs(2)
    for _ in range(2):
        anna.is_ready()
        anna.prints(anna.grants[-1].attempt)
        office.desk.inspect(anna.grants[-1].attempt, good=2, scrapped=0, by="ines")
    lot = next(each for each in office.desk.attempts() if each.need == need.id).id
    office.desk.collect(lot, by="carl")
    with pytest.raises(Conflict):
        office.desk.collect(lot, by="carl")
    parcel = office.desk.pack(need.id, by="paul").id
    with pytest.raises(Conflict):
        office.desk.receive(token, parcel, units=2, signed_by="Agnes")
    office.desk.send(parcel, by="paul")
    for wrong in (strangers, "x"):
        with pytest.raises(Missing):
            office.desk.receive(wrong, parcel, units=2, signed_by="Agnes")
    for units in (-1, 3):
        with pytest.raises(Invalid):
            office.desk.receive(token, parcel, units=units, signed_by="Agnes")
    office.desk.receive(token, parcel, units=2, signed_by="Agnes")
    with pytest.raises(Conflict):
        office.desk.receive(token, parcel, units=2, signed_by="Agnes")


def test_a_printer_changes_its_profile_with_the_next_birth(office: Office):
    anna = office.agent("anna")
    anna.profile = Profile(width=250)
    anna.connection += 1
    anna.is_born()
    assert office.desk.printers()[0].printer.profile.width == 250


def test_all_is_still_there_after_the_coordinator_was_restarted(office: Office, tmp_path, database):
    anna = office.agent("anna")
    need, token = office.needs(5)
    anna.is_ready()
    again = open_office(tmp_path, database)
    assert again.desk.track(token).need == need.id
    assert again.desk.attempts()[0] == anna.attempt()
    again.store.close()
