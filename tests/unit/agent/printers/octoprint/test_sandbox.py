import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.printers.octoprint.sandbox import Sandbox, SandboxError, main
from tests.farend.octoprint import executable
from tests.waiting import PATIENCE


def gone(pid: int, within: float = PATIENCE) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    program = [sys.executable, "-m", "agent.printers.octoprint.sandbox", "--speed", "20"]
    return [*program, "--executable", str(executable()), "--state", str(tmp_path / "state")]


@pytest.mark.octoprint
@pytest.mark.parametrize("ending", ["closed", signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=str)
def test_octoprint_ends_with_who_started_it(command: list[str], ending: str | signal.Signals):
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert set(ready) == {"url", "key", "pid"}
        if isinstance(ending, signal.Signals):
            process.send_signal(ending)
        else:
            process.stdin.close()
        assert process.wait(PATIENCE) == (-signal.SIGKILL if ending is signal.SIGKILL else 0)
    assert gone(ready["pid"])


@pytest.mark.octoprint
def test_its_files_are_for_nobody_else(tmp_path: Path):
    Sandbox(executable(), tmp_path).close()
    for name in ("config.yaml", "users.yaml"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_a_missing_octoprint_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["--executable", str(tmp_path / "none"), "--state", str(tmp_path / "state")]) == 2
    assert "make setup-octoprint" in capsys.readouterr().err


def test_an_octoprint_that_ends_at_once_is_told(tmp_path: Path):
    with pytest.raises(SandboxError, match="did not start"):
        Sandbox(Path("/bin/false"), tmp_path)
