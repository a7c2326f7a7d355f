"""Asked twice, done once: whatever comes in between."""

import threading
from typing import cast

import pytest

from coordinator.changes import Listener
from coordinator.errors import Conflict, Invalid
from coordinator.idempotency import KEPT, Idempotency
from coordinator.model.records import Hospital
from tests.unit.coordinator.office import Office


@pytest.fixture
def idempotency(office: Office) -> Idempotency:
    return Idempotency(office.services.units, b"s" * 32)


def filing(office: Office, name: str = "St Anna"):
    return lambda: office.desk.add_hospital(name=name, contact="ward 3", latitude=48.2, longitude=16.3)


def test_the_second_time_it_is_answered_and_not_done(idempotency: Idempotency, office: Office):
    first = idempotency.once("ines POST /hospitals", "form-1", b"St Anna", Hospital, filing(office))
    assert idempotency.once("ines POST /hospitals", "form-1", b"St Anna", Hospital, filing(office)) == first
    assert office.desk.hospitals() == [first]


def test_another_form_another_person_and_another_page_are_other_matters(
    idempotency: Idempotency, office: Office
):
    for scope, key in (
        ("ines POST /a", "1"),
        ("ines POST /a", "2"),
        ("carl POST /a", "1"),
        ("ines POST /b", "1"),
    ):
        idempotency.once(scope, key, b"", Hospital, filing(office))
    assert len(office.desk.hospitals()) == 4


def test_the_same_key_with_something_else_in_it_is_refused(idempotency: Idempotency, office: Office):
    idempotency.once("ines", "form-1", b"St Anna", Hospital, filing(office))
    with pytest.raises(Conflict):
        idempotency.once("ines", "form-1", b"St Barbara", Hospital, filing(office, "St Barbara"))
    assert len(office.desk.hospitals()) == 1


def test_what_was_refused_may_be_mended_and_sent_again(idempotency: Idempotency, office: Office):
    with pytest.raises(Invalid):
        idempotency.once("ines", "form-1", b"?", Hospital, filing(office, " "))
    idempotency.once("ines", "form-1", b"St Anna", Hospital, filing(office))
    assert len(office.desk.hospitals()) == 1


def test_a_failure_after_the_act_undoes_it(idempotency: Idempotency, office: Office):
    def fails() -> Hospital:
        filing(office)()
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        idempotency.once("ines", "form-1", b"", Hospital, fails)
    assert office.desk.hospitals() == []


def test_of_many_at_once_one_is_done(idempotency: Idempotency, office: Office):
    answers: list[Hospital] = []
    start = threading.Barrier(6)

    def click() -> None:
        start.wait()
        answers.append(idempotency.once("ines", "form-1", b"St Anna", Hospital, filing(office)))

    threads = [threading.Thread(target=click) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert len({each.id for each in answers}) == 1
    assert len(office.desk.hospitals()) == 1


def test_an_answer_is_known_for_a_day(idempotency: Idempotency, office: Office):
    idempotency.once("ines", "form-1", b"", Hospital, filing(office))
    office.now[0] += KEPT + 1
    idempotency.once("ines", "form-1", b"", Hospital, filing(office))
    assert len(office.desk.hospitals()) == 2


def test_a_kept_answer_does_not_show_the_hospitals_link(idempotency: Idempotency, office: Office):
    idempotency.once("ines", "form-1", b"", str, lambda: "/t/the-secret-link")
    with office.store.read() as tx:
        kept = str(tx.exec_driver_sql("SELECT * FROM idempotency_key").all())
    assert "secret-link" not in kept
    assert idempotency.once("ines", "form-1", b"", str, lambda: "") == "/t/the-secret-link"


def test_news_comes_after_the_commit(idempotency: Idempotency, office: Office, monkeypatch):
    told: list[tuple[str, ...]] = []
    seen: list[int] = []
    listeners = office.desk.changes._listeners

    class Ear:
        def hear(self, subjects):
            told.append(subjects)
            seen.append(len(office.desk.hospitals()))

        def end(self): ...

    listeners.add(cast(Listener, Ear()))
    made = idempotency.once("ines", "form-1", b"", Hospital, filing(office))
    assert told == [(f"hospital/{made.id}",)]
    assert seen == [1]
