"""What a runner decides, on a clock that the test moves; its printer is a script, its files come from a server."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from agent.attempt import drawing
from agent.attempt.context import RunnerSettings
from agent.attempt.fetch import Fetcher
from agent.attempt.following import GRACE
from agent.attempt.monitor import INSIST
from agent.attempt.plate import PlateMaker
from agent.attempt.proof import Definitions, Proof
from agent.attempt.runner import Runner
from agent.attempt.start import PATIENCE
from agent.cli import overview
from agent.consent.hours import Hours
from agent.consent.standing_ready import LIFETIME, RENEWAL
from agent.consent.terms import ConsentTerms
from agent.journal import Journal
from agent.journal.stops import StopKind
from agent.membership.identity import Identity
from agent.membership.trust import Trust
from agent.printers.driver import Condition, Ending, Heat, PrinterError, Status
from agent.printers.serial.kind import SerialPrinter
from gcode.document import decode
from gcode.profile import Profile
from gcode.script import Script
from gcode_templates import machine_source
from tests.farend.files import Server, serving
from tests.farend.keys import COUPON, Keys, drawn
from tests.unit.agent.test_journal import grant
from wire import codec, release
from wire.enrolment import EnrolmentAnswer
from wire.errors import RemoteError
from wire.lifecycle import Step
from wire.manifest import Manifest
from wire.messages import Blame, Ready, Request, Telemetry, Up, Wish

PEM = "-----BEGIN "
SCRIPT = decode(machine_source("marlin"), Script, "marlin.toml")
DATA = drawn().body


@lru_cache(maxsize=8)
def draw(order: bytes) -> bytes:
    """As the agent's own process draws, in this one; the same order again takes no time."""
    return drawing.answer(order)


class ScriptedPrinter:
    """Looks as the test says, and keeps what it was told."""

    def __init__(self) -> None:
        self.looks = Status(condition=Condition.IDLE)
        self.glimpses: list[Condition] = []
        """What it does for one look each, before it looks as it does."""
        self.told: list[str] = []
        self.refuses = ""

    def status(self) -> Status:
        return Status(condition=self.glimpses.pop(0)) if self.glimpses else self.looks

    def start(self, attempt: str, path: Path, seconds: float) -> None:
        assert path.read_bytes().endswith(b"M84\n")
        assert seconds > 0
        self._tell(f"start {attempt}")

    def pause(self) -> None:
        self._tell("pause")

    def resume(self) -> None:
        self._tell("resume")

    def cancel(self) -> None:
        self._tell("cancel")

    def close(self) -> None:
        pass

    def _tell(self, what: str) -> None:
        if self.refuses:
            raise PrinterError(self.refuses)
        self.told.append(what)


