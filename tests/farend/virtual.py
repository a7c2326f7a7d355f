"""The virtual printer as a process of its own, at the far end of a pty."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self


class VirtualPrinter:
    """Starts the virtual printer and turns its knobs over its standard input."""

    def __init__(self, folder: Path, speed: float, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = folder / "printer"
        self.log = folder / "executed.log"
        self._command = [
            *(sys.executable, "-m", "agent.printers.virtual"),
            *("--link", str(self.port), "--speed", str(speed), "--log", str(self.log), "--steered", *options),
        ]

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith("/dev/"), "the virtual printer did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.wait(10)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()

    def order(self, knob: str) -> None:
        """Turn a knob, and wait until the printer has turned it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{knob}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == f"{knob}\n"

    def overheat(self) -> None:
        self.order("runaway")

    def restart(self) -> None:
        self.order("restart")

    def unplug(self) -> None:
        self.order("unplug")

    def plug(self) -> None:
        self.order("plug")

    def begin(self, lines: list[str]) -> None:
        """Somebody heats it at its display: it has no card to print from."""
        self.order("preheat")

    def executed(self) -> list[str]:
        """The motion lines of the log."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if line.split()[0] in {"G0", "G1", "G28", "G92"}]

    def wait_log(self, line: str, within: float = 10) -> None:
        """Wait until `line` stands in the log."""
        deadline = time.monotonic() + within
        while line not in self.log.read_text().splitlines():
            assert time.monotonic() < deadline, f"{line} was never executed"
            time.sleep(0.02)


def pump_pid(state: Path, name: str = "mk3") -> int | None:
    """The pump that drives a printer, if one runs."""
    text = (state / name / "pump.lock").read_text() if (state / name / "pump.lock").exists() else ""
    if not text or not Path(f"/proc/{text}").exists():
        return None
    return int(text)


def end_pump(state: Path, name: str = "mk3") -> None:
    """End a pump that a test leaves behind, and wait until it is gone."""
    pid = pump_pid(state, name)
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and "State:\tZ" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < deadline, "the pump does not end"
        time.sleep(0.01)
