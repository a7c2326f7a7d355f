"""What agents hold against what the coordinator knows: level by level, however late or often it is said."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from coordinator.conversation import Patience
from coordinator.errors import Conflict, Invalid
from coordinator.store.engine import Store
from coordinator.store.restorations import Restoration, restorations
from tests.unit.coordinator.office import Office, PlayedAgent, furnished, open_office, stocked
from wire.lifecycle import State, Step
from wire.manifest import Signed
from wire.messages import Blame, Grant, Holding, Report

PRINTED = (Step.FETCH, Step.CHECK, Step.START, Step.PRINT, Step.FINISH)


def test_a_birth_tells_which_grants_never_arrived(office: Office):
    anna = office.agent("anna")
    need, _ = office.needs(5)
    anna.is_ready()
    lot = anna.attempt()
    anna.connection += 1
    anna.is_born(anna.holds())
    assert office.desk.attempt(lot.id).state is State.CANCELLED
    assert office.desk.need(need.id).progress.needed == 5


def test_a_statement_from_before_a_grant_says_nothing_of_it(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    lot = anna.attempt()
    anna.connection += 1
    anna.is_born(anna.holds(counter=anna.counter - 1))
    assert office.desk.attempt(lot.id).state is State.GRANTED


def test_what_a_report_holds_no_more_and_never_ended_is_in_doubt(office: Office):
    anna = office.agent("anna")
    office.needs(30)
    anna.is_ready()
    first = anna.attempt()
    anna.reports(first.id, *PRINTED, Step.CLEAR)
    anna.is_ready()
    second = anna.attempt()
    anna.reports(second.id, Step.FETCH)
    anna.reports(second.id, Step.CHECK, holding=anna.holds(second.id))
    assert office.desk.attempt(second.id).state is State.CHECKED
    late = replace_seq(anna, anna.holds())
    anna.reports(second.id, Step.START, holding=late)
    assert office.desk.attempt(second.id).state is State.SUSPECT
    assert office.desk.attempt(first.id).state is State.CLEARED


def replace_seq(anna: PlayedAgent, holding: Holding) -> Holding:
    """As of the event that is about to be reported."""
    return Holding(counter=holding.counter, seq=anna.seq + 1, acked=holding.acked, held=holding.held)


def test_a_statement_counts_only_when_all_before_it_is_committed(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    lot = anna.attempt()
    anna.seq += 2
    anna.connection += 1
    anna.is_born(anna.holds())
    assert office.desk.attempt(lot.id).state is State.GRANTED


def test_an_agent_that_lost_its_patience_with_an_unheard_event_is_not_asked_again_at_once(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    ahead = Holding(counter=0, seq=9, acked=7)
    for _ in range(3):
        anna.connection += 1
        anna.is_born(ahead)
    assert anna.recalled == [0]
    office.now[0] += 10
    anna.connection += 1
    anna.is_born(ahead)
    assert anna.recalled == [0, 0]


class Restored:
    """An office whose database went back to an older copy of itself."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.office = open_office(directory, f"sqlite:///{directory}/muster.db")
        self.stores = [self.office.store]

    def keep(self) -> None:
        with (
            contextlib.closing(sqlite3.connect(self.directory / "muster.db")) as now,
            contextlib.closing(sqlite3.connect(self.directory / "kept.db")) as kept,
        ):
            now.backup(kept)

    def go_back(self, *agents: PlayedAgent) -> Office:
        shutil.copy(self.directory / "kept.db", self.directory / "restored.db")
        store = Store(f"sqlite:///{self.directory}/restored.db")
        self.stores.append(store)
        older = self.office
        plates = stocked(self.directory / "plates", store, older.keyring)
        self.office = furnished(store, plates, older.authority, older.keyring, patience=Patience())
        for agent in agents:
            agent.office = self.office
        return self.office


@pytest.fixture
def restored(tmp_path: Path):
    made = Restored(tmp_path)
    yield made
    with made.office.store.read():
        ledger = made.office.desk.ledger()
    assert ledger.objections == []
    for store in made.stores:
        store.close()


