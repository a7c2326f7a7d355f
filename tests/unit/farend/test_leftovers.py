"""A process that a test leaves behind fails the run, is named, and is ended."""

import os
import subprocess
import sys
from pathlib import Path

LEAVES = """
import subprocess, sys
def test_that_forgets():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    print("started", child.pid)
"""


def test_a_process_that_a_test_left_behind_fails_the_run_and_is_ended(tmp_path: Path):
    (tmp_path / "test_forgetful.py").write_text(LEAVES)
    own = [sys.executable, "-m", "pytest", "-p", "tests.leftovers", "-s", "-o", "leftovers_patience=0.1"]
    path = os.pathsep.join([str(Path(__file__).parents[3]), *sys.path])
    done = subprocess.run(
        own, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    pid = done.stdout.partition("started ")[2].split()[0]
    assert f"{pid}: {sys.executable} -c input()" in done.stdout
    assert "test_forgetful.py::test_that_forgets" in done.stdout
    command = Path(f"/proc/{pid}/cmdline")
    assert not command.exists() or not command.read_bytes()  # nobody may have buried it yet
