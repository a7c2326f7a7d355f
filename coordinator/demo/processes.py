"""The processes that the demo needs, started together and ended together."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import httpx

from coordinator.errors import StartError
from coordinator.mqtt import child_process

PATIENCE = 60.0
"""Seconds for anything to come up on a slow machine."""


@dataclass(frozen=True, slots=True)
class DemoMaker:
    """A volunteer with one printer; `place` is (latitude, longitude), the rest goes into the agent's settings."""

    name: str
    place: tuple[float, float]
    profile: dict[str, str | float]


MAKERS = (
    DemoMaker("anna", (41.4, 2.2), {"family": "marlin", "width": 220, "depth": 220, "height": 250}),
    DemoMaker("ben", (41.5, 2.1), {"family": "marlin", "width": 180, "depth": 180, "height": 180}),
    DemoMaker("chloe", (41.6, 2.3), {"family": "prusa-mk3", "width": 250, "depth": 210, "height": 210}),
)
PRINTER = "one"


class DemoProcesses:
    """Everything runs below `directory`, on loopback, on free ports; `close` ends it all."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._children: list[tuple[str, subprocess.Popen[str]]] = []

    # ── the coordinator ───────────────────────────────────────────────────────────────────────────────────

    def coordinator(self, broker: str, database: str) -> tuple[str, str]:
        """Start `muster serve`; its address and access key.

        Raises:
            StartError: it did not come up; with what it said last.
        """
        data = self.directory / "coordinator"
        lines = [
            f'data = "{data}"',
            "[web]\nport = 0",
            f'[broker]\nkind = "{broker}"',
            *([f'[database]\nurl = "{database}"'] if database else []),
        ]
        settings = self.directory / "muster.toml"
        settings.write_text("\n".join(lines) + "\n")
        self._start("coordinator", [sys.executable, "-m", "coordinator", "serve", "--config", str(settings)])
        address = data / "address"
        self._wait("coordinator", lambda: address.exists() and _answers(address.read_text().strip()))
        return address.read_text().strip(), (data / "access.key").read_text().strip()

    # ── makers ────────────────────────────────────────────────────────────────────────────────────────────

    def serial_printer(self, maker: DemoMaker, speed: float) -> list[str]:
        """Plug in a virtual printer; the lines of agent settings that drive it."""
        port = self._home(maker) / "tty"
        self._start(
            f"{maker.name}-printer",
            [sys.executable, "-m", "agent", "virtual-printer", "--link", str(port), "--speed", str(speed)],
        )
        self._wait(f"{maker.name}-printer", port.exists)
        return ['driver = "serial"', f'port = "{port}"']

    def octoprint(self, maker: DemoMaker, executable: Path, speed: float) -> list[str]:
        """Start a real OctoPrint with its own virtual printer; the lines of agent settings that drive it."""
        state = self._home(maker) / "octoprint"
        command = ["octoprint-sandbox", "--executable", str(executable), "--state", str(state)]
        child = self._start(
            f"{maker.name}-octoprint",
            [sys.executable, "-m", "agent", *command, "--speed", str(speed)],
            read=True,
        )
        answer = json.loads(self._line(f"{maker.name}-octoprint", child))
        key = self._home(maker) / "octoprint.key"
        key.touch(mode=0o600)
        key.write_text(answer["key"])
        return ['driver = "octoprint"', f'url = "{answer["url"]}"', f'key_file = "{key}"']

    def agent(self, maker: DemoMaker, invite: str, driver: Sequence[str]) -> None:
        """A maker installs the agent, joins, says that the bed is clear, and lets it run."""
        profile = [f"{name} = {json.dumps(value)}" for name, value in maker.profile.items()]
        settings = [
            f'state = "{self._home(maker) / "state"}"',
            f"place = [{maker.place[0]}, {maker.place[1]}]",
            "clear_from_page = true",
            '[consent]\ndefault = "auto"',  # nobody sits beside them
            f'[[printer]]\nname = "{PRINTER}"\nmaterial = "petg"\nthermal_protection = true',
            *driver,
            "[printer.profile]",
            *profile,
        ]
        (self._home(maker) / "muster-agent.toml").write_text("\n".join(settings) + "\n")
        self._say(maker, "enroll", invite, "--name", maker.name)
        self._say(maker, "clear", PRINTER, "--yes")
        self._start(maker.name, self._agent_command(maker, "run"))

    # ── all of it ─────────────────────────────────────────────────────────────────────────────────────────

    def check(self) -> None:
        """Raise StartError if a process ended that should not have."""
        for name, child in self._children:
            if child.poll() is not None:
                raise StartError(f"the {name} ended: {self._last_words(name)}")

    def close(self) -> None:
        """End all processes, the agents first; the processes that drive ports outlive agents, and end last."""
        for _, child in reversed(self._children):
            if child.stdin:
                child.stdin.close()
        for _, child in reversed(self._children):
            child.wait()
        for lock in self.directory.rglob("pump.lock"):
            with contextlib.suppress(OSError, ValueError):
                _end(int(lock.read_text()))

    def _home(self, maker: DemoMaker) -> Path:
        home = self.directory / maker.name
        home.mkdir(exist_ok=True)
        return home

    def _agent_command(self, maker: DemoMaker, *words: str) -> list[str]:
        config = str(self._home(maker) / "muster-agent.toml")
        return [sys.executable, "-m", "agent", "--config", config, *words]

    def _say(self, maker: DemoMaker, *words: str) -> None:
        done = subprocess.run(
            self._agent_command(maker, *words), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        if done.returncode:
            raise StartError(f"muster-agent {words[0]}: {(done.stderr or done.stdout).strip()}")

    def _start(self, name: str, command: list[str], *, read: bool = False) -> "subprocess.Popen[str]":
        """Start a process that ends with us. What it says goes to a log, its first line to us if we `read`."""
        log: TextIO
        with (self.directory / f"{name}.log").open("w") as log:
            child = subprocess.Popen(
                [sys.executable, child_process.__file__, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if read else log,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C is for us; we end them in order
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )
        self._children.append((name, child))
        return child

    def _line(self, name: str, child: "subprocess.Popen[str]") -> str:
        assert child.stdout is not None
        ready, _, _ = select.select([child.stdout], [], [], PATIENCE)
        line = child.stdout.readline() if ready else ""
        if not line:
            raise StartError(f"the {name} did not start: {self._last_words(name)}")
        return line

    def _wait(self, name: str, is_up: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_up():
            self.check()
            if time.monotonic() > deadline:
                raise StartError(f"the {name} did not start: {self._last_words(name)}")
            time.sleep(0.05)

    def _last_words(self, name: str) -> str:
        lines = (self.directory / f"{name}.log").read_text().strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=5).is_success
    except httpx.TransportError:
        return False


def _end(pid: int) -> None:
    """End a process that is not our child, and wait for that."""
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        os.kill(pid, 0)  # raises when it is gone
        time.sleep(0.05)
