"""Every act of a person is in the audit log, in the transaction of the act; and nobody takes it out unseen."""

import threading

import pytest
from sqlalchemy import text

from coordinator.errors import Problem
from coordinator.model.audit_log import AuditEntry, check_chain
from coordinator.store import audit_log, guards
from tests.unit.coordinator.acts.scenarios import off_the_bed
from tests.unit.coordinator.office import Office
from wire.messages import Wish


def entries(office: Office) -> list[AuditEntry]:
    with office.store.read() as tx:
        return list(audit_log.every(tx))


def test_what_was_refused_is_not_noted(office: Office):
    need, _, lot = off_the_bed(office)
    before = len(entries(office))
    for refused in (
        lambda: office.desk.inspect(lot, good=9, scrapped=9, by="ines"),
        lambda: office.desk.ask(lot, Wish.PAUSE, by="ines"),
        lambda: office.desk.pack(need, by="ines"),
        lambda: office.desk.release_need(need, by="ines"),
    ):
        with pytest.raises(Problem):
            refused()
    assert len(entries(office)) == before


def test_an_act_that_is_undone_leaves_no_note(office: Office):
    office.needs(2)
    before = entries(office)

    def fail_late() -> None:
        with office.store.write() as tx:
            audit_log.note(tx, by="ines", act="need.file", on="need/n-1", now=1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_late()
    assert entries(office) == before


def test_many_at_once_make_one_chain(office: Office):
    hospital = office.vetted()

    def work() -> None:
        for _ in range(8):
            office.desk.file_need(hospital=hospital, part="ear-saver", quantity=1, by="ines")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = entries(office)
    assert check_chain(made).entries == 2 + 32
    assert check_chain(made).whole


def test_a_row_that_a_superuser_alters_is_named(office: Office):
    for _ in range(4):
        office.needs(1)
    with office.store.write() as tx, guards.lowered(tx):
        tx.execute(text("update audit_log set \"by\" = 'nobody' where number = 5"))
    found = check_chain(entries(office))
    assert found.first is not None
    assert found.first.number == 5
    with office.store.read() as tx:
        assert guards.missing(tx) == []
    office.needs(1)  # work goes on