def test_what_was_granted_in_the_lost_time_is_taken_over_and_counted_once(restored: Restored):
    anna = restored.office.agent("anna")
    need, _ = restored.office.needs(5)
    restored.keep()
    anna.is_ready()
    granted = next(message for _, message in restored.office.posted if isinstance(message, Grant))
    lot = anna.attempt()
    told = anna.reports(lot.id, *PRINTED)
    office = restored.go_back(anna)
    anna.connection += 1
    anna.is_born(Holding(counter=1, seq=5, acked=5, held=(lot.id,)))
    assert anna.recalled == [0]
    again = Report(epoch=anna.epoch, events=told.events, papers=(granted.manifest,))
    for _ in range(2):
        anna.says(again)
    assert anna.acked[-1] == 5
    found = office.desk.attempt(lot.id)
    assert (found.state, found.count, found.need) == (State.PRINTED, 5, need.id)
    assert office.desk.need(need.id).progress.printed == 5
    assert office.desk.need(need.id).progress.needed == 0


def test_what_was_printed_twice_through_a_restore_shows_as_surplus(restored: Restored):
    anna, ben = restored.office.agent("anna"), restored.office.agent("ben")
    need, _ = restored.office.needs(5)
    restored.keep()
    anna.is_ready()
    granted = next(message for _, message in restored.office.posted if isinstance(message, Grant))
    lot = anna.attempt()
    told = anna.reports(lot.id, *PRINTED)
    office = restored.go_back(anna, ben)
    ben.connection += 1
    ben.is_born()
    ben.is_ready()
    ben.prints(ben.attempt().id)
    anna.connection += 1
    anna.is_born()
    anna.says(Report(epoch=anna.epoch, events=told.events, papers=(granted.manifest,)))
    progress = office.desk.need(need.id).progress
    assert (progress.printed, progress.needed, progress.surplus) == (10, 0, 5)


def test_papers_that_we_did_not_sign_are_worth_nothing(restored: Restored):
    anna = restored.office.agent("anna")
    restored.office.needs(5)
    restored.keep()
    anna.is_ready()
    granted = next(message for _, message in restored.office.posted if isinstance(message, Grant))
    told = anna.reports(anna.attempt().id, *PRINTED)
    office = restored.go_back(anna)
    body = granted.manifest.body.replace(b'"count":5', b'"count":9')
    forged = Signed(body, granted.manifest.key, granted.manifest.signature)
    anna.says(Report(epoch=anna.epoch, events=told.events, papers=(forged,)))
    assert anna.acked == [5]
    assert office.desk.attempts() == []


def test_an_agent_that_kept_less_than_was_lost_goes_on_from_there(restored: Restored):
    anna = restored.office.agent("anna")
    restored.office.needs(5)
    restored.keep()
    anna.is_ready()
    told = anna.reports(anna.attempt().id, *PRINTED)
    restored.go_back(anna)
    anna.says(Report(epoch=anna.epoch, events=told.events[3:], since=3))
    assert anna.acked == [5]


def test_every_agent_is_asked_for_what_is_lacking(office: Office):
    anna, ben = office.agent("anna"), office.agent("ben")
    office.needs(5)
    anna.is_ready()
    anna.reports(anna.attempt().id, Step.FETCH)
    for known in office.conversation.known():
        office.conversation.resync(*known)
    assert (anna.recalled, ben.recalled) == ([1], [0])


