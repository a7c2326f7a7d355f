"""A file that is read ahead, from disks that are well, fail, or hang: a named pipe hangs as a dying SD card does."""

import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from agent.printers.driver import Condition, Ending, PrinterError
from agent.printers.serial import pump_orders, supervision
from agent.printers.serial.options import PortOptions
from agent.printers.serial.pump import Pump
from agent.printers.serial.pump_protocol import PumpOrder
from agent.printers.serial.read_ahead import BLOCK, ReadAhead
from tests.farend.virtual import VirtualPrinter
from tests.waiting import PATIENCE


def lines_of(supply: ReadAhead) -> list[bytes]:
    lines: list[bytes] = []
    for batch in supply:
        lines += batch
        if not batch:
            time.sleep(0.001)
    return lines


def until(
    wanted: Callable[[], bool], within: float = PATIENCE, turn: Callable[[], None] | None = None
) -> None:
    deadline = time.monotonic() + within
    while not wanted():
        assert time.monotonic() < deadline, "in vain"
        turn() if turn else time.sleep(0.005)


def readers() -> list[Thread]:
    return [each for each in threading.enumerate() if "_read" in each.name]


@contextmanager
def hung(path: Path, whole: bytes, first: bytes) -> Generator[None]:
    """A file at `path` that gives `whole` to who reads it first, and to the next one `first`, and then hangs."""
    os.mkfifo(path)
    over = Event()

    def write() -> None:
        with path.open("wb", buffering=0) as stream:
            stream.write(whole)
        time.sleep(0.1)  # so that the first reader sees the end
        with path.open("wb", buffering=0) as stream:
            stream.write(first)
            over.wait(60)

    writer = Thread(target=write, daemon=True)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join(PATIENCE)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"G28\n",
        b"G28\nG1 X1",
        b"G28\r\nG1 X1\r\n",
        b"G1 X100.5 Y20\n" * 30_000,
        b"\n" + b"G1 X100.5 Y20\r\n" * 20_000 + b"M84",
    ],
)
def test_all_lines_come_once_and_in_order(tmp_path: Path, text: bytes):
    path = tmp_path / "plate.gcode"
    path.write_bytes(text)
    supply = ReadAhead(path)
    lines = text.replace(b"\r", b"").removesuffix(b"\n").split(b"\n") if text else []
    assert supply.count(10) == len(lines)
    assert lines_of(supply) == lines


def test_a_line_without_an_end_is_not_kept_whole(tmp_path: Path):
    path = tmp_path / "plate.gcode"
    path.write_bytes(b"G" * 5 * BLOCK)
    assert max(map(len, lines_of(ReadAhead(path)))) <= 2 * BLOCK


def test_a_file_that_is_not_there_is_told_to_who_counts_and_to_who_reads(tmp_path: Path):
    supply = ReadAhead(tmp_path / "plate.gcode")
    with pytest.raises(FileNotFoundError):
        supply.count(10)
    with pytest.raises(FileNotFoundError):
        lines_of(supply)
    assert list(supply) == []


def test_a_disk_that_hangs_keeps_nobody_waiting_for_long(tmp_path: Path):
    path = tmp_path / "plate.gcode"
    with hung(path, b"G28\n", b""):
        supply = ReadAhead(path)
        assert supply.count(10) == 1
        assert [next(supply) for _ in range(1000)] == [[]] * 1000
    silent = tmp_path / "silent.gcode"
    os.mkfifo(silent)
    with pytest.raises(TimeoutError, match="disk"):
        ReadAhead(silent).count(0.01)
    os.close(os.open(silent, os.O_RDWR | os.O_NONBLOCK))


def test_a_thread_whose_lines_nobody_wants_any_more_ends(tmp_path: Path):
    path = tmp_path / "plate.gcode"
    path.write_bytes(b"G1 X100.5 Y20\n" * 100_000)
    before = readers()
    wanted = [ReadAhead(path)]
    until(lambda: bool(next(wanted[0])))
    assert len(readers()) == len(before) + 1
    wanted.clear()
    until(lambda: readers() == before)


def test_a_file_that_can_not_be_read_in_time_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pump_orders, "COUNT_SECONDS", 0.1)
    plate = tmp_path / "plate.gcode"
    os.mkfifo(plate)
    with VirtualPrinter(tmp_path / "far", 60) as far:
        one = Pump(PortOptions(port=str(far.port), baud=115200), tmp_path, tmp_path / "links")
        until(lambda: one.status(0).condition is Condition.IDLE, turn=one.turn)
        with pytest.raises(PrinterError, match="disk"):
            one.obey(PumpOrder("start", "a", str(plate), 60), time.monotonic())
        assert one.status(0).attempt is None
        assert far.executed() == []
        one.close()
    os.close(os.open(plate, os.O_RDWR | os.O_NONBLOCK))


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_disk_that_hangs_in_a_print_leaves_no_hot_nozzle_on_the_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_hand: bool
):
    monkeypatch.setattr(supervision, "DRY_SECONDS", 60.0 if by_hand else 1.0)
    first = b"M104 S200\nG28\nG1 X50 Y50 F6000\n"
    plate, copy = tmp_path / "plate.gcode", tmp_path / "copy.gcode"
    copy.write_bytes(whole := first + b"G1 X60 F6000\nM104 S0\n")
    with VirtualPrinter(tmp_path / "far", 60) as far, hung(plate, whole, first):
        one = Pump(PortOptions(port=str(far.port), baud=115200), tmp_path, tmp_path / "links")
        until(lambda: one.status(0).condition is Condition.IDLE, turn=one.turn)
        supplies = iter([ReadAhead(plate), ReadAhead(copy)])  # two readers of one pipe would take turns
        monkeypatch.setattr(pump_orders, "ReadAhead", lambda _: next(supplies))
        one.obey(PumpOrder("start", "a", str(plate), 60), time.monotonic())
        until(lambda: any("X50" in line for line in far.executed()), turn=one.turn)
        until(
            lambda: one.session is not None and one.session.channel.marlin.sender.source.is_dry, turn=one.turn
        )
        if by_hand:
            one.obey(PumpOrder("cancel"), time.monotonic())
        until(lambda: one.status(0).ending is not None, turn=one.turn)
        status = one.status(0)
        assert status.ending is (Ending.CANCELLED if by_hand else Ending.FAILED)
        assert by_hand or "SD card" in status.why
        assert status.nozzle is not None
        assert status.nozzle.target == 0
        assert not any("X60" in line for line in far.executed())
        one.close()
