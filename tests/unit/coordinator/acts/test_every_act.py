"""What holds for every act that is registered, those to come among them."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, select

from coordinator import request_context
from coordinator.acts.act import ACTS
from coordinator.errors import Forbidden
from coordinator.model.audit_log import AuditEntry, check_chain
from coordinator.model.roles import Permission
from coordinator.people.principal import NOBODY
from coordinator.store import audit_log, schema
from tests.unit.coordinator.acts.scenarios import SCENARIOS, play
from tests.unit.coordinator.office import Office

PERSONAL = ("Agnes", "thank", "rang", "moved", "ward", "anna", "Anna")


@pytest.fixture
def database(tmp_path: Path) -> str:
    """SQLite: what is told, and what is noted, is the same on either."""
    return f"sqlite:///{tmp_path}/muster.db"


def entries(office: Office) -> list[AuditEntry]:
    with office.store.read() as tx:
        return list(audit_log.every(tx))


def rows(office: Office) -> dict[str, list[tuple[object, ...]]]:
    """All that the database holds."""
    with office.store.read() as tx:
        return {
            table.name: sorted((tuple(row) for row in tx.execute(select(table))), key=repr)
            for table in schema.metadata.sorted_tables
        }


@contextmanager
def told(office: Office) -> Generator[list[object]]:
    """What is told meanwhile: messages to agents, subjects, the planner's and the allow-list's wake-up calls."""
    heard: list[object] = []
    office.posted.clear()
    office.planning.clear()
    office.readmitted.clear()
    published = office.published
    before = len(published)
    yield heard
    heard += office.posted
    heard += published[before:]
    heard += ["plan"] if office.planning.is_set() else []
    heard += ["access"] if office.readmitted.is_set() else []


class CommitError(Exception):
    """The disk is full, say."""


@contextmanager
def failing_commits(office: Office) -> Generator[None]:
    def fail(_: object) -> None:
        raise CommitError

    event.listen(office.store.engine, "commit", fail)
    try:
        yield
    finally:
        event.remove(office.store.engine, "commit", fail)


def test_every_act_is_tried_here():
    assert SCENARIOS.keys() == ACTS.keys()


@pytest.mark.parametrize("name", ACTS)
def test_a_commit_that_fails_tells_nobody_and_keeps_nothing(office: Office, name: str):
    there = SCENARIOS[name].prepare(office)
    before = rows(office)
    with told(office) as heard, failing_commits(office), pytest.raises(CommitError):
        play(office, name, there)
    assert heard == []
    assert rows(office) == before
    with told(office) as heard:
        play(office, name, there)
    assert bool(heard) is SCENARIOS[name].tells
    assert rows(office) != before


@pytest.mark.parametrize("name", ACTS)
def test_what_is_part_of_something_that_fails_later_is_not_told(office: Office, name: str):
    there = SCENARIOS[name].prepare(office)
    before = rows(office)

    def fail_later() -> None:
        with office.services.units.begin():
            play(office, name, there)
            raise CommitError

    with told(office) as heard, pytest.raises(CommitError):
        fail_later()
    assert heard == []
    assert rows(office) == before


@pytest.mark.parametrize("name", ACTS)
def test_it_is_noted_once_with_who_and_by_what_way(office: Office, name: str):
    there = SCENARIOS[name].prepare(office)
    before = len(entries(office))
    with request_context.acting(via="page", role="admin"):
        play(office, name, there)
    made = next(each for each in entries(office)[before:] if each.act == name)
    assert (made.via, made.role) == ("page", "admin")
    assert made.by == "ines" or made.by.startswith(("hospital/h-", "maker/m-", "carl"))
    assert made.subject.startswith(ACTS[name].on)
    said = " ".join((made.by, made.subject, made.details))
    assert not [word for word in PERSONAL if word in said] or name == "agent.place"
    assert check_chain(entries(office)).whole


@pytest.mark.parametrize("name", [each for each in ACTS if ACTS[each].permission is not Permission.ENTER])
def test_nobody_may(office: Office, name: str):
    with told(office) as heard, pytest.raises(Forbidden):
        ACTS[name](office.services, NOBODY)
    assert heard == []


@pytest.mark.parametrize("name", ACTS)
def test_it_says_in_one_line_what_it_does(name: str):
    assert 10 < len(ACTS[name].summary) < 120
    assert ".py" not in ACTS[name].summary
    assert "see `" not in ACTS[name].summary.lower()
    assert name == name.lower()
