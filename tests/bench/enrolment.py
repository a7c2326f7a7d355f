"""How long a maker waits, from the invite in hand to the first `ready` of a printer."""

import contextlib
import tempfile
import time
from pathlib import Path

from coordinator.client import Client
from coordinator.demo.processes import MAKERS, DemoMaker, DemoProcesses
from coordinator.mqtt import mosquitto
from tests.bench.figures import Failed, Figure

AIM = 5.0
"""Seconds."""
PATIENCE = 60.0


def run(*, quick: bool) -> list[Figure]:
    """With each broker: `muster-agent enroll`, `clear` and `run`, as processes, until the coordinator sees it ready."""
    return [
        _with(kind, quick=quick) for kind in ("embedded", *(["mosquitto"] if mosquitto.program() else []))
    ]


def _with(kind: str, *, quick: bool) -> Figure:
    values: list[float] = []
    with contextlib.ExitStack() as closing:
        folder = closing.enter_context(
            tempfile.TemporaryDirectory(prefix="muster-bench-", ignore_cleanup_errors=True)
        )
        stage = DemoProcesses(Path(folder))
        closing.callback(stage.close)
        client = closing.enter_context(Client(*stage.coordinator(kind, ""), by="bench"))
        for maker in MAKERS[:1] if quick else MAKERS:
            port = stage.serial_printer(maker, 60)
            values.append(_joined(stage, client, maker, port))
    return Figure(name=f"enrolment to the first ready, {kind}", unit="s", values=values, below=AIM)


def _joined(stage: DemoProcesses, client: Client, maker: DemoMaker, port: list[str]) -> float:
    invite = client.invite()
    began = time.monotonic()
    stage.agent(maker, invite, port)
    while not any(view.waiting and view.printer.agent == maker.name for view in client.printers()):
        stage.check()
        if time.monotonic() > began + PATIENCE:
            raise Failed(f"{maker.name} was not ready within {PATIENCE:.0f} s")
        time.sleep(0.02)
    return time.monotonic() - began
