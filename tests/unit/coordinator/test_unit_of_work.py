"""What is told goes out after the outermost commit, or never; and nothing else can tell."""

import ast
from pathlib import Path

import pytest

import coordinator
from coordinator.people import accounts
from coordinator.store import attempts, people
from coordinator.unit_of_work import Outlets, UnitOfWork, UnitsOfWork
from tests.unit.coordinator.acts.test_every_act import CommitError, failing_commits, rows, told
from tests.unit.coordinator.office import Office
from wire.lifecycle import Step
from wire.messages import Ack, Keys

PRODUCT = Path(coordinator.__file__).parent
ANNA = "printer/anna"
HELLO = Ack(sent=0, epoch="a" * 32, seq=0)


class Heard(list[str]):
    """What was told, each with the people who were in the database then."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def hear(self, said: str) -> None:
        with self._office.store.read() as tx:
            there = ",".join(sorted(each.name for each in people.persons.find(tx)))
        self.append(f"{said}: {there}")


@pytest.fixture
def heard(office: Office) -> Heard:
    return Heard(office)


@pytest.fixture
def units(office: Office, heard: Heard) -> UnitsOfWork:
    outlets = Outlets(
        publish=lambda *subjects: heard.hear(" ".join(subjects)),
        post=lambda agent, _: heard.hear(agent),
        replan=lambda: heard.hear("plan"),
        readmit=lambda: heard.hear("access"),
    )
    return UnitsOfWork(office.store, outlets, lambda: office.now[0])


def take_in(unit: UnitOfWork, name: str) -> None:
    accounts.add(unit.tx, name=name, shown=name, now=unit.now)


def test_all_of_it_is_told_after_the_commit(units: UnitsOfWork, heard: Heard):
    with units.begin() as unit:
        take_in(unit, "ines")
        unit.replan()
        unit.changed(ANNA, "need/n1", ANNA)
        unit.access_changed()
        unit.then(lambda: heard.hear("logged"))
        unit.post("anna", HELLO)
        assert heard == []
    said = ["anna", "access", f"{ANNA} need/n1", "plan", "logged"]
    assert heard == [f"{each}: ines" for each in said]


def test_a_rollback_drops_it(units: UnitsOfWork, heard: Heard):
    def fail() -> None:
        with units.begin() as unit:
            unit.changed(ANNA)
            raise CommitError

    with pytest.raises(CommitError):
        fail()
    assert heard == []


def test_a_part_waits_for_the_whole(units: UnitsOfWork, heard: Heard):
    with units.begin() as whole:
        with units.begin() as part:
            take_in(part, "ines")
            part.changed(ANNA)
        assert heard == []
        take_in(whole, "carl")
    assert heard == [f"{ANNA}: carl,ines"]


def test_a_part_that_fails_takes_only_its_own_along(units: UnitsOfWork, heard: Heard):
    def fail() -> None:
        with units.begin() as part:
            take_in(part, "ines")
            part.changed("need/n1")
            raise CommitError

    with units.begin() as whole:
        with pytest.raises(CommitError):
            fail()
        take_in(whole, "carl")
        whole.changed(ANNA)
    assert heard == [f"{ANNA}: carl"]


def test_what_needs_no_transaction_waits_for_the_one_around_it(units: UnitsOfWork, heard: Heard):
    with units.begin() as whole:
        with units.unrecorded() as outbox:
            outbox.post("anna", HELLO)
        assert heard == []
        take_in(whole, "carl")
    with units.unrecorded() as outbox:
        outbox.post("ben", HELLO)
    assert heard == ["anna: carl", "ben: carl"]


def test_one_that_can_not_be_told_keeps_no_other_from_it(office: Office, heard: Heard):
    def broken(*_: object) -> None:
        raise OSError("the link is down")

    outlets = Outlets(publish=broken, post=broken, replan=lambda: heard.hear("plan"), readmit=broken)
    with UnitsOfWork(office.store, outlets, lambda: 1.0).begin() as unit:
        unit.changed(ANNA)
        unit.access_changed()
        unit.post("anna", HELLO)
        unit.replan()
    assert heard == ["plan: "]


# ── what agents say ───────────────────────────────────────────────────────────────────────────────────────


def says_ready(office: Office) -> None:
    office.played[0].is_ready()


def says_report(office: Office) -> None:
    with office.store.read() as tx:
        [lot] = attempts.open_attempts(tx)
    office.played[0].reports(lot.id, Step.FETCH, Step.CHECK)


def says_birth(office: Office) -> None:
    office.played[0].connection += 1
    office.played[0].is_born()


@pytest.mark.parametrize(
    "say", [says_ready, says_report, says_birth, lambda office: office.conversation.plan()]
)
def test_a_message_whose_commit_fails_is_not_answered(office: Office, say):
    office.needs(40)
    anna = office.agent("anna")
    if say is says_report:
        anna.is_ready()
    elif say not in (says_ready, says_birth):
        anna.is_ready(plan=False)
    before = rows(office)
    with told(office) as said, failing_commits(office), pytest.raises(CommitError):
        say(office)
    assert said == []
    assert rows(office) == before


def test_new_keys_are_told_without_a_transaction(office: Office):
    anna = office.agent("anna")
    anna.is_ready()
    office.posted.clear()
    office.conversation.renew_keys()
    assert [type(each) for _, each in office.posted] == [Keys]


# ── nothing else can tell ─────────────────────────────────────────────────────────────────────────────────

OUTLETS = {
    "publish": {"changes.py", "mqtt/link.py", "app.py", "unit_of_work.py"},
    "reload": {"agents/allowlist.py", "app.py"},
    "wake": {"mqtt/revocation.py", "app.py"},
}
"""By what a telling is called: who may name it. Elsewhere a unit of work is asked."""


@pytest.mark.parametrize("name", OUTLETS)
def test_only_the_unit_of_work_tells(name: str):
    found = {
        str(path.relative_to(PRODUCT))
        for path in PRODUCT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == name
    }
    keyring_and_such = {each for each in found if each.startswith(("keys/", "web/server"))}
    assert found - keyring_and_such <= OUTLETS[name]