class Clock:
    """Time as the test says."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.pace = 0.0
        """Seconds that go by between two looks at the clock."""

    def monotonic(self) -> float:
        self.seconds += self.pace
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 5, 1, 12, 0, tzinfo=UTC) + timedelta(seconds=self.seconds - 1000)


class Line:
    """A line to the coordinator that keeps what was said."""

    def __init__(self) -> None:
        self.up = True
        self.said: list[Up] = []

    def publish(self, message: Up) -> bool:
        codec.encode(message)
        self.said.append(message)
        return self.up

    @property
    def readies(self) -> list[Ready]:
        return [message for message in self.said if isinstance(message, Ready)]

    @property
    def told(self) -> Telemetry:
        return next(message for message in reversed(self.said) if isinstance(message, Telemetry))


class Bench:
    """A runner and all around it."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server = folder, server
        self.journal = Journal(folder / "journal.db")
        self.printer, self.clock, self.link = ScriptedPrinter(), Clock(), Line()
        self.too_late = self.too_early = False
        self.keys = Keys()
        server.serve(f"{release.PATH}/{release.definition(COUPON)}", COUPON)
        self.settings = RunnerSettings(
            printer=SerialPrinter(name="left", material="petg", port="/dev/null", thermal_protection=True),
            hours=Hours(zone="UTC"),
            clear_from_page=False,
            terms=ConsentTerms(default="auto"),
        )
        self.journal.beds.clear("left", 0)
        self.restart()

    def restart(self, **changes: Any) -> None:
        """The agent starts anew, perhaps with other settings."""
        self.settings = replace(self.settings, **changes)
        fetcher = Fetcher(self.server.url, wait=lambda _: None, random=lambda: 0.0)
        answer = EnrolmentAnswer("ana", PEM, PEM, "mqtt://localhost:1", self.keys.signed, self.server.url)
        self.trust = Trust(Identity(self.folder, answer), lambda _: self.too_late)
        definitions = Definitions(self.folder / "definitions", self.server.url, fetcher)
        proof = Proof(self.trust, definitions, Profile(), lambda order, _: draw(order))
        self.runner = Runner(
            self.settings,
            self.printer,
            PlateMaker(self.folder / "plates", fetcher, SCRIPT, Profile(), proof.prove),
            self.journal,
            trust=self.trust,
            link=self.link,
            clock=self.clock,
            changed=lambda: None,
            expired=lambda _: self.too_late,
            early=lambda _: self.too_early,
        )
        self.runner.reconcile()

    def step(self, seconds: float = 1.0) -> None:
        self.clock.seconds += seconds
        self.runner.step()

    def look(self, condition: Condition, attempt: str | None = None, ending: Ending | None = None) -> None:
        self.printer.looks = Status(condition=condition, attempt=attempt, ending=ending)

    def take(self, attempt: str = "a-1", **changes: Any) -> Manifest:
        """Have the runner say ready, and grant it a plate."""
        self.step()
        manifest = replace(
            grant(attempt)[0],
            nonce=self.link.readies[-1].nonce,
            url=self.server.serve("/plate", DATA),
            **self.keys.job(),
        )
        manifest = replace(manifest, **changes)
        self.runner.take(manifest, self.keys.sign(manifest))
        return manifest

    def printing(self) -> None:
        self.take()
        self.step()
        self.look(Condition.PRINTING, "a-1")
        self.step()

    def request(self, wish: Wish, attempt: str = "a-1") -> None:
        self.runner.request(Request(sent=1, expires=2, attempt=attempt, wish=wish, by="carla"))
        self.step()

    @property
    def steps(self) -> list[str]:
        return [event.step.value for event in self.journal.events.untold()]

    @property
    def why(self) -> str:
        return self.journal.events.untold()[-1].why


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with serving() as server:
        bench = Bench(tmp_path, server)
        yield bench
        bench.journal.close()


def test_a_plate_goes_from_grant_to_start_in_one_step(bench: Bench):
    bench.take()
    bench.step()
    assert bench.steps == ["fetch", "check", "start"]
    assert bench.printer.told == ["start a-1"]
    assert not bench.journal.beds.is_clear("left")


def test_ready_is_said_once_a_lifetime_with_a_new_nonce_and_a_higher_number(bench: Bench):
    bench.step()
    bench.step()
    bench.step(LIFETIME)
    first, second = bench.link.readies
    assert first.nonce != second.nonce
    assert second.counter > first.counter


def test_a_grant_for_an_older_nonce_is_dropped(bench: Bench):
    bench.step()
    old = bench.link.readies[-1].nonce
    bench.step(LIFETIME)
    with pytest.raises(RemoteError, match="did not just ask"):
        bench.take(nonce=old)
    assert bench.steps == []


def test_a_printer_that_waits_is_never_without_an_offer(bench: Bench):
    bench.step()
    first = bench.link.readies[-1].nonce
    bench.step(LIFETIME - RENEWAL - 1)
    assert bench.link.readies[-1].nonce == first
    bench.step(1)
    assert bench.link.readies[-1].nonce != first


def test_a_nonce_dies_with_its_lifetime_even_if_nobody_looked(bench: Bench):
    bench.step()
    manifest = replace(grant("a-1")[0], nonce=bench.link.readies[-1].nonce)
    bench.clock.seconds += LIFETIME
    with pytest.raises(RemoteError, match="did not just ask"):
        bench.runner.take(manifest, bench.keys.sign(manifest))


def test_one_answer_is_taken_and_no_second(bench: Bench):
    manifest = bench.take()
    second = replace(manifest, attempt="a-2")
    with pytest.raises(RemoteError, match="did not just ask"):
        bench.runner.take(second, bench.keys.sign(second))
    bench.step()
    assert bench.steps == ["fetch", "check", "start"]


def test_an_attempt_that_was_here_before_is_not_taken_again(bench: Bench):
    bench.take(material="pla")
    assert bench.steps == ["refuse"]
    with pytest.raises(RemoteError, match="here before"):
        bench.take()
    assert bench.steps == ["refuse"]


