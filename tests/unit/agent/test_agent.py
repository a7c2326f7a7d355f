"""The whole agent, as a process, from grant to report."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.app import journal_path
from agent.journal import Journal
from agent.journal.stops import StopKind
from gcode_templates import machine_source
from tests.farend.agent import LONG, NAME, PRINTER, Bench, benched
from tests.farend.keys import drawn
from wire import release
from wire.manifest import sign
from wire.messages import Blame, Grant, Keys, Presence, Ready, Recall, Report, Wish

TAKEN = ("fetch", "check", "start")
AWHILE = {"side": 30.0, "thickness": 0.2}
WHOLE = (*TAKEN, "print", "finish")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with benched(tmp_path) as bench:
        yield bench


def test_a_print_from_grant_to_report(bench: Bench):
    bench.write(before="place = [40.41678, -3.70379]")
    bench.clear()
    bench.start()
    presence = bench.coordinator.wait(Presence)
    assert (presence.place, [printer.name for printer in presence.printers]) == ((40.4, -3.7), [PRINTER])
    ready = bench.ready()
    assert (ready.printer, ready.material, ready.held, ready.seq) == (PRINTER, "petg", (), 0)
    attempt = bench.grant(bench.manifest(ready))
    events = bench.coordinator.wait_for_steps(*WHOLE)
    assert {event.attempt for event in events} == {attempt}
    executed = bench.far.executed()
    drawn_moves = [line for line in drawn().body.decode().splitlines() if line.startswith("G1 X")]
    assert drawn_moves == [line for line in executed if line in set(drawn_moves)]
    seen = bench.telemetry(lambda told: told.progress == 1 and "bed" in told.why)
    assert not seen.bed_clear
    assert "clear" in seen.why
    bench.clear()
    bench.coordinator.wait_for_steps(*WHOLE, "clear")
    again = bench.ready()
    assert (again.held, again.seq) == ((), 6)
    assert again.counter > ready.counter
    assert bench.stop() == 0
    assert "Traceback" not in bench.log
    assert not bench.coordinator.wait(Presence).online


def test_what_it_holds_is_said_at_birth_and_with_each_report(bench: Bench):
    bench.clear()
    bench.start()
    born = bench.coordinator.wait(Presence).holding
    assert born is not None
    assert (born.seq, born.acked, born.held) == (0, 0, ())
    ready = bench.ready()
    assert born.counter < ready.counter
    attempt = bench.grant(bench.manifest(ready))
    bench.coordinator.wait_for_steps(*WHOLE)
    reports = [message for _, message in bench.coordinator.heard if isinstance(message, Report)]
    holding = reports[-1].holding
    assert holding is not None
    assert holding.held == (attempt,)
    assert holding.counter >= ready.counter
    assert not any(report.papers for report in reports)


def test_a_coordinator_that_forgot_hears_all_again_with_its_own_signature(bench: Bench):
    bench.clear()
    bench.start()
    ready = bench.ready()
    manifest = bench.manifest(ready)
    bench.grant(manifest)
    bench.coordinator.wait_for_steps(*WHOLE)
    bench.until(lambda: _unheard(bench) == 0)
    before = len(bench.coordinator.heard)
    bench.coordinator.say(NAME, Recall(sent=1.0, epoch=ready.epoch, seq=1))
    bench.until(lambda: any(isinstance(each, Report) for _, each in bench.coordinator.heard[before:]))
    again = next(each for _, each in bench.coordinator.heard[before:] if isinstance(each, Report))
    assert [event.step for event in again.events] == list(WHOLE[1:])
    assert [paper.body for paper in again.papers] == [bench.coordinator.keys.sign(manifest).body]
    bench.until(lambda: _unheard(bench) == 0)


def test_nothing_is_offered_before_a_person_has_cleared_the_bed(bench: Bench):
    bench.start()
    seen = bench.telemetry(lambda told: told.condition == "idle")
    assert not seen.bed_clear
    time.sleep(1.2)
    assert not [message for _, message in bench.coordinator.heard if isinstance(message, Ready)]
    bench.clear()
    assert bench.ready().printer == PRINTER


def test_grants_that_nobody_just_asked_for_start_nothing(bench: Bench):
    bench.clear()
    bench.start()
    ready = bench.ready()
    good = bench.manifest(ready)
    strange = sign(good, Ed25519PrivateKey.generate())
    bench.coordinator.say(NAME, Grant(sent=1.0, manifest=strange))
    strangers: list[dict[str, Any]] = [{"nonce": "f" * 32}, {"agent": "bea"}, {"printer": "right"}]
    for changes in strangers:
        bench.grant(bench.manifest(ready, **changes))
    bench.until(lambda: bench.log.count("dropped a message") == 4)
    assert bench.coordinator.events == {}
    bench.grant(good)
    bench.grant(good)  # the broker may deliver twice
    bench.coordinator.wait_for_steps(*WHOLE)
    assert bench.log.count("dropped a message") == 5


def test_a_grant_that_does_not_fit_is_refused_and_the_printer_is_ready_again(bench: Bench):
    bench.write(before=f'[hours]\nzone = "UTC"\ndaily = ["{_soon()}"]')
    bench.clear()
    bench.start()
    for count, (changes, why) in enumerate(UNFIT, 1):
        bench.grant(bench.manifest(bench.ready(), **changes))
        refused = bench.coordinator.wait_for_steps(*["refuse"] * count)[-1]
        assert why in refused.why
    assert bench.ready().held == ()


UNFIT: list[tuple[dict[str, Any], str]] = [
    ({"material": "pla"}, "petg is loaded"),
    ({"profile": "0" * 64}, "profile"),
    ({"seconds": 14 * 86_400.0}, "quiet hours"),
]


def test_a_file_that_is_not_right_is_refused_before_anything_moves(bench: Bench):
    bench.clear()
    bench.start()
    for count, (data, changes, why) in enumerate(WRONG, 1):
        bench.grant(bench.manifest(bench.ready(), data=data, **changes))
        fetch, refused = bench.coordinator.wait_for_steps(*["fetch", "refuse"] * count)[-2:]
        assert fetch.attempt == refused.attempt
        assert why in refused.why
    assert bench.far.executed() == []
    assert bench.ready().held == ()
    assert list((bench.state / "files" / PRINTER).iterdir()) == []


WRONG: list[tuple[bytes | None, dict[str, Any], str]] = [
    (b"M500\n", {}, "as it is drawn here"),
    (drawn().body + b"G4 P1\n", {}, "as it is drawn here"),
    (None, {"grams": 500.0}, "manifest"),
    (drawn().body[:-1] + b" ", {"digest": release.definition(drawn().body)}, "signed for"),
    (None, {"url": "http://127.0.0.1:9/elsewhere"}, "coordinator"),
    (drawn().body + b"\n", {"digest": release.definition(drawn().body), "size": len(drawn().body)}, "longer"),
]


def test_a_printer_whose_own_script_the_gate_refuses_gets_no_work(bench: Bench, tmp_path: Path):
    script = machine_source("marlin").decode().replace("end = [", 'end = [\n    "M500",', 1)
    (tmp_path / "own.toml").write_text(script)
    bench.write(after=f'script = "{tmp_path / "own.toml"}"')
    bench.clear()
    bench.start()
    assert "M500" in bench.telemetry(lambda told: told.condition == "idle" and told.bed_clear).why
    assert "M500" in bench.log
    assert bench.far.executed() == []


def test_new_keys_reach_an_agent_that_runs_and_no_older_ones_come_back(bench: Bench):
    keys = bench.coordinator.keys
    older = keys.signed
    bench.clear()
    bench.start()
    ready = bench.ready()
    stolen = keys.rotate(until=time.time() + 600)
    keys.revoke(stolen)
    newest = keys.set.version
    bench.coordinator.say(NAME, Keys(sent=time.time(), keys=keys.signed))
    ready = bench.coordinator.wait(Ready, lambda said: said.keys == newest)
    forged = sign(bench.manifest(ready), stolen)
    bench.coordinator.say(NAME, Grant(sent=time.time(), manifest=forged))
    bench.until(lambda: "revoked" in bench.log)
    assert bench.stop() == 0
    bench.start()
    bench.coordinator.say(NAME, Keys(sent=time.time(), keys=older))
    ready = bench.coordinator.wait(Ready, lambda said: said.keys == newest)
    bench.coordinator.say(NAME, Keys(sent=time.time(), keys=older))
    bench.until(lambda: "older key set" in bench.log)
    bench.grant(bench.manifest(ready))
    bench.coordinator.wait_for_steps(*WHOLE)


def test_a_taken_over_coordinator_has_nothing_else_printed_and_the_owner_reads_why(bench: Bench):
    bench.clear()
    bench.start()
    altered = drawn().body.replace(b"G1 X", b"G1 X1", 1)
    bench.grant(bench.manifest(bench.ready(), data=altered))
    refused = bench.coordinator.wait_for_steps("fetch", "refuse")[-1]
    assert refused.blame is Blame.JOB
    assert "as it is drawn here" in refused.why
    bench.grant(bench.manifest(bench.ready(), release=None))
    assert "approved" in bench.coordinator.wait_for_steps(*["fetch", "refuse"] * 2)[-1].why
    assert "approved" in bench.command("status").stdout
    assert "approved" in bench.command("watch", PRINTER, "--once").stdout
    assert bench.far.executed() == []


def test_a_print_can_be_paused_resumed_and_cancelled(bench: Bench):
    bench.clear()
    bench.start()
    attempt = bench.print(LONG)
    bench.coordinator.wait_for_steps(*TAKEN, "print")
    bench.coordinator.wish(NAME, attempt, Wish.PAUSE)
    bench.coordinator.wait_for_steps(*TAKEN, "print", "pause")
    bench.coordinator.wish(NAME, attempt, Wish.CANCEL, late=True)
    bench.until(lambda: "too late" in bench.log)
    bench.coordinator.wish(NAME, attempt, Wish.RESUME)
    bench.coordinator.wait_for_steps(*TAKEN, "print", "pause", "resume")
    bench.coordinator.wish(NAME, attempt, Wish.CANCEL)
    events = bench.coordinator.wait_for_steps(*TAKEN, "print", "pause", "resume", "cancel")
    assert "carla" in events[-1].why
    bench.coordinator.wish(NAME, attempt, Wish.CLEARED)
    bench.until(lambda: "lets nobody" in bench.log)
    bench.clear()
    assert bench.ready().held == ()


def test_the_page_may_clear_the_bed_where_the_owner_allows_it(bench: Bench):
    bench.write(before="clear_from_page = true")
    bench.clear()
    bench.start()
    attempt = bench.print()
    bench.coordinator.wait_for_steps(*WHOLE)
    bench.coordinator.wish(NAME, attempt, Wish.CLEARED)
    events = bench.coordinator.wait_for_steps(*WHOLE, "clear")
    assert "carla" in events[-1].why
    bench.ready()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_an_agent_that_ends_while_it_prints_finds_its_print_again(bench: Bench, how: int):
    bench.clear()
    bench.start()
    attempt = bench.print(LONG)
    bench.coordinator.wait_for_steps(*TAKEN, "print")
    assert bench.stop(how) == (-9 if how == signal.SIGKILL else 0)
    bench.start()
    bench.telemetry(
        lambda told: told.attempt == attempt and told.condition == "printing" and told.progress > 0
    )
    bench.coordinator.wish(NAME, attempt, Wish.CANCEL)
    bench.coordinator.wait_for_steps(*TAKEN, "print", "cancel")


def test_what_happened_while_the_broker_was_away_is_told_afterwards(bench: Bench):
    bench.clear()
    bench.start()
    bench.print(AWHILE)
    bench.coordinator.wait_for_steps(*TAKEN, "print")
    bench.mqtt.stop(signal.SIGKILL)
    bench.until(lambda: "is printed" in bench.log)
    bench.mqtt.start()
    bench.coordinator.wait_for_steps(*WHOLE)


def test_a_thermal_runaway_is_a_failed_attempt_and_the_printer_is_left_alone(bench: Bench):
    bench.clear()
    bench.start()
    bench.print(LONG)
    bench.coordinator.wait_for_steps(*TAKEN, "print")
    bench.far.overheat()
    events = bench.coordinator.wait_for_steps(*TAKEN, "print", "fail")
    assert events[-1].why
    bench.clear()
    bench.telemetry(lambda told: told.condition == "fault" and told.bed_clear)
    assert len([message for _, message in bench.coordinator.heard if isinstance(message, Ready)]) == 1


def test_a_pulled_cable_is_a_failed_attempt_and_the_printer_comes_back_when_it_is_plugged(bench: Bench):
    bench.clear()
    bench.start()
    bench.print(LONG)
    bench.coordinator.wait_for_steps(*TAKEN, "print")
    bench.far.unplug()
    bench.coordinator.wait_for_steps(*TAKEN, "print", "fail")
    bench.far.plug()
    bench.clear()
    assert bench.ready().held == ()


def test_what_had_not_begun_does_not_begin_after_a_restart(bench: Bench):
    bench.clear()
    bench.start()
    bench.files.breaks += [10] * 60  # it never comes whole
    bench.print(LONG)
    bench.coordinator.wait_for_steps("fetch")
    assert bench.stop() == 0
    bench.start()
    _, refused = bench.coordinator.wait_for_steps("fetch", "refuse")
    assert "restarted" in refused.why
    assert bench.far.executed() == []
    bench.ready()


@pytest.mark.parametrize("printing", [True, False])
def test_what_a_printer_held_that_is_not_in_the_settings_any_more_is_ended(bench: Bench, printing: bool):
    bench.clear()
    bench.start()
    if not printing:
        bench.files.breaks += [10] * 60  # it never comes whole
    bench.print(LONG)
    steps = (*TAKEN, "print") if printing else ("fetch",)
    bench.coordinator.wait_for_steps(*steps)
    bench.stop()
    bench.config.write_text(bench.config.read_text().replace(f'"{PRINTER}"', '"renamed"'))
    bench.start()
    ended = bench.coordinator.wait_for_steps(*steps, "fail" if printing else "refuse")[-1]
    assert "settings" in ended.why
    bench.command("clear", "renamed", "--yes")
    bench.telemetry(lambda told: told.printer == "renamed")


def test_the_owners_stop_is_heard_by_an_agent_that_runs(bench: Bench):
    bench.clear()
    bench.start()
    bench.print(LONG)
    bench.coordinator.wait_for_steps(*TAKEN, "print")
    journal = Journal(bench.state / "journal.db")
    journal.stops.ask(PRINTER, StopKind.CANCEL)
    journal.close()
    events = bench.coordinator.wait_for_steps(*TAKEN, "print", "cancel")
    assert "its owner" in events[-1].why


def test_two_names_for_one_printer_are_told_apart_before_anything_starts(bench: Bench, tmp_path: Path):
    alias = tmp_path / "by-id"
    alias.symlink_to(bench.far.port)
    bench.write(after=f'[[printer]]\nname = "right"\ndriver = "serial"\nport = "{alias}"\nmaterial = "petg"')
    told = bench.command("run")
    assert (told.returncode, told.stderr.count("\n")) == (2, 1)
    assert "left and right are one printer" in told.stderr


def test_status_tells_what_the_journal_holds_whether_the_agent_runs_or_not(bench: Bench):
    bench.clear()
    told = json.loads(bench.command("status", "--json").stdout)
    assert (told["agent"], told["running"], told["printers"][0]["bed_clear"]) == (NAME, False, True)
    bench.start()
    attempt = bench.print(LONG)
    bench.coordinator.wait_for_steps(*TAKEN, "print")
    told = json.loads(bench.command("status", "--json").stdout)
    assert told["running"]
    assert told["printers"] == [
        {"printer": PRINTER, "bed_clear": False, "attempt": attempt, "state": "printing", "refused": ""}
    ]
    refused = bench.command("clear", PRINTER, "--yes")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    second = bench.command("run")
    assert second.returncode == 2
    assert "runs already" in second.stderr


def test_printers_are_looked_at_without_moving(bench: Bench):
    quick = ("--no-open", "--interface", "127.0.0.1", "--json")
    (seen,) = json.loads(bench.command("printers", *quick).stdout)["printers"]
    assert (seen["printer"], seen["driver"], seen["condition"]) == (PRINTER, "serial", "idle")
    assert bench.far.executed() == []


def _unheard(bench: Bench) -> int:
    journal = Journal(journal_path(bench.state))
    unheard = journal.events.unheard()
    journal.close()
    return unheard


def _soon() -> str:
    """Quiet hours that begin eleven hours from now."""
    begin = time.gmtime(time.time() + 11 * 3600)
    end = time.gmtime(time.time() + 12 * 3600)
    return f"{begin.tm_hour:02}:{begin.tm_min:02}-{end.tm_hour:02}:{end.tm_min:02}"
