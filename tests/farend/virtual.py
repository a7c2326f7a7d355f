"""The virtual printer as a process of its own, at the far end of a pty."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.waiting import PATIENCE, eventually


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
        self.process.wait(PATIENCE)
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

    def wait_log(self, line: str) -> None:
        """Wait until `line` stands in the log."""
        eventually(lambda: line in self.log.read_text().splitlines(), lambda: f"{line} was never executed")


def pump_pid(state: Path, name: str = "mk3") -> int | None:
    """The pump that drives a printer, if one runs."""
    text = (state / name / "pump.lock").read_text() if (state / name / "pump.lock").exists() else ""
    if not text or not Path(f"/proc/{text}").exists():
        return None
    return int(text)


def runs(pid: int) -> bool:
    """Whether a process has not ended; nobody may have buried one that has."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def end_pumps(state: Path) -> None:
    """End the pumps that a test leaves behind in this folder, those that have only begun too; wait for that."""
    for pid in (started := pumps(state)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    eventually(lambda: not any(map(runs, started)), lambda: f"pumps that do not end: {started}")


def pumps(state: Path) -> list[int]:
    """The pumps of all printers in this folder."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended while we looked
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if (
                "agent.printers.serial.pump" in words
                and Path(words[words.index("--folder") + 1]).parent == state
            ):
                found.append(int(entry.name))
    return found
