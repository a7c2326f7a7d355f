"""A short fault run, as real processes from a seed; `make chaos` is the long one."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.farend import processes

pytestmark = pytest.mark.timeout(400)
SHORT = ("--seconds", "15", "--rate", "1.5", "--agents", "3", "--speed", "900", "--json", "--quiet")


def run(*arguments: str) -> dict[str, Any]:
    """What the run found, after a look that it left nothing running."""
    marked = processes.mark()
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *SHORT, *arguments],
        capture_output=True,
        text=True,
        timeout=380,
        env=os.environ | marked | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert processes.none_left(marked) == []
    assert done.returncode in (0, 1), done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == bool(result["violations"])
    return result


def test_under_faults_nothing_is_lost_or_counted_twice_or_started_by_surprise() -> None:
    result = run("--seed", "20")
    assert result["violations"] == [], result["kept"]
    assert sum(result["faults"].values()) >= 8
    assert len(result["faults"]) >= 5
    assert result["starts"] >= 1


def test_a_run_with_a_mistake_planted_finds_it() -> None:
    result = run("--seed", "7", "--plant", "movement-twice-unguarded", "--seconds", "60")
    assert "ledger" in {each.partition(":")[0] for each in result["violations"]}