@pytest.mark.parametrize(
    "condition", [Condition.BUSY, Condition.UNREACHABLE, Condition.FAULT, Condition.PRINTING]
)
def test_a_printer_in_other_hands_is_not_offered(bench: Bench, condition: Condition):
    bench.look(condition)
    bench.step()
    assert bench.link.readies == []
    assert bench.link.told.condition == condition


def test_an_offer_ends_when_another_hand_takes_the_printer(bench: Bench):
    bench.step()
    nonce = bench.link.readies[-1].nonce
    bench.look(Condition.BUSY)
    bench.step()
    manifest = replace(grant("a-1")[0], nonce=nonce)
    with pytest.raises(RemoteError, match="did not just ask"):
        bench.runner.take(manifest, bench.keys.sign(manifest))


def test_quiet_hours_bound_what_is_offered_and_then_end_it(bench: Bench):
    bench.restart(hours=Hours(zone="UTC", daily=("13:00-14:00",)))
    bench.step(0)
    assert bench.link.readies[-1].window == 3600
    bench.step(3600)
    assert len(bench.link.readies) == 1
    assert bench.link.told.why == "quiet hours"
    bench.step(3600)
    assert len(bench.link.readies) == 2


def test_a_printer_whose_scripts_let_no_job_pass_asks_for_none(bench: Bench):
    bench.restart(unfit="left: the gate refuses every job")
    bench.step()
    assert bench.link.readies == []
    assert bench.link.told.why == "left: the gate refuses every job"


def test_what_would_run_into_quiet_hours_with_its_warming_up_is_refused(bench: Bench):
    bench.restart(hours=Hours(zone="UTC", daily=("12:10-14:00",)))
    bench.take()
    bench.step()
    assert bench.steps == ["fetch", "check", "refuse"]
    assert "quiet hours" in bench.why
    assert bench.printer.told == []


def test_without_a_link_nothing_is_offered_and_no_number_is_used_up(bench: Bench):
    bench.link.up = False
    for _ in range(5):
        bench.step()
    bench.link.up = True
    bench.runner.again()
    bench.step()
    assert bench.link.readies[-1].counter == 1


def test_a_new_link_hears_ready_again(bench: Bench):
    bench.step()
    bench.runner.again()
    bench.step()
    assert len({ready.nonce for ready in bench.link.readies}) == 2


def test_another_hand_at_the_printer_while_the_file_came_means_no(bench: Bench):
    bench.take()
    bench.look(Condition.BUSY)
    bench.step()
    assert bench.steps == ["fetch", "check", "refuse"]
    assert bench.printer.told == []


def test_a_file_that_took_too_long_starts_nothing(bench: Bench):
    bench.take()
    bench.step(7200)
    assert bench.steps == ["fetch", "refuse"]
    assert "too long" in bench.why


def test_a_printer_that_does_not_take_the_file_fails_the_attempt(bench: Bench):
    bench.take()
    bench.printer.refuses = "the SD card is stuck"
    bench.step()
    assert bench.steps == ["fetch", "check", "start", "fail"]
    assert "SD card" in bench.why
    assert not bench.journal.beds.is_clear("left")


def test_a_wish_to_cancel_is_heard_before_the_print_begins(bench: Bench):
    bench.take()
    bench.request(Wish.CANCEL)
    assert bench.steps == ["fetch", "cancel"]
    assert bench.why == "carla asked for it"
    assert bench.journal.beds.is_clear("left")
    assert bench.printer.told == []


def test_wishes_for_a_running_print_go_to_the_printer_which_decides(bench: Bench):
    bench.printing()
    bench.request(Wish.PAUSE)
    bench.request(Wish.RESUME)  # not paused as far as anybody saw
    bench.request(Wish.CANCEL)
    assert bench.printer.told == ["start a-1", "pause", "cancel"]
    assert bench.steps == ["fetch", "check", "start", "print"]
    bench.look(Condition.IDLE, "a-1", Ending.CANCELLED)
    bench.step()
    assert bench.steps[-1] == "cancel"
    assert "carla" in bench.why