def test_long_prints_are_doubted_later(office: Office):
    office.needs(200)
    agents = [office.agent(name) for name in ("anna", "ben")]
    for agent in agents:
        agent.is_ready()
    anna, ben = agents
    anna.reports(anna.attempt().id, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    ben.reports(ben.attempt().id, Step.FETCH)
    for agent in agents:
        agent.dies()
    office.now[0] += 1000
    office.conversation.sweep()
    assert (anna.attempt().state, ben.attempt().state) == (State.PRINTING, State.SUSPECT)
    office.now[0] += anna.attempt().seconds / 4
    office.conversation.sweep()
    assert anna.attempt().state is State.SUSPECT


def test_a_printed_lot_waits_two_days_for_its_maker(office: Office):
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    anna.reports(anna.attempt().id, *PRINTED)
    anna.dies()
    office.now[0] += 47 * 3600
    office.conversation.sweep()
    assert anna.attempt().state is State.PRINTED
    office.now[0] += 2 * 3600
    office.conversation.sweep()
    assert anna.attempt().state is State.SUSPECT


def test_a_person_may_vouch_for_a_lot_in_doubt(office: Office):
    anna = office.agent("anna")
    need, _ = office.needs(5)
    anna.is_ready()
    lot = anna.attempt()
    with pytest.raises(Conflict, match="suspect"):
        office.desk.vouch(lot.id, by="Ines", why="I hold them")
    anna.reports(lot.id, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    anna.loses_its_disk()
    assert office.desk.need(need.id).progress.needed == 5
    with pytest.raises(Invalid, match="how you know"):
        office.desk.vouch(lot.id, by="Ines", why=" ")
    office.desk.vouch(lot.id, by="Ines", why="I hold them in my hands")
    assert office.desk.need(need.id).progress.needed == 0
    office.desk.inspect(lot.id, good=5, scrapped=0, by="Ines")
    assert office.desk.need(need.id).progress.good == 5


def fails(office: Office, name: str, blame: Blame, *, step: Step = Step.REFUSE) -> None:
    agent = office.agent(name)
    agent.is_ready()
    before = (Step.FETCH,) if step is Step.REFUSE else (Step.FETCH, Step.CHECK, Step.START)
    agent.reports(agent.attempt().id, *before, step, why="the gate refused line 7", blame=blame)


def test_a_job_that_comes_to_nothing_on_three_printers_is_held(office: Office):
    need, _ = office.needs(5)
    other, _ = office.needs(7)
    for name in ("anna", "ben"):
        fails(office, name, Blame.JOB)
    assert office.desk.need(need.id).need.held is None
    fails(office, "carl", Blame.PRINTER, step=Step.FAIL)
    held = office.desk.need(need.id).need
    assert held.held is not None
    assert "one of anna: the gate refused line 7" in held.held_why
    dora = office.agent("dora")
    dora.is_ready()
    assert dora.grants[-1].job == other.id
    office.desk.release_need(need.id, by="Ines")
    with pytest.raises(Conflict, match="not held"):
        office.desk.release_need(need.id, by="Ines")
    erik = office.agent("erik")
    erik.is_ready()
    assert erik.grants[-1].job == need.id


def test_circumstances_hold_no_job(office: Office):
    need, _ = office.needs(5)
    for name in ("anna", "ben", "carl"):
        fails(office, name, Blame.NOBODY)
    assert office.desk.need(need.id).need.held is None


def test_one_printer_that_fails_holds_no_job(office: Office):
    need, _ = office.needs(5)
    anna = office.agent("anna")
    for _ in range(4):
        anna.is_ready()
        anna.reports(anna.attempt().id, Step.FETCH, Step.REFUSE, blame=Blame.JOB)
        office.now[0] += 700
    assert len(anna.grants) == 4
    assert office.desk.need(need.id).need.held is None


def test_a_job_that_printed_in_between_is_not_at_fault(office: Office):
    need, _ = office.needs(8)
    for name in ("anna", "ben"):
        fails(office, name, Blame.PRINTER, step=Step.FAIL)
    dora = office.agent("dora")
    dora.is_ready()
    dora.prints(dora.attempt().id)
    office.desk.inspect(dora.attempt().id, good=0, scrapped=8, by="Ines")
    fails(office, "carl", Blame.PRINTER, step=Step.FAIL)
    assert office.desk.need(need.id).need.held is None


def came_back_from_a_back_up(restored: Restored, *agents: PlayedAgent) -> Office:
    with restored.office.store.write() as tx:
        moment = Restoration(
            id="r-1", taken=restored.office.now[0] - 3600, restored=restored.office.now[0] - 300
        )
        restorations.add(tx, moment)
    restored.keep()
    return restored.go_back(*agents)


def test_after_a_restore_agents_have_their_say_before_plates_are_given_out(restored: Restored):
    ben = restored.office.agent("ben")
    restored.office.needs(5)
    office = came_back_from_a_back_up(restored, ben)
    ben.connection += 1
    ben.is_born()
    ben.is_ready()
    assert ben.grants == []
    office.now[0] += 61
    ben.is_ready()
    assert len(ben.grants) == 1


def test_they_have_it_once_and_not_after_every_start(restored: Restored):
    ben = restored.office.agent("ben")
    office = came_back_from_a_back_up(restored, ben)
    office.now[0] += 61
    ben.is_born()
    ben.is_ready()
    restored.office.needs(5)
    restored.keep()
    again = restored.go_back(ben)
    ben.connection += 1
    ben.is_born()
    ben.is_ready()
    again.conversation.plan()
    assert len(ben.grants) == 1


def test_a_clock_set_back_makes_no_long_silence_of_it(restored: Restored):
    ben = restored.office.agent("ben")
    restored.office.needs(5)
    office = came_back_from_a_back_up(restored, ben)
    office.now[0] -= 3600
    ben.is_born()
    ben.is_ready()
    assert ben.grants == []
    office.now[0] += 61
    ben.is_ready()
    assert len(ben.grants) == 1
