"""A pump that is told to end, as a process: it ends whatever it waits for, and uses no processor until then."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.printers.serial import options
from agent.printers.serial.pump_client import PumpClient
from agent.printers.serial.pump_protocol import PumpOrder
from agent.printers.serial.record import Record, RecordFile
from agent.printers.virtual.terminal import PseudoTerminal

TICKS = os.sysconf("SC_CLK_TCK")


class Running:
    """A pump's process."""

    def __init__(self, process: "subprocess.Popen[bytes]", client: PumpClient) -> None:
        self._process = process
        self.client = client

    def used(self) -> float:
        """Seconds of the processor's that it has used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def tell(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def ends(self, within: float) -> float | None:
        """Wait for its end; gives what it used in all, None if it does not end."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            used = self.used()  # a process that nobody has waited for yet still tells it
            if self._process.poll() is not None:
                return used
            time.sleep(0.02)
        return None


@contextmanager
def pump(folder: Path, port: str) -> Generator[Running]:
    setup = options.PortOptions(port=port, baud=115200)
    command = [
        *(sys.executable, "-P", "-m", "agent.printers.serial.pump"),
        *("--setup", options.encode(setup).decode(), "--folder", str(folder)),
    ]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    client = PumpClient(folder, setup)
    try:
        deadline = time.monotonic() + 60
        while not client.connect(deadline):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield Running(process, client)
    finally:
        client.hang_up()
        process.kill()
        process.wait()


def gone(folder: Path) -> str:
    """Where a pty was until its cable was pulled. (Its number may be another's by now: so it went by a link.)"""
    printer = PseudoTerminal(folder / "printer")
    printer.close()
    return str(folder / "printer")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("hot", [True, False])
def test_a_pump_whose_port_is_gone_in_a_print_ends_when_it_is_told_to(
    tmp_path: Path, number: signal.Signals, hot: bool
):
    RecordFile(tmp_path / "record.json").secure(Record(attempt="a", hot=hot))
    with pump(tmp_path, gone(tmp_path)) as running:
        status = running.client.exchange(PumpOrder("status"), time.monotonic() + 10).status
        assert (status.attempt, status.ending) == ("a", None)
        assert "not there" in status.why
        before = running.used()
        running.tell(number)
        after = running.ends(within=10)
        assert after is not None, f"it does not end, and has used {running.used() - before:.1f} s"
        assert after - before < 0.5
    assert RecordFile(tmp_path / "record.json").record.runs  # whoever opens the port next has to deal with it


def test_a_pump_whose_port_is_gone_in_a_print_goes_on_looking_for_it_without_an_agent(tmp_path: Path):
    RecordFile(tmp_path / "record.json").secure(Record(attempt="a", hot=True))
    with pump(tmp_path, gone(tmp_path)) as running:
        running.client.exchange(PumpOrder("close"), time.monotonic() + 10)
        running.client.hang_up()
        before = running.used()
        assert running.ends(within=1) is None
        assert running.used() - before < 0.5