def test_a_late_wish_or_one_for_another_attempt_does_nothing(bench: Bench):
    bench.printing()
    bench.request(Wish.CANCEL, "a-2")
    bench.too_late = True
    bench.request(Wish.CANCEL)
    assert bench.printer.told == ["start a-1"]


def test_a_printer_that_can_not_do_it_changes_nothing(bench: Bench):
    bench.printing()
    bench.printer.refuses = "out of reach"
    bench.request(Wish.CANCEL)
    assert bench.steps == ["fetch", "check", "start", "print"]


@pytest.mark.parametrize("allowed", [True, False])
def test_the_page_clears_the_bed_only_where_the_owner_said_so(bench: Bench, allowed: bool):
    bench.restart(clear_from_page=allowed)
    bench.printing()
    bench.request(Wish.CLEARED)
    assert not bench.journal.beds.is_clear("left")
    bench.look(Condition.IDLE, "a-1", Ending.DONE)
    bench.step()
    bench.request(Wish.CLEARED)
    assert bench.journal.beds.is_clear("left") == allowed
    assert (bench.steps[-1] == "clear") == allowed


def test_the_page_can_not_clear_the_bed_for_an_attempt_of_long_ago(bench: Bench):
    bench.restart(clear_from_page=True)
    bench.printing()
    bench.look(Condition.IDLE, "a-1", Ending.FAILED)
    bench.step()
    bench.journal.beds.clear("left", 1)
    bench.clock.seconds += 10
    bench.take("a-2")
    bench.step()
    bench.look(Condition.IDLE, "a-2", Ending.DONE)
    bench.step()
    bench.request(Wish.CLEARED, "a-1")
    assert not bench.journal.beds.is_clear("left")


def test_a_printer_whose_prints_fail_twice_running_is_not_offered_until_its_owner_looked(bench: Bench):
    for number, attempt in enumerate(("a-1", "a-2")):
        bench.journal.beds.clear("left", number)
        bench.look(Condition.IDLE)
        bench.take(attempt)
        bench.step()
        bench.look(Condition.PRINTING, attempt)
        bench.step()
        bench.look(Condition.IDLE, attempt, Ending.FAILED)
        bench.step()
    assert [event.blame for event in bench.journal.events.untold() if event.step is Step.FAIL] == [
        Blame.PRINTER
    ] * 2
    bench.journal.beds.clear("left", 9)
    bench.look(Condition.IDLE)
    offered = len(bench.link.readies)
    bench.step(100)
    assert len(bench.link.readies) == offered
    assert "muster-agent reset left" in bench.link.told.why
    bench.journal.rests.end("left")
    bench.step(100)
    assert len(bench.link.readies) == offered + 1


def test_what_no_printer_could_print_is_the_jobs_fault(bench: Bench):
    bench.take(grams=500.0)
    bench.step()
    assert bench.journal.events.untold()[-1].blame is Blame.JOB


def test_after_a_restart_a_print_is_found_again(bench: Bench):
    bench.printing()
    bench.restart()
    bench.step()
    bench.look(Condition.IDLE, "a-1", Ending.DONE)
    bench.step()
    assert bench.steps == ["fetch", "check", "start", "print", "finish"]


def test_after_a_restart_a_print_without_a_trace_has_failed_but_not_at_once(bench: Bench):
    bench.take()
    bench.step()
    bench.restart()
    bench.step(GRACE - 1)
    assert bench.steps[-1] == "start"
    bench.step(1)
    assert bench.steps[-1] == "fail"
    assert "owner" in bench.why


def test_a_printer_out_of_reach_is_waited_for(bench: Bench):
    bench.printing()
    bench.look(Condition.UNREACHABLE)
    for _ in range(5):
        bench.step(3600)
    bench.look(Condition.PRINTING, "a-1")
    bench.step()
    assert bench.steps[-1] == "print"


def test_what_had_not_begun_before_a_restart_is_refused(bench: Bench):
    bench.take()
    bench.restart()
    assert bench.steps == ["fetch", "refuse"]


def test_of_a_plate_nothing_stays_once_it_is_over(bench: Bench):
    bench.printing()
    assert [path.name for path in (bench.folder / "plates").glob("*.gcode")] == ["a-1.gcode"]
    bench.look(Condition.IDLE, "a-1", Ending.DONE)
    bench.step()
    assert list((bench.folder / "plates").iterdir()) == []


