import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.cli.watch import LiveScreen, Moment, PaperScreen, TimeLeft, Unheard, WatchedJob, frame, gist
from agent.printers.driver import Condition, Ending, Heat, Status
from agent.printers.serial.pump_onlooker import PumpOnlooker
from tests.farend.agent import LONG, PRINTER, Bench, benched, environment
from tests.waiting import PATIENCE
from wire.lifecycle import State, Step

JOB = WatchedJob(attempt="a-1", state=State.PRINTING, part="ear-saver", count=11, seconds=3600)


def seen(progress: float = 0.25, condition: Condition = Condition.PRINTING, **changes: Any) -> Status:
    heat: dict[str, Any] = {"nozzle": Heat(210, 210), "bed": Heat(42, 60)}
    return Status(condition=condition, attempt="a-1", progress=progress, **{**heat, **changes})


def moment(**changes: Any) -> Moment:
    usual: dict[str, Any] = {
        "now": 1_700_000_000.0,
        "printer": "left",
        "driver": "serial",
        "status": seen(),
        "bed_clear": False,
        "running": True,
        "job": JOB,
        "left": 2700.0,
    }
    return Moment(**{**usual, **changes})


def test_a_view_tells_job_heat_time_bed_and_what_the_coordinator_knows():
    text = "\n".join(frame(moment()))
    for word in ("left  printing", "ear-saver × 11", "25%", "about 45 min left", "210 °C, held at 210"):
        assert word in text
    assert "42 °C, on its way to 60" in text
    assert "not clear: muster-agent clear left" in text
    assert "runs; the coordinator knows: printing" in text


def test_a_view_of_a_printer_without_work_and_without_contact():
    idle = frame(
        moment(job=None, left=None, bed_clear=True, status=seen(0, Condition.IDLE, nozzle=Heat(21, 0)))
    )
    assert "  job     none" in idle
    assert "  nozzle   21 °C, off" in idle
    lost = Status(condition=Condition.UNREACHABLE, why="is it switched on?")
    assert "  note    is it switched on?" in frame(moment(status=lost, running=False))


def test_what_the_coordinator_does_not_know_is_told():
    events = (Unheard(Step.START, 1_700_000_000.0 - 600), Unheard(Step.PRINT, 1_700_000_000.0))
    assert "does not know yet for 10 min: start, print" in "\n".join(frame(moment(unheard=events)))
    assert "does not know yet: print" in gist(moment(unheard=events[1:]))


def test_nothing_that_a_server_says_moves_the_cursor():
    odd = moment(status=seen(why="\x1b[2J\rpwned\n\x07"))
    assert all(line.isprintable() for line in [*frame(odd), gist(odd)])


def test_time_left_is_the_estimate_until_the_printers_own_pace_is_known():
    pace = TimeLeft()
    assert pace.left(JOB, seen(0.5), 0) == 1800
    assert pace.left(JOB, seen(0.51), 29) == pytest.approx(1764)
    assert pace.left(JOB, seen(0.6), 100) == pytest.approx(400)
    assert pace.left(JOB, seen(0.6, Condition.PAUSED), 200) is None
    assert pace.left(JOB, seen(0.6), 300) == pytest.approx(1440)
    assert pace.left(None, seen(0.6), 301) is None


def test_a_live_screen_draws_over_what_it_drew_and_cuts_at_the_window():
    out = io.StringIO()
    screen = LiveScreen(out, lambda: 20)
    screen.draw(moment())
    first = out.getvalue()
    screen.draw(moment(status=seen(why="x" * 100)))
    second = out.getvalue()[len(first) :]
    assert "\x1b" not in first
    assert second.startswith(f"\x1b[{first.count(chr(10))}F\x1b[J")
    assert max(len(line) for line in first.splitlines()) < 20


