"""An agent as a maker has it, joined and waiting for work, with the pump of its one printer."""

import tempfile
import time
from pathlib import Path

from coordinator.client import Client
from coordinator.demo.processes import MAKERS, DemoProcesses
from coordinator.mqtt import mosquitto
from tests.bench.figures import Failed
from tests.bench.hospital import wait_for_printers
from tests.bench.serial.hosts.meter import cpu, memory
from tests.bench.serial.trial import Trial

SETTLE_SECONDS = 3.0
IDLE_SECONDS = 10.0


def at_rest() -> tuple[Trial, Trial]:
    """The agent and the pump: what part of a core each takes while nothing is to be done, and its memory in MB."""
    kind = "mosquitto" if mosquitto.program() else "embedded"
    with tempfile.TemporaryDirectory(prefix="muster-bench-", ignore_cleanup_errors=True) as directory:
        stage = DemoProcesses(Path(directory))
        try:
            url, key = stage.coordinator(kind, "")
            with Client(url, key, by="bench") as client:
                stage.agent(MAKERS[0], client.invite(), stage.serial_printer(MAKERS[0], 1))
                wait_for_printers(stage, client)
            time.sleep(SETTLE_SECONDS)
            home = stage.directory / MAKERS[0].name
            pids = (_agent(home), int(next(home.rglob("pump.lock")).read_text()))
            before, began = [cpu(pid) for pid in pids], time.monotonic()
            time.sleep(IDLE_SECONDS)
            passed = time.monotonic() - began
            used = [cpu(pid) - then for pid, then in zip(pids, before, strict=True)]
            agent, pump = (
                Trial(cpu=each, rss=memory(pid), more={"share": each / passed})
                for pid, each in zip(pids, used, strict=True)
            )
            return agent, pump
        finally:
            stage.close()


def _agent(home: Path) -> int:
    """The agent's own process, below the process that ends it with us."""
    settings = str(home / "muster-agent.toml")
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode().split("\0")
        except OSError:
            continue
        if words[1:3] == ["-m", "agent"] and settings in words and "run" in words:
            return int(path.parent.name)
    raise Failed("the agent is not there")