def test_telemetry_is_told_when_it_is_news_and_now_and_then(bench: Bench):
    bench.look(Condition.BUSY)
    for _ in range(10):
        bench.step()
    assert len(bench.link.said) == 2
    bench.look(Condition.FAULT)
    bench.step(0)
    assert bench.link.told.condition == "fault"


def test_stopping_offers_nothing_more(bench: Bench):
    bench.step()
    bench.runner.stop()
    bench.step(LIFETIME)
    assert len(bench.link.readies) == 1
    assert Step.FETCH not in bench.steps


def test_what_another_hand_printed_lies_on_a_bed_that_is_not_clear_any_more(bench: Bench):
    bench.look(Condition.BUSY)
    bench.step()
    bench.look(Condition.IDLE)
    for _ in range(5):
        bench.step(100)
    assert bench.link.readies == []
    assert not bench.journal.beds.is_clear("left")
    bench.journal.beds.clear("left", 1)
    bench.step()
    assert len(bench.link.readies) == 1


def test_what_another_hand_printed_while_the_file_came_is_seen_too(bench: Bench):
    bench.take()
    bench.clock.pace = 1.0
    bench.printer.glimpses = [Condition.IDLE, Condition.BUSY]
    bench.step()
    assert bench.steps == ["fetch", "check", "refuse"]
    assert "not clear" in bench.why
    assert bench.printer.told == []


def test_a_file_that_drips_in_for_ever_is_given_up(bench: Bench):
    bench.take()
    bench.clock.pace = 1000.0
    bench.step()
    bench.step()
    assert bench.steps == ["fetch", "refuse"]
    assert "too long" in bench.why


@pytest.mark.parametrize("condition", [Condition.PRINTING, Condition.UNREACHABLE])
def test_a_start_whose_answer_got_lost_is_followed(bench: Bench, condition: Condition):
    bench.take()
    bench.printer.refuses = "it does not answer"
    bench.printer.glimpses = [Condition.IDLE, Condition.IDLE]
    attempt = "a-1" if condition is Condition.PRINTING else None
    bench.look(condition, attempt)
    bench.step()
    assert bench.steps == ["fetch", "check", "start"]
    bench.look(Condition.PRINTING, "a-1")
    bench.step()
    bench.look(Condition.IDLE, "a-1", Ending.DONE)
    bench.step()
    assert bench.steps == ["fetch", "check", "start", "print", "finish"]


def test_a_garbled_temperature_or_word_ends_nothing(bench: Bench):
    bench.printer.looks = Status(
        condition=Condition.FAULT, nozzle=Heat(99_999.0, 0.0), bed=Heat(60.0, 60.0), why="kil\ud800led"
    )
    bench.step()
    assert (bench.link.told.nozzle, bench.link.told.bed, bench.link.told.why) == (None, 60.0, "kil?led")


def test_its_owner_stops_what_has_not_begun(bench: Bench):
    bench.take()
    bench.journal.stops.ask("left", StopKind.CANCEL)
    bench.step()
    assert bench.steps == ["fetch", "cancel"]
    assert bench.printer.told == []
    assert bench.journal.beds.is_clear("left")


def test_its_owner_stops_a_print_and_the_printer_is_told_until_it_does(bench: Bench):
    bench.printing()
    bench.journal.stops.ask("left", StopKind.GIVE_UP)
    bench.printer.refuses = "not now"
    bench.step()
    bench.printer.refuses = ""
    bench.step(INSIST)
    bench.step(INSIST / 2)
    assert bench.printer.told == ["start a-1", "cancel"]
    assert bench.steps[-1] == "print"
    bench.look(Condition.IDLE, "a-1", Ending.CANCELLED)
    bench.step()
    assert bench.steps[-1] == "cancel"
    assert "its owner" in bench.why


def test_a_printer_out_of_reach_for_ever_can_be_given_up_by_its_owner_alone(bench: Bench):
    bench.printing()
    bench.look(Condition.UNREACHABLE)
    bench.journal.stops.ask("left", StopKind.CANCEL)
    bench.step(86_400)
    assert bench.steps[-1] == "print"
    bench.journal.stops.ask("left", StopKind.GIVE_UP)
    bench.restart()
    bench.step()
    assert bench.steps[-1] == "fail"
    assert bench.printer.told == ["start a-1", "cancel"]  # in case that its file is still on its way
    assert not bench.journal.beds.is_clear("left")
    # Should it be found still printing: nothing of ours begins, and nothing more is reported of it.
    bench.look(Condition.PRINTING, "a-1")
    bench.step()
    assert bench.steps[-1] == "fail"
    assert len(bench.link.readies) == 1


