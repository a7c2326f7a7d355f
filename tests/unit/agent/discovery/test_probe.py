"""Asking at a serial port, over real ptys."""

import os
import termios
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.discovery import probe
from agent.discovery.probe import ask
from agent.printers.serial.port import Port, ports
from tests.farend.virtual import VirtualPrinter
from tests.unit.agent.discovery.test_interview import MARLIN
from tests.waiting import PATIENCE


@contextmanager
def board(baud: int, *, deaf: bool = False) -> Generator[str]:
    """A board of this baud rate at the far end of a pty: at any other it hears and says noise."""
    master, slave = os.openpty()
    path = os.ttyname(slave)
    os.close(slave)
    over = threading.Event()

    def answer() -> None:
        while not over.wait(0.01):
            try:
                heard = os.read(master, 1000)
                right = termios.tcgetattr(master)[4] == baud
            except OSError:
                continue  # nobody has the near end open
            if heard and not deaf:
                os.write(master, MARLIN if right else bytes(0x80 | byte for byte in MARLIN[:64]))

    os.set_blocking(master, False)
    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield path
    finally:
        over.set()
        thread.join()
        os.close(master)


def soon(seconds: float = 4) -> float:
    return time.monotonic() + seconds


def test_a_printer_tells_its_firmware_and_nothing_moves(tmp_path: Path):
    with VirtualPrinter(tmp_path / "far", 60) as far:
        answer = ask(str(far.port), soon())
        assert "Marlin" in answer.board.firmware
        assert answer.baud == 115200
        assert "AUTOREPORT_TEMP" in answer.board.capabilities
        assert far.executed() == []


def test_the_port_is_free_again_afterwards(tmp_path: Path):
    with VirtualPrinter(tmp_path / "far", 60) as far:
        ask(str(far.port), soon())
        Port(str(far.port), 115200).close()


def test_another_baud_rate_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(probe, "BAUDS", (57_600, 115_200))
    with board(termios.B115200) as path:
        answer = ask(path, soon())
    assert (answer.board.machine, answer.baud) == ("Ender-3 V2", 115_200)


def test_who_says_nothing_is_left_in_time():
    with board(termios.B115200, deaf=True) as path:
        begun = time.monotonic()
        answer = ask(path, soon(0.5))
        assert time.monotonic() - begun < PATIENCE
    assert "nobody answers" in answer.why


def test_a_port_that_is_not_there_is_told(tmp_path: Path):
    assert "plugged in" in ask(str(tmp_path / "none"), soon()).why


def test_a_port_that_another_program_has_is_left_to_it(tmp_path: Path):
    with VirtualPrinter(tmp_path / "far", 60) as far:
        taken = Port(str(far.port), 115200)
        assert "in use" in ask(str(far.port), soon()).why
        taken.close()


def test_the_holder_of_a_file_is_named(tmp_path: Path):
    device = tmp_path / "device"
    device.write_text("")
    assert probe.holder(str(device)) == ""
    with device.open():
        assert probe.holder(str(device)) == Path("/proc/self/comm").read_text().strip()


def test_the_ports_of_this_machine_go_by_the_names_that_stay(tmp_path: Path):
    there = ports(tmp_path / "none")
    for number, outlet in enumerate(there):
        assert outlet.path == outlet.device
        (tmp_path / f"usb-{number}").symlink_to(outlet.device)
    named = ports(tmp_path)
    assert [outlet.device for outlet in named] == [outlet.device for outlet in there]
    assert [outlet.path for outlet in named] == [str(tmp_path / f"usb-{n}") for n in range(len(there))]
