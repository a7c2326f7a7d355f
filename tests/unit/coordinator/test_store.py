"""The database: its migrations, its two kinds of transaction, and many threads at one desk."""

import sqlite3
import threading
from collections.abc import Callable

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from coordinator.errors import StartError
from coordinator.model.audit_log import check_chain
from coordinator.store import agents, audit_log, guards, idempotency_keys, makers, offers, people, schema
from coordinator.store.engine import Store
from tests.unit.coordinator.office import Office
from tests.unit.coordinator.older import at_revision, with_private_names
from wire.lifecycle import State, Step
from wire.messages import Event, Ready, Report


def test_the_migrated_tables_are_those_of_the_schema(empty_database):
    store = Store(empty_database)
    with store.read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
        assert guards.missing(tx) == []
    store.close()


def test_the_first_versions_database_opens_and_keeps_what_it_holds(empty_database):
    at_revision(empty_database, "0001")
    connecting = create_engine(empty_database)
    with connecting.begin() as tx:
        tx.execute(
            text(
                "insert into agent (name, enrolled, epoch, seq, connection, online, seen, software)"
                " values ('anna', 1, 'a', 7, 3, true, 1, '')"
            )
        )
    connecting.dispose()
    store = Store(empty_database)
    with store.read() as tx:
        known = agents.agents.get(tx, "anna")
        assert known is not None
        assert known.seq == 7
        assert "held" in {column["name"] for column in inspect(tx).get_columns("ready")}
    store.close()


def test_what_an_older_version_called_otherwise_is_kept_and_its_chain_goes_on(empty_database):
    head = with_private_names(empty_database)
    store = Store(empty_database)
    with store.read() as tx:
        chain = check_chain(audit_log.every(tx))
        assert (chain.whole, chain.entries, chain.head) == (True, 3, head)
        link = people.password_links.get(tx, "c")
        assert link is not None
        assert (link.person, link.expires, link.by) == ("ines", 9, "ada")
        response = idempotency_keys.responses.get(tx, "k")
        assert response is not None
        assert (response.at, response.request, response.response) == (5, "digest", "sealed")
        assert makers.with_address(tx) == {"anna"}
        assert offers.declined(tx, since=1) == {("anna", "one", "n")}
        assert guards.missing(tx) == []
    with store.write() as tx:
        audit_log.note(tx, by="ines", act="need.file", on="need/n-4", now=20)
    with store.read() as tx:
        assert check_chain(audit_log.every(tx), head=head).whole
    with pytest.raises(DBAPIError), store.write() as tx:
        tx.execute(text("delete from audit_log where number = 4"))
    store.close()


def test_to_open_a_database_again_changes_nothing(empty_database):
    def tables() -> dict[str, list[str]]:
        store = Store(empty_database)
        with store.read() as tx:
            looked = inspect(tx)
            found = {
                name: [str(each) for each in looked.get_columns(name)] for name in looked.get_table_names()
            }
        store.close()
        return found

    assert tables() == tables()


def test_a_newer_versions_database_is_left_alone(empty_database):
    Store(empty_database).close()
    connecting = create_engine(empty_database)
    with connecting.begin() as tx:
        tx.execute(text("update alembic_version set version_num = '9999'"))
    connecting.dispose()
    with pytest.raises(StartError, match="newer version"):
        Store(empty_database)


def test_a_file_that_is_no_database_is_named_in_one_line(tmp_path):
    (tmp_path / "notes.db").write_text("not a database at all, but long enough to be looked at" * 40)
    with pytest.raises(StartError, match="can't be used: file is not a database"):
        Store(f"sqlite:///{tmp_path}/notes.db")