def test_a_note_is_shown_to_its_end_in_a_narrow_window():
    out = io.StringIO()
    why = "The printer stopped itself: the nozzle heats out of control: is its thermistor loose?"
    LiveScreen(out, lambda: 60).draw(moment(status=seen(condition=Condition.FAULT, why=why)))
    assert why in " ".join(out.getvalue().split())
    assert max(map(len, out.getvalue().splitlines())) < 60
    assert "210 °C when it was last heard of" in out.getvalue()
    assert "muster-agent reset left" in out.getvalue()


def test_paper_gets_a_line_only_when_something_changed():
    out = io.StringIO()
    screen = PaperScreen(out)
    for progress in (0.25, 0.26, 0.27, 0.31):
        screen.draw(moment(status=seen(progress)))
    screen.draw(moment(status=seen(1, Condition.IDLE, ending=Ending.DONE)))
    lines = out.getvalue().splitlines()
    assert [re.findall(r"\d+ %", line) for line in lines] == [["25 %"], ["30 %"], []]


def test_a_pump_that_is_not_there_is_not_started(tmp_path: Path):
    looking = PumpOnlooker(tmp_path / "pumps" / "left")
    status = looking.status()
    looking.close()
    assert (status.condition, "nobody drives it" in status.why) == (Condition.UNREACHABLE, True)
    assert not (tmp_path / "pumps").exists()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with benched(tmp_path) as running:
        yield running


def test_a_print_is_watched_and_goes_on_undisturbed(bench: Bench):
    bench.clear()
    bench.start()
    attempt = bench.print(LONG)
    bench.coordinator.wait_for_steps("fetch", "check", "start", "print")
    told = json.loads(bench.command("watch", "--once", "--json").stdout)
    assert (told["status"]["condition"], told["job"]["attempt"], told["running"]) == (
        "printing",
        attempt,
        True,
    )
    assert told["job"]["state"] == "printing"
    text = bench.command("watch", PRINTER, "--once").stdout
    assert "coupon" in text
    looked = json.loads(bench.command("printers", "--json", "--seconds", "4").stdout)
    assert [(each["printer"], each["condition"]) for each in looked["printers"]] == [(PRINTER, "printing")]
    master, slave = pty.openpty()
    watching = subprocess.Popen(
        [sys.executable, "-m", "agent", "--config", str(bench.config), "watch"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(),
    )
    os.close(slave)
    shown = b""
    try:
        while b"\x1b[" not in shown:
            shown += os.read(master, 4096)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(PATIENCE) == 0
    finally:
        watching.kill()
        os.close(master)
    assert b"printing" in shown
    assert json.loads(bench.command("watch", "--once", "--json").stdout)["status"]["condition"] == "printing"


def test_watching_without_an_agent_opens_no_port(bench: Bench):
    told = json.loads(bench.command("watch", "--once", "--json").stdout)
    assert told["status"]["condition"] == "unreachable"
    assert not (bench.state / "pumps").exists()


def test_with_several_printers_one_is_named(bench: Bench):
    bench.write(after='[[printer]]\nname = "right"\ndriver = "serial"\nport = "x"\nmaterial = "pla"\n')
    done = bench.command("watch", "--once")
    assert (done.returncode, "left, right" in done.stderr) == (2, True)
    assert bench.command("watch", "right", "--once").returncode == 0


def test_of_a_printer_without_an_agent_nothing_is_said_of_one():
    lines = frame(moment(), agent=False, advice=False)
    assert any(line.endswith("; not clear") for line in lines)
    assert not any(line.startswith("  agent") for line in lines)
    assert gist(moment(), agent=False) == "left printing 25 %, ear-saver × 11 printing"


def test_a_note_stays_above_what_is_drawn_next():
    stream = io.StringIO()
    screen = LiveScreen(stream, lambda: 80, lambda each: [each.printer])
    screen.draw(moment())
    screen.note("granted")
    screen.draw(moment())
    assert stream.getvalue() == "left\n\x1b[1F\x1b[Jgranted\nleft\n"
