"""How much memory an agent and the process that drives its port hold while they print."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from coordinator.client import Client
from coordinator.demo.processes import MAKERS, DemoMaker, DemoProcesses
from coordinator.mqtt import mosquitto
from tests.bench.figures import Failed, Figure
from tests.bench.hospital import vetted, wait_for_printers
from wire.lifecycle import State

AIM = 40.0
"""MB of each process."""
SPEED = 100.0
"""Of the printers: some 10 minutes of a print pass while we look."""
LOOKS = 30
PAUSE = 0.25
BARE = 3
MB = 1024.0


@dataclass
class Process:
    """What one process was seen to hold, in MB."""

    pid: int
    rss: list[float] = field(default_factory=list[float])
    pss: list[float] = field(default_factory=list[float])
    peak: float = 0.0

    def look(self) -> None:
        """Once more."""
        status = _fields(Path(f"/proc/{self.pid}/status"))
        self.rss.append(status["VmRSS"] / MB)
        self.peak = status["VmHWM"] / MB
        self.pss.append(_fields(Path(f"/proc/{self.pid}/smaps_rollup"))["Pss"] / MB)


def run(*, quick: bool) -> list[Figure]:
    """Three agents print, each with a pump of its own; over TLS where Mosquitto is installed."""
    kind = "mosquitto" if mosquitto.program() else "embedded"
    with tempfile.TemporaryDirectory(prefix="muster-bench-", ignore_cleanup_errors=True) as directory:
        stage = DemoProcesses(Path(directory))
        try:
            url, key = stage.coordinator(kind, "")
            with Client(url, key, by="bench") as client:
                for maker in MAKERS:
                    stage.agent(maker, client.invite(), stage.serial_printer(maker, SPEED))
                wait_for_printers(stage, client, len(MAKERS))
                client.file_need(hospital=vetted(client), part="ear-saver", quantity=33)
                _wait_until_all_print(stage, client)
                agents = [Process(_agent(stage, maker)) for maker in MAKERS]
                pumps = [Process(_pump(stage, maker)) for maker in MAKERS]
                for _ in range(LOOKS // 3 if quick else LOOKS):
                    for process in (*agents, *pumps):
                        process.look()
                    time.sleep(PAUSE)
                if not _print(client):
                    raise Failed("a printer ended its plate while its agent's memory was looked at")
        finally:
            stage.close()
    how = "TLS" if kind == "mosquitto" else "no TLS"
    return [
        *_figures(f"agent that prints ({how})", agents),
        *_figures("pump that prints", pumps),
        Figure(
            name="bare Python, for comparison: resident", unit="MB", values=[_bare() for _ in range(BARE)]
        ),
    ]


def _figures(name: str, processes: list[Process]) -> Iterator[Figure]:
    """One value a process, the middle of its looks."""
    rss = [statistics.median(process.rss) for process in processes]
    yield Figure(name=f"{name}: resident", unit="MB", values=rss, below=AIM)
    peaks = [process.peak for process in processes]
    yield Figure(name="at its peak", unit="MB", values=peaks, share=True)
    pss = [statistics.median(process.pss) for process in processes]
    yield Figure(name="with its part of what is shared (PSS)", unit="MB", values=pss, share=True)


def _print(client: Client) -> bool:
    printing = {each.agent for each in client.attempts(open_only=True) if each.state is State.PRINTING}
    return len(printing) == len(MAKERS)


def _wait_until_all_print(stage: DemoProcesses, client: Client) -> None:
    deadline = time.monotonic() + 30
    while not _print(client):
        stage.check()
        if time.monotonic() > deadline:
            raise Failed("the three agents did not begin to print within 30 s")
        time.sleep(0.1)


def _agent(stage: DemoProcesses, maker: DemoMaker) -> int:
    """The agent's own process: the one that runs its settings, below the process that ends it with us."""
    settings = str(stage.directory / maker.name / "muster-agent.toml")
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode().split("\0")
        except OSError:
            continue
        if words[1:3] == ["-m", "agent"] and settings in words and "run" in words:
            return int(path.parent.name)
    raise Failed(f"{maker.name}'s agent is not there")


def _pump(stage: DemoProcesses, maker: DemoMaker) -> int:
    lock = next((stage.directory / maker.name).rglob("pump.lock"))
    return int(lock.read_text())


def _bare() -> float:
    """A Python that does nothing but tell of itself."""
    code = "print(open('/proc/self/status').read())"
    text = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return _parsed(text)["VmRSS"] / MB


def _fields(path: Path) -> dict[str, int]:
    return _parsed(path.read_text())


def _parsed(text: str) -> dict[str, int]:
    """The lines that give kB."""
    lines = (line.split() for line in text.splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in lines if words[-1:] == ["kB"]}
