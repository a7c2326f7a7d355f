"""From a need filed to the first line of its plate on a printer's cable, and where the time goes."""

import contextlib
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gcode_templates
from coordinator.client import Client
from coordinator.demo.processes import MAKERS, PRINTER, DemoProcesses
from coordinator.mqtt import mosquitto
from gcode import document, script
from gcode.material import material
from gcode.profile import Profile
from tests.bench.figures import Failed, Figure
from tests.bench.hospital import vetted, wait_for_printers
from tests.bench.tap import Tap, Watch
from wire.lifecycle import State, Step
from wire.messages import Wish

AIM = 1.0
"""Seconds."""
NEEDS = 7
QUICK = 3
UNITS = 11
"""A full plate on this maker's bed."""
MAKER = MAKERS[0]
SPEED = 10.0
"""Of the printers: they home in a moment once they are called off, and leave the processor alone while they wait."""
PATIENCE = 20.0
REST = 1.0
"""Seconds between a printer's looks around: needs come at any moment between two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One need's moments, in seconds since it was sent. Shares are the stretches between them."""

    answered: float
    granted: float
    taken: float
    fetched: float
    passed: float
    checked: float
    begun: float
    numbered: float
    written: float

    def shares(self) -> dict[str, float]:
        """Where the time went, in order; together it is `written`."""
        return {
            "plan, draw the plate": self.granted,
            "commit, sign, MQTT, journal": self.taken - self.granted,
            "fetch": self.fetched - self.taken,
            "gate": self.passed - self.fetched,
            "file synced, journal": self.checked - self.passed,
            "look again at printer and bed": self.begun - self.checked,
            "journal, order to the pump": self.numbered - self.begun,
            "numbering, to the first line": self.written - self.numbered,
        }


class House:
    """A coordinator with one maker, whose printer's cable is tapped."""

    def __init__(self, kind: str, directory: Path, closing: contextlib.ExitStack) -> None:
        self.kind = kind
        self._stage = DemoProcesses(directory)
        closing.callback(self._stage.close)
        self._directory = directory
        url, key = self._stage.coordinator(kind, "")
        self._client = closing.enter_context(Client(url, key, by="bench"))
        self._stage.serial_printer(MAKER, SPEED)
        home = directory / MAKER.name
        self._tap = closing.enter_context(Tap(home / "tty", home / "tap"))
        self._stage.agent(MAKER, self._client.invite(), ['driver = "serial"', f'port = "{home / "tap"}"'])
        self._hospital = vetted(self._client)
        self._first = _first_line()

    def file(self, length: float) -> Course:
        """One need for a printer that waits; afterwards it is called off and the bed cleared."""
        wait_for_printers(self._stage, self._client)
        time.sleep(random.random() * REST)
        watch = self._tap.watch(self._first)
        sent = time.time()
        filed = self._client.file_need(
            hospital=self._hospital, part="ear-saver", quantity=UNITS, parameters={"length": length}
        )
        answered = time.time()
        if not watch.wait(PATIENCE):
            raise Failed(f"no plate came to the printer within {PATIENCE:.0f} s: {self._said(filed.need.id)}")
        course = self._course(filed.need.id, watch, sent, answered)
        self._call_off(filed.need.id)
        return course

    def _course(self, need: str, watch: Watch, sent: float, answered: float) -> Course:
        (attempt,) = self._client.need(need).attempts
        files = self._directory / MAKER.name / "state" / "files" / PRINTER
        # When a file was last written to; the kernel's clock for that moves by some milliseconds.
        fetched, passed = ((files / name).stat().st_mtime for name in (attempt.digest, f"{attempt.id}.gcode"))
        steps = self._steps(attempt.id)
        assert watch.numbered is not None
        assert watch.written is not None
        return Course(
            answered=answered - sent,
            granted=attempt.granted - sent,
            taken=steps[Step.FETCH] - sent,
            fetched=fetched - sent,
            passed=passed - sent,
            checked=steps[Step.CHECK] - sent,
            begun=steps[Step.START] - sent,
            numbered=watch.numbered - sent,
            written=watch.written - sent,
        )

    def _steps(self, attempt: str) -> dict[Step, float]:
        """When the agent took its steps, by its own clock, which is ours."""
        deadline = time.monotonic() + PATIENCE
        database = (self._directory / "coordinator" / "muster.db").as_uri() + "?mode=ro"
        while time.monotonic() < deadline:
            with contextlib.closing(sqlite3.connect(database, uri=True)) as tables:
                rows = tables.execute("select step, at from event where attempt = ?", (attempt,)).fetchall()
            steps = {Step(step): at for step, at in rows}
            if Step.START in steps:
                return steps
            time.sleep(0.05)
        raise Failed(f"the agent did not report how {attempt} began")

    def _call_off(self, need: str) -> None:
        self._client.cancel_need(need)
        (attempt,) = self._client.need(need).attempts
        self._client.ask(attempt.id, Wish.CANCEL)
        deadline = time.monotonic() + PATIENCE
        while self._client.attempt(attempt.id).state is not State.CANCELLED:
            if time.monotonic() > deadline:
                raise Failed(f"{attempt.id} was not cancelled: {self._said(need)}")
            time.sleep(0.05)
        self._client.ask(attempt.id, Wish.CLEARED)

    def _said(self, need: str) -> str:
        attempts = self._client.need(need).attempts
        return (
            "; ".join(f"{each.id} is {each.state} {each.why}" for each in attempts) or "nothing was granted"
        )


def run(*, quick: bool) -> list[Figure]:
    """With the embedded broker and with Mosquitto in turn, plates that are new and plates that are known."""
    kinds = ["embedded", *(["mosquitto"] if mosquitto.program() else [])]
    if "mosquitto" not in kinds and os.environ.get("CI"):
        raise Failed("Mosquitto is not installed: sudo apt install mosquitto")
    found: dict[tuple[str, str], list[Course]] = {}
    with contextlib.ExitStack() as closing:
        folder = closing.enter_context(
            tempfile.TemporaryDirectory(prefix="muster-bench-", ignore_cleanup_errors=True)
        )
        houses = list[House]()
        for kind in kinds:
            (Path(folder) / kind).mkdir()
            houses.append(House(kind, Path(folder) / kind, closing))
        for turn in range(QUICK if quick else NEEDS):
            for plate in ("new plate", "known plate"):
                for house in houses:
                    found.setdefault((house.kind, plate), []).append(house.file(150 + turn / 10))
    return [figure for (kind, plate), courses in found.items() for figure in _figures(kind, plate, courses)]


def _figures(kind: str, plate: str, courses: Sequence[Course]) -> list[Figure]:
    name = f"need to first line, {kind}, {plate}"
    figures = [Figure(name=name, unit="s", values=[each.written for each in courses], below=AIM)]
    figures += [
        Figure(name=share, unit="s", values=[each.shares()[share] for each in courses], share=True)
        for share in courses[0].shares()
    ]
    answers = [each.answered for each in courses]
    return [*figures, Figure(name="(beside it: the request answered)", unit="s", values=answers, share=True)]


def _first_line() -> bytes:
    """What the maker's printer is sent first, by its family's start script."""
    family = document.decode(gcode_templates.machine_source("marlin"), script.Script, "marlin.toml")
    return script.fill(family, Profile(), material("petg")).start.split(b"\n")[0]