def test_who_could_not_cancel_a_print_is_not_named_for_its_end(bench: Bench):
    bench.printing()
    bench.printer.refuses = "out of reach"
    bench.request(Wish.CANCEL)
    bench.look(Condition.IDLE, "a-1", Ending.CANCELLED)
    bench.step()
    assert bench.steps[-1] == "cancel"
    assert "carla" not in bench.why


def test_what_can_not_be_tidied_away_stops_nobody(bench: Bench):
    (bench.folder / "plates" / "lost+found").mkdir(parents=True)
    bench.restart()
    bench.take()
    bench.step()
    assert bench.printer.told == ["start a-1"]


def test_what_loads_until_nobody_expects_it_is_not_begun(bench: Bench):
    bench.take()
    bench.step()
    bench.look(Condition.LOADING, "a-1")
    bench.step(60)
    assert bench.printer.told == ["start a-1"]
    bench.step(PATIENCE)
    assert bench.printer.told == ["start a-1", "cancel"]
    bench.look(Condition.IDLE, "a-1", Ending.CANCELLED)
    bench.step()
    assert bench.steps == ["fetch", "check", "start", "cancel"]
    assert "too long" in bench.why


def test_what_loads_into_the_quiet_hours_is_not_begun(bench: Bench):
    bench.restart(hours=Hours(zone="UTC", daily=("12:20-14:00",)))
    bench.take()
    bench.step()
    bench.look(Condition.LOADING, "a-1")
    bench.step(60)
    assert bench.printer.told == ["start a-1"]
    bench.step(600)
    assert bench.printer.told == ["start a-1", "cancel"]


@pytest.mark.parametrize("when", ["early", "late"])
def test_a_manifest_out_of_its_time_is_refused_and_told(bench: Bench, when: str):
    bench.too_early, bench.too_late = when == "early", when == "late"
    bench.take()
    bench.step()
    assert bench.steps == ["refuse"]
    assert "valid" in bench.why
    assert bench.printer.told == []


def test_a_manifest_of_an_older_number_is_not_taken_not_even_after_a_restart(bench: Bench):
    last = bench.take(material="pla").sequence
    bench.restart()
    for number in (last, last - 1, 0):
        with pytest.raises(RemoteError, match="older") as dropped:
            bench.take("a-2", sequence=number)
        assert dropped.value.code == "sequence"
    assert bench.link.readies[-1].sequence == last
    bench.take("a-3", sequence=last + 1)
    assert bench.steps == ["refuse", "fetch"]


def test_what_was_granted_before_the_journal_was_lost_starts_nothing_after_it(bench: Bench):
    old = bench.take()
    bench.journal.close()
    for path in bench.folder.glob("journal.db*"):
        path.unlink()
    bench.journal = Journal(bench.folder / "journal.db")
    bench.journal.beds.clear("left", 0)
    bench.restart()
    bench.step()
    with pytest.raises(RemoteError, match="did not just ask"):
        bench.runner.take(old, bench.keys.sign(old))
    assert bench.link.readies[-1].sequence == 0
    assert bench.steps == []


def test_a_key_that_is_revoked_between_grant_and_start_starts_nothing(bench: Bench):
    bench.take()
    bench.keys.revoke(bench.keys.rotate(until=0.0))
    bench.trust.adopt(bench.keys.signed)
    bench.step()
    assert bench.steps == ["fetch", "refuse"]
    assert "revoked" in bench.why
    assert bench.journal.events.untold()[-1].blame is Blame.JOB


def test_other_g_code_under_an_approved_parts_name_is_refused_and_its_owner_reads_why(bench: Bench):
    data = DATA.replace(b"G1 X", b"G1 X1", 1)
    url = bench.server.serve("/altered", data)
    bench.take(url=url, digest=release.definition(data), size=len(data))
    bench.step()
    assert bench.steps == ["fetch", "refuse"]
    assert "tampered" in bench.why
    assert bench.journal.events.untold()[-1].blame is Blame.JOB
    assert bench.printer.told == []
    assert "tampered" in overview.refusal(bench.journal, "left")
