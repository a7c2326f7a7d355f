"""`muster` as a person calls it, in this process and in one of its own, and what it answers."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[4]


SETTINGS = """\
data = "data"
[web]
port = 0
[broker]
kind = "embedded"
"""


CLINIC = (
    "--name",
    "Hospital Clínic",
    "--contact",
    "ops@clinic.example",
    "--latitude",
    "41.4",
    "--longitude",
    "2.2",
)


@dataclass
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    def complains(self, code: int, *about: str) -> None:
        assert self.code == code
        assert self.out == ""
        assert self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.err
        for each in about:
            assert each in self.err


class Served:
    """A coordinator in a process of its own."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "muster.toml"
        self.config.write_text(SETTINGS)
        self.data = directory / "data"
        self._log = (directory / "log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "coordinator", "serve", "--config", str(self.config)],
            cwd=directory,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self.process.stdout is not None
        self.announced = self.process.stdout.readline()
        if not self.announced:
            self.process.wait(PATIENCE)
        assert self.announced, self.log()
        self.children = descendants(self.process.pid)

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def ends(self, how: signal.Signals) -> None:
        """Ends well, and leaves nothing behind: no process, no address, no key in what it said."""
        assert self.children, "the broker is a child"
        self.process.send_signal(how)
        try:
            rest, _ = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        said = self.announced + rest + self.log()
        self._log.close()
        assert self.process.returncode == 0, said
        assert "Traceback" not in said
        assert rest == "", "one line is all that it prints"
        assert (self.data / "access.key").read_text() not in said
        assert not [pid for pid in self.children if Path(f"/proc/{pid}").exists()]
        assert not (self.data / "address").exists()


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
    return kept | {"PYTHONPATH": str(ROOT)} | more


def descendants(pid: int) -> list[int]:
    children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [each for child in children for each in descendants(child)]


def run_muster(*arguments: str, cwd: Path, **more: str) -> Said:
    """`muster` as a process."""
    done = subprocess.run(
        [sys.executable, "-m", "coordinator", *arguments],
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)
