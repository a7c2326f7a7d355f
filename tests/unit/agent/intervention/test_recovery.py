"""An owner takes a printer up again after a fault."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli import main
from agent.intervention import recovery
from tests.farend.agent import LONG, PRINTER, Bench, benched

RUNS = ("fetch", "check", "start", "print")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with benched(tmp_path) as bench:
        yield bench


def fail(bench: Bench) -> None:
    """Let a print end in a fault."""
    bench.clear()
    bench.start()
    bench.print(LONG)
    bench.coordinator.wait_for_steps(*RUNS)
    bench.far.overheat()
    bench.coordinator.wait_for_steps(*RUNS, "fail")


@pytest.mark.parametrize("agent_runs", [True, False])
def test_after_a_look_a_printer_prints_again(bench: Bench, agent_runs: bool):
    fail(bench)
    if not agent_runs:
        bench.stop()
    asked = bench.command("reset", PRINTER)  # nobody answers the question
    assert (asked.returncode, asked.stderr.count("\n")) == (2, 1)
    assert "out of control" in asked.stdout
    bench.far.restart()  # a pty has no DTR: the owner presses its button
    done = bench.command("reset", PRINTER, "--yes")
    assert (done.returncode, done.stderr) in {
        (0, ""),
        (2, f"muster-agent: {PRINTER} has no fault: there is nothing to reset\n"),
    }
    bench.clear()
    if not agent_runs:
        bench.start()
    assert bench.ready().printer == PRINTER


def test_a_printer_that_does_not_come_up_again_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    fail(bench)
    monkeypatch.setattr(recovery, "WAIT", 0.5)
    assert main(["--config", str(bench.config), "reset", PRINTER, "--yes"]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert "switch it off and on again" in said.err


@pytest.mark.parametrize("agent_runs", [True, False])
def test_a_printer_that_is_not_plugged_in_is_not_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], agent_runs: bool
):
    if agent_runs:
        bench.start()
    monkeypatch.setattr(recovery, "WAIT", 600)
    text = bench.config.read_text()
    bench.config.write_text(text.replace(str(bench.far.port), str(bench.state / "nowhere")))
    assert main(["--config", str(bench.config), "reset", PRINTER, "--yes"]) == 2
    said = capsys.readouterr().err
    assert "plug it in" in said
    assert str(bench.state / "nowhere") in said


def test_without_a_fault_nothing_is_reset(bench: Bench):
    bench.clear()
    bench.start()
    bench.telemetry(lambda told: told.condition == "idle")
    idle = bench.command("reset", PRINTER, "--yes")
    assert (idle.returncode, idle.stderr.count("\n")) == (2, 1)
    assert "no fault" in idle.stderr
    bench.print(LONG)
    bench.coordinator.wait_for_steps(*RUNS)
    busy = bench.command("reset", PRINTER, "--yes")
    assert "muster-agent cancel" in busy.stderr


def test_a_printer_behind_a_server_is_reset_there(bench: Bench):
    bench.config.write_text(
        f'state = "{bench.state}"\n[[printer]]\nname = "{PRINTER}"\ndriver = "moonraker"\n'
        'url = "http://127.0.0.1:9"\nmaterial = "petg"\n'
    )
    done = bench.command("reset", PRINTER, "--yes")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "127.0.0.1:9" in done.stderr


def test_a_printer_that_rests_after_failures_takes_work_again_when_its_owner_has_looked(bench: Bench):
    for times in (1, 2):
        bench.clear()
        if bench.child is None:
            bench.start()
        bench.print(LONG)
        bench.until(lambda times=times: bench.log.count("is printing") == times)
        bench.far.restart()
        bench.until(lambda times=times: bench.log.count("is failed") == times)
    bench.clear()
    bench.telemetry(lambda told: "muster-agent reset" in told.why and told.condition == "idle")
    asked = bench.command("reset", PRINTER)
    assert (asked.returncode, "looked at it" in asked.stdout) == (2, True)
    done = bench.command("reset", PRINTER, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert bench.ready().printer == PRINTER
