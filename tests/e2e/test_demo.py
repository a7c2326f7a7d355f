"""The whole chain as a user runs it: `muster demo`, with each broker, database and kind of printer."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.farend import processes
from tests.farend.broker import need_mosquitto
from tests.farend.octoprint import executable
from tests.waiting import PATIENCE

pytestmark = pytest.mark.timeout(400)
DEMO = [sys.executable, "-m", "coordinator", "demo"]
FAST = ["--speed", "800"]


def run(*arguments: str) -> dict[str, Any]:
    """What the demo says of itself, after a look that it left nothing running."""
    marked = processes.mark()
    done = subprocess.run(
        [*DEMO, *FAST, "--once", "--json", *arguments],
        capture_output=True,
        text=True,
        timeout=380,
        env=os.environ | marked,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert processes.none_left(marked) == []
    return json.loads(done.stdout)


def held(result: dict[str, Any], units: int) -> None:
    assert list(result) == [
        "needed",
        "printed",
        "good",
        "scrapped",
        "received",
        "attempts",
        "agents",
        "ledger_balanced",
        "seconds",
    ]
    assert result["needed"] == result["received"] == result["good"] == units
    assert result["scrapped"] >= 1
    assert result["printed"] == result["good"] + result["scrapped"]
    assert result["ledger_balanced"] is True


def test_a_hospital_signs_for_24_ear_savers():
    result = run()
    held(result, 24)
    assert result["agents"] == 3


@pytest.mark.system
def test_the_same_over_mosquitto_with_mutual_tls():
    need_mosquitto()
    held(run("--units", "2", "--broker", "mosquitto"), 2)


@pytest.mark.system
def test_the_same_on_postgresql(postgres_url):
    held(run("--units", "2", "--database", postgres_url), 2)


@pytest.mark.octoprint
def test_the_same_with_a_real_octoprint_beside_one_agent():
    result = run("--octoprint", str(executable()))
    held(result, 24)
    assert result["agents"] == 3


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_shows_its_pages_and_ctrl_c_ends_all_that_it_started(tmp_path: Path, ending: signal.Signals):
    marked = processes.mark()
    said = tmp_path / "said"
    with said.open("w") as out:
        demo = subprocess.Popen(
            [*DEMO, *FAST, "--units", "3"],
            stdout=out,
            stderr=out,
            env=os.environ | marked | {"COLUMNS": "200"},
        )
    try:
        deadline = time.monotonic() + 120
        while not (page := re.search(r"hospital\s+(http://\S+/t/\S+)", said.read_text())):
            assert demo.poll() is None, said.read_text()
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.2)
        with urllib.request.urlopen(page[1], timeout=PATIENCE) as answer:
            assert "Hospital del Mar" in answer.read().decode()
        assert len(processes.carriers(marked)) > 7
    finally:
        demo.send_signal(ending)
        left = processes.none_left(marked)
        processes.end(marked)
    assert left == []
    assert demo.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--units", "0"], "--units"),
        (["--speed", "-1"], "--speed"),
        (["--octoprint", "/nowhere/octoprint"], "/nowhere/octoprint"),
        (["--broker", "pigeon"], "pigeon"),
    ],
)
def test_a_demo_that_makes_no_sense_is_refused_in_one_line(arguments, complaint):
    done = subprocess.run([*DEMO, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
