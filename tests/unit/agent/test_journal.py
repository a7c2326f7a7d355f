import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.journal import Journal
from agent.journal.file import JournalError
from agent.journal.stops import StopKind
from wire.errors import RemoteError
from wire.lifecycle import State, Step
from wire.manifest import Manifest, Signed, sign

KEY = Ed25519PrivateKey.generate()


def grant(attempt: str, printer: str = "left") -> tuple[Manifest, Signed]:
    manifest = Manifest(
        attempt=attempt,
        job="job-1",
        agent="ana",
        printer=printer,
        nonce="0123456789abcdef",
        part="ear-saver",
        version="1",
        parameters={},
        count=9,
        material="petg",
        profile="0" * 64,
        url="http://127.0.0.1/file",
        size=10,
        digest="0" * 64,
        grams=36,
        seconds=3600,
        sequence=time.monotonic_ns(),  # higher with each
    )
    return manifest, sign(manifest, KEY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    journal.beds.clear("left", 0.0)
    yield journal
    journal.close()


def walk(journal: Journal, attempt: str, *steps: Step) -> None:
    for at, step in enumerate(steps):
        journal.attempts.record(attempt, step, at)


PRINTED = (Step.CHECK, Step.START, Step.PRINT, Step.FINISH)


def test_the_epoch_is_made_with_the_file(journal: Journal, path: Path, tmp_path: Path):
    assert len(journal.epoch) == 32
    again, other = Journal(path), Journal(tmp_path / "other.db")
    assert again.epoch == journal.epoch
    assert other.epoch != journal.epoch
    again.close()
    other.close()


def test_counters_rise_across_restarts(path: Path):
    numbers: list[int] = []
    for _ in range(3):
        journal = Journal(path)
        numbers += [
            journal.counters.rise("ready"),
            journal.counters.rise("ready"),
            journal.counters.rise("connection"),
        ]
        journal.close()
    assert numbers == [1, 2, 1, 3, 4, 2, 5, 6, 3]


def test_an_attempt_is_taken_once_ever(journal: Journal):
    assert journal.attempts.take(*grant("a-1"), Step.FETCH, 1.0)
    assert not journal.attempts.take(*grant("a-1"), Step.FETCH, 2.0)
    journal.attempts.record("a-1", Step.REFUSE, 3.0, "no")
    journal.events.acknowledge(journal.epoch, 2)
    assert not journal.attempts.take(*grant("a-1"), Step.FETCH, 4.0)
    assert journal.attempts.held() == (2, ())


def test_the_manifest_is_kept_to_the_byte(journal: Journal):
    manifest, signed = grant("a-1")
    journal.attempts.take(manifest, signed, Step.FETCH, 1.0)
    found = journal.attempts.current("left")
    assert found is not None
    assert found.signed == signed


def test_events_are_numbered_without_a_gap_until_they_are_acknowledged(journal: Journal, path: Path):
    journal.attempts.take(*grant("a-1"), Step.FETCH, 1.0)
    walk(journal, "a-1", *PRINTED)
    assert [event.seq for event in journal.events.untold()] == [1, 2, 3, 4, 5]
    assert journal.events.acknowledge(journal.epoch, 3)
    assert [event.step for event in journal.events.untold()] == [Step.PRINT, Step.FINISH]
    journal.events.acknowledge(journal.epoch, 5)
    again = Journal(path)
    again.beds.clear("left", 9.0)
    assert [(event.seq, event.step) for event in again.events.untold()] == [(6, Step.CLEAR)]
    again.close()


def test_an_acknowledgement_of_another_epoch_forgets_nothing(journal: Journal):
    journal.attempts.take(*grant("a-1"), Step.FETCH, 1.0)
    assert journal.events.acknowledge("0" * 32, 1)
    assert len(journal.events.untold()) == 1


def test_an_acknowledgement_of_what_was_never_said_is_told(journal: Journal):
    journal.attempts.take(*grant("a-1"), Step.FETCH, 1.0)
    assert not journal.events.acknowledge(journal.epoch, 2)
    assert len(journal.events.untold()) == 1


def test_a_step_that_the_table_forbids_changes_nothing(journal: Journal):
    journal.attempts.take(*grant("a-1"), Step.FETCH, 1.0)
    with pytest.raises(RemoteError):
        journal.attempts.record("a-1", Step.FINISH, 2.0)
    assert len(journal.events.untold()) == 1
    assert journal.counters.rise("seq") == 2


def test_a_new_printers_bed_is_not_clear(journal: Journal):
    assert not journal.beds.is_clear("right")


def test_nothing_starts_on_a_bed_that_is_not_clear(journal: Journal):
    journal.attempts.take(*grant("a-1"), Step.FETCH, 1.0)
    walk(journal, "a-1", Step.CHECK)
    journal.beds.occupy("left")
    with pytest.raises(JournalError, match="not clear"):
        journal.attempts.record("a-1", Step.START, 2.0)
    assert [event.step for event in journal.events.untold()] == [Step.FETCH, Step.CHECK]


@pytest.mark.parametrize("until", [0, 2, 4])
def test_a_printer_takes_no_second_attempt_before_the_first_is_over(journal: Journal, until: int):
    journal.attempts.take(*grant("a-1"), Step.FETCH, 1.0)
    walk(journal, "a-1", *PRINTED[:until])
    with pytest.raises(RemoteError, match="a-1"):
        journal.attempts.take(*grant("a-2"), Step.FETCH, 2.0)
    assert journal.attempts.named("a-2") is None
    assert journal.attempts.held()[1] == ("a-1",)
    assert journal.attempts.take(*grant("b-1", "right"), Step.FETCH, 2.0)


def test_the_latest_attempt_is_the_latest_also_when_the_clock_was_set_back(journal: Journal):
    for attempt, at in (("a-1", 1_000_000.0), ("a-2", 5.0)):
        journal.attempts.take(*grant(attempt), Step.REFUSE, at)
    latest = journal.attempts.latest("left")
    assert latest is not None
    assert latest.id == "a-2"


def test_a_journal_does_not_grow_with_the_years(path: Path):
    journal = Journal(path, kept=20)
    journal.attempts.take(*grant("right-1", "right"), Step.REFUSE, 1.0)
    for number in range(40):
        journal.attempts.take(*grant(f"a-{number}"), Step.REFUSE, 1.0)
    journal.events.acknowledge(journal.epoch, 10)
    assert [event.seq for event in journal.events.untold()] == list(range(11, 42))
    assert journal.events.since() == 10
    with sqlite3.connect(path) as db:
        kept = {row[0] for row in db.execute("select id from attempt")}
    db.close()
    # Some of the oldest went; what is the last of its printer stays, and what the coordinator does not know.
    assert {"right-1", "a-9"} <= kept
    assert "a-8" not in kept
    assert len(kept) == 32
    assert journal.events.unheard() == 31
    journal.events.acknowledge(journal.epoch, 41)
    assert (journal.events.since(), journal.events.unheard()) == (20, 0)
    journal.close()


def test_what_was_acknowledged_can_be_recalled(journal: Journal):
    journal.attempts.take(*grant("a-1"), Step.FETCH, 1.0)
    walk(journal, "a-1", Step.CHECK, Step.REFUSE)
    journal.events.acknowledge(journal.epoch, 3)
    assert journal.events.untold() == ()
    assert not journal.events.recall("f" * 32, 1)
    assert not journal.events.recall(journal.epoch, 3)
    assert journal.events.recall(journal.epoch, 1)
    assert [event.seq for event in journal.events.untold()] == [2, 3]
    assert (journal.events.told(), journal.events.unheard()) == (3, 2)
    journal.events.acknowledge(journal.epoch, 3)
    assert journal.events.untold() == ()


def test_a_printer_that_fails_twice_running_rests_until_its_owner_looks(journal: Journal):
    def prints(attempt: str, *end: Step) -> None:
        journal.beds.clear("left", 0.0)
        journal.attempts.take(*grant(attempt), Step.FETCH, 1.0)
        walk(journal, attempt, *end)

    fails = (Step.CHECK, Step.START, Step.FAIL)
    prints("a-1", *fails)
    prints("a-2", *PRINTED)
    prints("a-3", *fails)
    prints("a-4", Step.REFUSE)
    assert not journal.rests.is_due("left")
    prints("a-5", *fails)
    assert journal.rests.is_due("left")
    assert not journal.rests.is_due("right")
    journal.beds.clear("left", 9.0)
    assert journal.rests.is_due("left")
    journal.rests.end("left")
    assert not journal.rests.is_due("left")
    prints("a-6", *fails)
    assert not journal.rests.is_due("left")


def test_words_from_a_garbled_line_are_kept_as_far_as_they_are_words(journal: Journal):
    journal.attempts.take(*grant("a-1"), Step.REFUSE, 1.0, "kil\ud800led" + "x" * 500)
    assert journal.events.untold()[0].why == ("kil?led" + "x" * 500)[:400]


def test_the_owner_may_ask_for_a_stop_as_long_as_there_is_something_to_stop(journal: Journal):
    with pytest.raises(JournalError, match="nothing to stop"):
        journal.stops.ask("left", StopKind.CANCEL)
    journal.attempts.take(*grant("a-1"), Step.FETCH, 1.0)
    assert journal.stops.asked("a-1") is None
    assert journal.stops.ask("left", StopKind.GIVE_UP).id == "a-1"
    journal.stops.ask("left", StopKind.CANCEL)
    assert journal.stops.asked("a-1") is StopKind.GIVE_UP
    walk(journal, "a-1", *PRINTED)
    with pytest.raises(JournalError, match="nothing to stop"):
        journal.stops.ask("left", StopKind.CANCEL)
    journal.beds.clear("left", 9.0)
    assert journal.stops.asked("a-1") is None


FIRST_VERSION = """
create table fact (name text primary key, value) without rowid;
create table attempt (
    id text primary key, printer text not null, state text not null, over integer not null,
    body blob not null, key text not null, signature blob not null, taken real not null
) without rowid;
create index attempt_open on attempt (over, printer);
create table event (
    seq integer primary key, attempt text not null, step text not null, at real not null, why text not null
);
create table bed (printer text primary key, clear integer not null) without rowid;
insert into fact values ('epoch', '0123456789abcdef0123456789abcdef'), ('seq', 6);
insert into attempt values ('b', 'left', 'refused', 1, x'00', '', x'00', 5.0);
insert into attempt values ('a', 'left', 'printed', 0, x'00', '', x'00', 6.0);
insert into bed values ('left', 0);
pragma user_version = 1;
"""


def test_a_journal_of_the_first_version_goes_on(path: Path):
    with sqlite3.connect(path) as db:
        db.executescript(FIRST_VERSION)
    db.close()
    journal = Journal(path)
    latest = journal.attempts.latest("left")
    assert latest is not None
    assert latest.id == "a"
    assert journal.attempts.held() == (6, ("a",))
    journal.beds.clear("left", 7.0)
    assert journal.attempts.take(*grant("c"), Step.FETCH, 1.0)
    current = journal.attempts.current("left")
    assert current is not None
    assert current.id == "c"
    journal.close()
    Journal(path).close()


def test_a_start_makes_the_bed_not_clear_and_a_person_makes_it_clear(journal: Journal, path: Path):
    journal.beds.clear("left", 0.0)
    assert journal.beds.is_clear("left")
    journal.attempts.take(*grant("a-1"), Step.FETCH, 1.0)
    walk(journal, "a-1", Step.CHECK)
    assert journal.beds.is_clear("left")
    journal.attempts.record("a-1", Step.START, 2.0)
    again = Journal(path)
    assert not again.beds.is_clear("left")
    again.close()
    walk(journal, "a-1", Step.PRINT, Step.FINISH)
    journal.beds.clear("left", 3.0)
    found = journal.attempts.named("a-1")
    assert found is not None
    assert found.state == State.CLEARED
    assert journal.attempts.held() == (6, ())


def test_a_bed_is_not_clear_while_something_prints_on_it(journal: Journal):
    journal.attempts.take(*grant("a-1"), Step.FETCH, 1.0)
    walk(journal, "a-1", Step.CHECK, Step.START)
    with pytest.raises(JournalError, match="left"):
        journal.beds.clear("left", 2.0)
    assert not journal.beds.is_clear("left")


def test_a_failed_attempt_needs_a_clear_bed_but_is_over(journal: Journal):
    journal.attempts.take(*grant("a-1"), Step.FETCH, 1.0)
    walk(journal, "a-1", Step.CHECK, Step.START, Step.FAIL)
    assert journal.attempts.current("left") is None
    assert not journal.beds.is_clear("left")
    journal.beds.clear("left", 2.0)
    assert journal.beds.is_clear("left")
    assert journal.events.untold()[-1].step == Step.FAIL


def test_another_process_clears_the_bed_under_a_running_agent(journal: Journal, path: Path):
    script = (
        "import sys; from pathlib import Path; from agent.journal import Journal;"
        "Journal(Path(sys.argv[1])).beds.clear('left', 1)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script, path], check=True, env=environment)
    assert journal.beds.is_clear("left")


def test_many_threads_write_one_journal_without_losing_a_number(journal: Journal):
    def work(name: str) -> None:
        for number in range(10):
            journal.attempts.take(*grant(f"{name}-{number}", name), Step.FETCH, 1.0)
            journal.attempts.record(f"{name}-{number}", Step.REFUSE, 2.0)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("left", "right", "middle")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.seq for event in journal.events.untold(limit=100)] == list(range(1, 61))


def test_what_is_no_journal_is_told(path: Path):
    path.write_bytes(b"not a database at all, but long enough to look at" * 100)
    with pytest.raises(JournalError, match=r"journal\.db"):
        Journal(path)


def test_a_journal_from_the_future_is_left_alone(path: Path):
    Journal(path).close()
    with sqlite3.connect(path) as db:
        db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(JournalError, match="newer"):
        Journal(path)


CHILD = """
import sys
from pathlib import Path
from tests.unit.agent.test_journal import grant, PRINTED
from agent.journal import Journal
from wire.lifecycle import Step
journal = Journal(Path(sys.argv[1]))
journal.beds.clear("left", 1.0)
number = 0
def say(text):
    sys.stdout.write(text + "\\n")
    sys.stdout.flush()
while True:
    number += 1
    name = f"a-{journal.counters.rise('ready')}"
    say(f"rise {name}")
    journal.attempts.take(*grant(name), Step.FETCH, 1.0)
    say(f"{name} fetch")
    for step in PRINTED:
        journal.attempts.record(name, step, 1.0)
        say(f"{name} {step}")
    journal.beds.clear("left", 1.0)
    say(f"{name} clear")
"""


def test_a_killed_agent_has_all_that_it_announced_and_nothing_by_halves(path: Path):
    chance = random.Random(2020)
    said: list[str] = []
    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, path],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert child.stdout is not None
        said += [child.stdout.readline().strip() for _ in range(chance.randrange(5, 40))]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.read().splitlines()
        child.stdout.close()
        child.wait()
        journal = Journal(path)
        try:
            events = journal.events.untold(limit=10_000)
            assert [event.seq for event in events] == list(range(1, len(events) + 1))
            announced = [line for line in said if not line.startswith("rise")]
            recorded = [f"{event.attempt} {event.step}" for event in events]
            # At most one step a life was committed and not announced any more.
            known = set(announced)
            assert [line for line in recorded if line in known] == announced
            assert len(recorded) - len(announced) <= 4
            names = [line.split()[1] for line in said if line.startswith("rise")]
            assert len(set(names)) == len(names)
            started = {event.attempt for event in events if event.step == Step.START}
            cleared = {event.attempt for event in events if event.step == Step.CLEAR}
            assert journal.beds.is_clear("left") == (not started - cleared)
            current = journal.attempts.current("left")
            if current is not None and current.state in (State.STARTING, State.PRINTING, State.PRINTED):
                # What lies on the bed is a matter for a person: here one looks, so that life goes on.
                if current.state != State.PRINTED:
                    journal.attempts.record(current.id, Step.FINISH, 2.0)
                    said.append(f"{current.id} finish")
                journal.beds.clear("left", 2.0)
                said.append(f"{current.id} clear")
            elif current is not None:
                journal.attempts.record(current.id, Step.REFUSE, 2.0)
                said.append(f"{current.id} refuse")
        finally:
            journal.close()
