"""An owner stops a print, with whole agents, real pumps and a printer behind a pty."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.journal import Journal
from agent.journal.stops import StopKind
from tests.farend.agent import LONG, PRINTER, Bench, benched, environment
from tests.farend.keys import drawn
from tests.farend.virtual import pump_pid
from tests.waiting import PATIENCE

TAKEN = ("fetch", "check", "start")
RUNS = (*TAKEN, "print")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with benched(tmp_path) as bench:
        yield bench


def printing(bench: Bench) -> str:
    """Have the printer print something long."""
    bench.clear()
    bench.start()
    attempt = bench.print(LONG)
    bench.coordinator.wait_for_steps(*RUNS)
    return attempt


def off_after(bench: Bench, parameters: dict[str, float]) -> bool:
    """Whether the heaters were switched off, long before the end."""
    lines = bench.far.log.read_text().splitlines()
    whole = drawn(parameters).body.count(b"\n")
    return {"M104 S0", "M140 S0", "M84"} <= set(lines) and len(bench.far.executed()) < whole


def test_a_print_is_stopped_and_reported(bench: Bench):
    attempt = printing(bench)
    done = bench.command("cancel", PRINTER)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{attempt} is cancelled" in done.stdout
    assert f"muster-agent clear {PRINTER}" in done.stdout
    assert off_after(bench, LONG)
    assert "its owner" in bench.coordinator.wait_for_steps(*RUNS, "cancel")[-1].why


@pytest.mark.parametrize("words", [("cancel", PRINTER), ("stop",)])
def test_the_heaters_go_off_while_the_agent_hangs_and_the_network_is_down(
    bench: Bench, words: tuple[str, ...]
):
    attempt = printing(bench)
    bench.mqtt.stop(signal.SIGKILL)
    assert bench.child is not None
    os.kill(bench.child.pid, signal.SIGSTOP)
    command = [sys.executable, "-m", "agent", "--config", str(bench.config), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as asking:
        bench.far.wait_log("M140 S0")
        os.kill(bench.child.pid, signal.SIGCONT)
        said, _ = asking.communicate(timeout=PATIENCE)
    assert asking.returncode == 0
    assert f"{attempt} is cancelled" in said
    journal = Journal(bench.state / "journal.db")
    assert "its owner" in journal.events.untold()[-1].why
    journal.close()


def test_without_an_agent_it_is_stopped_and_the_next_one_reports_it(bench: Bench):
    attempt = printing(bench)
    bench.stop(signal.SIGKILL)
    done = bench.command("cancel", PRINTER)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{attempt} is cancelled" in done.stdout
    assert off_after(bench, LONG)
    bench.start()
    assert "its owner" in bench.coordinator.wait_for_steps(*RUNS, "cancel")[-1].why


def test_without_an_agent_and_without_a_pump_what_is_left_of_it_is_told(bench: Bench):
    printing(bench)
    bench.stop(signal.SIGKILL)
    pid = pump_pid(bench.state / "pumps", PRINTER)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    done = bench.command("cancel", PRINTER)
    assert (done.returncode, done.stderr) == (0, "")
    assert "is failed" in done.stdout
    bench.start()
    assert "died" in bench.coordinator.wait_for_steps(*RUNS, "fail")[-1].why


def test_what_has_not_begun_is_simply_not_begun(bench: Bench):
    bench.clear()
    bench.start()
    ready = bench.ready()
    bench.files.statuses += [503] * 1000
    bench.grant(bench.manifest(ready))
    bench.coordinator.wait_for_steps("fetch")
    done = bench.command("cancel", PRINTER)
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing had begun" in done.stdout
    bench.coordinator.wait_for_steps("fetch", "cancel")
    assert bench.far.executed() == []


def test_nothing_to_stop_is_told_in_a_line(bench: Bench):
    for before in (lambda: None, bench.clear):
        before()
        done = bench.command("cancel", PRINTER)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert "nothing to stop" in done.stderr
    other = bench.command("cancel", "rihgt")
    assert (other.returncode, other.stderr.count("\n")) == (2, 1)
    assert "no printer is called 'rihgt'" in other.stderr


def far_printer(bench: Bench) -> str:
    """An attempt that is printing on a printer whose server is gone."""
    attempt = printing(bench)
    bench.stop(signal.SIGKILL)
    bench.far.unplug()
    bench.config.write_text(
        f'state = "{bench.state}"\n[[printer]]\nname = "{PRINTER}"\ndriver = "moonraker"\n'
        'url = "http://127.0.0.1:9"\nmaterial = "petg"\n'
    )
    return attempt


def test_a_printer_that_can_not_be_reached_is_given_up_at_once_or_told_later(bench: Bench):
    attempt = far_printer(bench)
    asked = bench.command("cancel", PRINTER)
    assert (asked.returncode, asked.stderr.count("\n")) == (2, 1)
    assert "--give-up" in asked.stderr
    journal = Journal(bench.state / "journal.db")
    assert journal.stops.asked(attempt) is StopKind.CANCEL
    journal.close()
    done = bench.command("cancel", PRINTER, "--give-up")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{attempt} is failed" in done.stdout
    bench.start()
    assert "gave it up" in bench.coordinator.wait_for_steps(*RUNS, "fail")[-1].why


def test_a_print_on_a_printer_that_was_taken_out_of_the_settings_can_be_stopped(bench: Bench):
    attempt = printing(bench)
    bench.stop(signal.SIGKILL)
    bench.config.write_text(bench.config.read_text().replace(f'name = "{PRINTER}"', 'name = "new"'))
    done = bench.command("cancel", PRINTER)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{attempt} is cancelled" in done.stdout
    assert off_after(bench, LONG)
    cleared = bench.command("clear", PRINTER, "--yes")
    assert (cleared.returncode, cleared.stderr) == (0, "")
    assert bench.command("clear", "rihgt", "--yes").returncode == 2