def test_what_raises_leaves_nothing(office: Office):
    def begins_and_fails() -> None:
        with office.store.write() as tx:
            agents.agents.add(tx, agents.Agent(name="anna", enrolled=0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        begins_and_fails()
    with office.store.read() as tx:
        assert agents.agents.get(tx, "anna") is None


def test_a_writer_that_waits_for_another_process_gets_its_turn(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/muster.db")
    other = sqlite3.connect(tmp_path / "muster.db", isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    threading.Timer(0.1, lambda: other.execute("commit")).start()
    with store.write() as tx:
        agents.agents.add(tx, agents.Agent(name="anna", enrolled=0))
    other.close()
    store.close()


def test_counters_as_large_as_the_wire_allows_can_be_kept(office: Office):
    anna = office.agent("anna", connection=2**53)
    anna.counter = 2**53 - 1
    office.needs(5)
    anna.is_ready()
    assert anna.grants[-1].count == 5


def test_a_nul_in_an_agents_words_stops_nothing(office: Office):
    """PostgreSQL can't keep one, and the report would be said again for ever."""
    anna = office.agent("anna")
    office.needs(5)
    anna.is_ready()
    anna.reports(anna.grants[-1].attempt, Step.FETCH, Step.REFUSE, why="garbage \0 from the port")
    assert (anna.attempt().state, anna.attempt().why) == (
        State.REFUSED,
        "garbage \N{REPLACEMENT CHARACTER} from the port",
    )


# ── many threads ──────────────────────────────────────────────────────────────────────────────────────────


def at_once(*tasks: Callable[[], None]) -> None:
    """Run them all at one moment; what one of them raises is raised here."""
    start, failures = threading.Barrier(len(tasks)), list[Exception]()

    def run(task: Callable[[], None]) -> None:
        start.wait()
        try:
            task()
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert failures == []


def test_threads_that_file_report_plan_and_look_lose_nothing(office: Office):
    hospital = office.vetted()
    played = [office.agent(f"agent-{number}") for number in range(3)]

    def file() -> None:
        for _ in range(4):
            office.needs(7, hospital=hospital)

    def plan() -> None:
        for _ in range(6):
            office.conversation.plan()
            office.conversation.sweep()

    def look() -> None:
        for _ in range(6):
            assert office.desk.ledger().objections == []
            office.desk.needs()
            office.desk.printers()
            office.desk.standing()

    def work(agent) -> Callable[[], None]:
        def all_day() -> None:
            for _ in range(4):
                taken = len(agent.grants)
                agent.is_ready()
                for grant in agent.grants[taken:]:
                    agent.prints(grant.attempt)

        return all_day

    at_once(file, file, plan, plan, look, *(work(agent) for agent in played))
    needs = office.desk.needs()
    assert len(needs) == 8
    assert all(view.progress.surplus == 0 for view in needs)
    # Each agent's reports were all heard, in their order.
    with office.store.read() as tx:
        heard = {each.name: each.seq for each in agents.agents.find(tx)}
    assert heard == {agent.name: agent.seq for agent in played}


def test_one_ready_that_two_threads_handle_gets_one_attempt(office: Office):
    anna = office.agent("anna")
    office.needs(30)
    anna.is_ready()
    anna.prints(anna.grants[-1].attempt)
    ready = Ready(
        printer="one",
        nonce="one-nonce-for-both",
        counter=anna.counter + 1,
        lifetime=60,
        window=86_400,
        material="petg",
        epoch=anna.epoch,
        seq=anna.seq,
    )
    at_once(*[lambda: anna.says(ready)] * 4, office.conversation.plan)
    assert [each.nonce for each in office.desk.attempts()].count("one-nonce-for-both") == 1
    assert [grant.nonce for grant in anna.grants].count("one-nonce-for-both") == 1


def test_one_report_that_two_threads_handle_counts_once(office: Office):
    anna = office.agent("anna")
    need, _ = office.needs(5)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    steps = (Step.FETCH, Step.CHECK, Step.START, Step.PRINT, Step.FINISH)
    events = tuple(Event(seq=number, attempt=lot, step=step, at=0) for number, step in enumerate(steps, 1))
    at_once(*[lambda: anna.says(Report(epoch=anna.epoch, events=events))] * 4)
    assert office.desk.need(need.id).progress.printed == 5
    assert anna.acked == [5] * 4
