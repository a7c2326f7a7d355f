"""The README's five minutes, command by command: a coordinator, a maker with the fewest settings, a hospital."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.farend import processes
from tests.waiting import PATIENCE

pytestmark = pytest.mark.timeout(600)


class Table:
    """A table with a coordinator's and a maker's machine on it; everything lies below `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.mark = processes.mark()
        self.running: list[subprocess.Popen[bytes]] = []
        (directory / "muster.toml").write_text('data = "data"\n[web]\nport = 0\n')
        (directory / "agent.toml").write_text(
            'state = "state"\n[[printer]]\nname = "left"\ndriver = "serial"\nport = "tty"\nmaterial = "petg"\n'
        )

    def starts(self, module: str, *words: str) -> None:
        with (self.directory / f"{words[0]}.log").open("wb") as log:
            self.running.append(
                subprocess.Popen(
                    [sys.executable, "-m", module, *words],
                    cwd=self.directory,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )

    def muster(self, *words: str) -> Any:
        return json.loads(self._says("coordinator", *words, "--json"))

    def agent(self, *words: str) -> str:
        return self._says("agent", "--config", "agent.toml", *words)

    def until(self, is_so: Callable[[], Any]) -> Any:
        """Look once a second: most looks are processes of their own."""
        deadline = time.monotonic() + 3 * PATIENCE
        while not (answer := is_so()):
            assert time.monotonic() < deadline, self.logs()
            assert all(each.poll() is None for each in self.running), self.logs()
            time.sleep(1)
        return answer

    def logs(self) -> str:
        return "\n".join(
            f"== {each.name}\n{each.read_text()[-2000:]}" for each in self.directory.glob("*.log")
        )

    @property
    def _environment(self) -> dict[str, str]:
        root = str(Path(__file__).parents[2])
        return (
            os.environ
            | self.mark
            | {"PYTHONPATH": root, "MUSTER_CONFIG": str(self.directory / "muster.toml")}
        )

    def _says(self, module: str, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=self.directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    set_up = Table(tmp_path)
    yield set_up
    for each in reversed(set_up.running):
        each.terminate()
        each.wait(PATIENCE)
    assert processes.none_left(set_up.mark) == []


def test_a_maker_with_the_fewest_settings_prints_what_a_hospital_asked_for(table: Table):
    table.starts("coordinator", "serve")
    table.until((table.directory / "data" / "address").exists)
    hospital = table.muster(
        *("hospital", "add", "--name", "Hospital del Mar", "--contact", "ward 7"),
        *("--latitude", "41.38", "--longitude", "2.19"),
    )["id"]
    table.muster("hospital", "approve", hospital)

    table.starts("agent", "virtual-printer", "--link", "tty", "--speed", "200")
    table.agent("enroll", table.muster("invite")["invite"], "--name", "anna")
    assert "idle" in table.until(lambda: table.agent("printers", "--interface", "127.0.0.1"))
    table.agent("clear", "left", "--yes")
    table.starts("agent", "--config", "agent.toml", "run")
    filed = table.muster("need", "file", "--hospital", hospital, "--part", "ear-saver", "--quantity", "2")
    (offer,) = table.until(lambda: json.loads(table.agent("offers", "--json")))
    assert (offer["count"], offer["purpose"]) == (2, "Hospital del Mar")
    assert table.muster("attempt", "list") == []
    table.agent("accept", offer["offer"])

    lot = table.until(
        lambda: next((each for each in table.muster("attempt", "list") if each["state"] == "printed"), None)
    )
    assert "not clear" in table.agent("status")
    table.agent("clear", "left", "--yes")
    table.until(lambda: table.muster("attempt", "show", lot["id"])["state"] == "cleared")
    table.muster("attempt", "inspect", lot["id"], "--good", "2", "--scrapped", "0")
    table.muster("attempt", "collect", lot["id"])
    parcel = table.muster("parcel", "pack", lot["need"])
    table.muster("parcel", "send", parcel["id"])
    request = urllib.request.Request(
        f"{filed['tracking'].replace('/t/', '/api/track/')}/parcels/{parcel['id']}/receive",
        data=json.dumps({"units": 2, "by": "Sister Agnes"}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert json.load(answer)["received_units"] == 2
    assert table.muster("ledger")["balanced"] is True
