"""One host against one far end, once."""

import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from msgspec import Struct

from tests.bench.serial import plates
from tests.bench.serial.sides import ROOT, Side
from tests.farend.cable import Cable, Quality
from tests.farend.responder import Responder
from tests.farend.virtual import VirtualPrinter

END_SECONDS = 15.0
"""How long a host may take to notice that the file is printed."""


class Trial(Struct, frozen=True, kw_only=True):
    """What was seen. `seconds` is None for a host that never got there."""

    seconds: float | None = None
    lines: int = 0
    cpu: float | None = None
    rss: float | None = None
    spoilt: int = 0
    lost: int = 0
    late: float = 0.0
    """The part of the cable's deliveries that came more than 1 ms late: the machine had no time for it."""
    exact: bool = True
    """Whether every line was executed once and in order."""
    more: dict[str, float] = {}


class Log:
    """The far end's log, as it is written: a named pipe, so that its lines have times."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.lines: list[str] = []
        self.began: float | None = None
        self.seconds: float | None = None
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._wanted = True
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._wanted = False
        self._thread.join()
        os.close(self._descriptor)

    def wait(self, within: float) -> None:
        """Until the file is printed."""
        deadline = time.monotonic() + within
        while self.seconds is None and time.monotonic() < deadline:
            time.sleep(0.02)

    def _read(self) -> None:
        held = ""
        while self._wanted:
            if not select.select([self._descriptor], [], [], 0.2)[0]:
                continue
            data = os.read(self._descriptor, 65536)
            if not data:
                time.sleep(0.02)
                continue
            *lines, held = (held + data.decode("latin-1")).split("\n")
            for line in lines:
                if line == "M75":
                    self.began = time.monotonic()
                elif line == "M77" and self.began is not None:
                    self.seconds = time.monotonic() - self.began
            self.lines += lines


@contextmanager
def started(side: Side, port: Path, path: Path, mode: str = "") -> Generator[subprocess.Popen[str]]:
    """A host at work, which is ended if it does not end by itself."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        side.command(port, path, mode),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert process.stdout is not None
        process.stdout.close()


def told(process: subprocess.Popen[str], within: float) -> dict[str, float]:
    """What a host says that it has used; empty if it says nothing."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], within)[0]:
        return {}
    line = process.stdout.readline()
    with suppress(subprocess.TimeoutExpired):
        process.wait(3)
    return json.loads(line) if line.strip() else {}


def against_responder(side: Side, count: int, limit: float = 60) -> Trial:
    """A far end that is never the limit."""
    with tempfile.TemporaryDirectory() as name, Responder(Path(name)) as far:
        path = plates.write(plates.straight(count), Path(name) / "plate.gcode")
        with started(side, far.port, path) as process:
            seen = far.wait(limit)
            if seen is None:
                return Trial(exact=False)
            used = told(process, END_SECONDS)
    return Trial(
        seconds=seen.seconds,
        lines=seen.lines,
        cpu=used.get("cpu"),
        rss=used.get("rss"),
        exact=abs(seen.lines - count) <= count // 100 + 4,
    )


def against_printer(side: Side, lines: list[str], quality: Quality, limit: float, mode: str = "") -> Trial:
    """The virtual printer in real time, at the end of a cable."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = plates.write(lines, folder / "plate.gcode")
        log = Log(folder / "executed.log")
        cable = None
        used: dict[str, float] = {}
        try:
            with (
                VirtualPrinter(folder, 1.0) as far,
                Cable(far.port, folder, quality) as cable,
                started(side, cable.port, path, mode) as process,
            ):
                log.wait(limit)
                if log.seconds is not None:
                    used = told(process, END_SECONDS)
        finally:
            log.close()
        wanted = [line for line in lines if line.startswith("G1 X")]
        moved = [line for line in log.lines if line.startswith("G1 X")]
        return Trial(
            seconds=log.seconds,
            lines=len(moved),
            cpu=used.get("cpu"),
            rss=used.get("rss"),
            spoilt=cable.spoilt if cable else 0,
            lost=cable.lost if cable else 0,
            late=cable.late if cable else 0.0,
            exact=moved == wanted,
        )


def at_length(side: Side, mode: str, size: int) -> Trial:
    """Our own host in a mode of its own (`grows`), with a file of `size` lines."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = plates.write(plates.straight(size), folder / "plate.gcode")
        with Responder(folder) as far, started(side, far.port, path, mode) as process:
            used = told(process, 60)
    return Trial(cpu=used.pop("cpu", None), rss=used.pop("rss", None), more=used)
