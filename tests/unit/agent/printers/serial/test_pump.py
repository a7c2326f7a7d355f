"""What the pump does while the disk beneath it is full, failing or slow: the printer comes first."""

import contextlib
import os
import select
import signal
import termios
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.printers.driver import Condition, Ending, PrinterError
from agent.printers.serial import pump_orders
from agent.printers.serial.driver import SerialDriver
from agent.printers.serial.line_numbers import LineNumbers
from agent.printers.serial.options import PortOptions
from agent.printers.serial.port import Port, PortLost
from agent.printers.serial.port_writer import PortWriter
from agent.printers.serial.pump import Pump
from agent.printers.serial.pump_protocol import PumpOrder
from agent.printers.serial.record import Record, RecordFile
from tests.contract.bench import Bench
from tests.farend.virtual import VirtualPrinter, end_pumps, pump_pid
from tests.unit.agent.printers.serial.test_driver import Deaf, bench_on
from tests.waiting import PATIENCE, eventually


class Disk:
    """What stands where a pump writes its record: nothing in its way, a full disk, or one that takes its time."""

    def __init__(self, folder: Path) -> None:
        self._fresh = folder / "record.new"

    def fill(self) -> None:
        self._fresh.symlink_to("/dev/full")

    def stall(self) -> None:
        """Whoever writes waits until `free`: that is how a pipe without a reader is opened."""
        os.mkfifo(self._fresh)

    def free(self) -> None:
        if self._fresh.is_fifo():
            os.close(os.open(self._fresh, os.O_RDONLY | os.O_NONBLOCK))
        self._fresh.unlink(missing_ok=True)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    state = tmp_path / "state"
    yield state
    if (state / "mk3").exists():
        Disk(state / "mk3").free()
    end_pumps(state)


def prints(bench: Bench) -> None:
    bench.start(bench.long)
    bench.wait(lambda status: status.progress > 0.02)


def turns(one: Pump, wanted: Callable[[], bool]) -> None:
    """Let a pump in this process do its rounds until `wanted`."""
    deadline = time.monotonic() + PATIENCE
    while not wanted():
        assert time.monotonic() < deadline
        one.turn()


def test_a_start_that_can_not_be_recorded_is_refused_and_moves_nothing(tmp_path: Path, state: Path):
    with VirtualPrinter(tmp_path / "far", 200) as far:
        bench = bench_on(far, tmp_path)
        bench.idle()
        disk = Disk(state / "mk3")
        disk.fill()
        with pytest.raises(PrinterError, match=r"recorded.*No space left.*disk"):
            bench.driver.start("attempt-1", bench.plate(bench.short), seconds=600)
        status = bench.driver.status()
        assert (status.condition, status.attempt) == (Condition.IDLE, None)
        assert far.executed() == []
        disk.free()
        bench.start(bench.short)
        assert bench.wait(lambda status: status.ending is not None).ending is Ending.DONE
        bench.driver.close()


def test_a_start_that_nobody_waits_for_any_more_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pump_orders, "CALL_SECONDS", 0.1)
    plate = tmp_path / "plate.gcode"
    plate.write_text("G28\n")
    with VirtualPrinter(tmp_path / "far", 60) as far:
        one = Pump(PortOptions(port=str(far.port), baud=115200), tmp_path, tmp_path / "links")
        turns(one, lambda: one.status(time.monotonic()).condition is Condition.IDLE)
        with monkeypatch.context() as slow:
            slow.setattr(os, "fsync", lambda _: time.sleep(0.2))
            with pytest.raises(PrinterError, match="too long"):
                one.obey(PumpOrder("start", "a", str(plate), 60), time.monotonic())
        one.turn()
        turns(one, lambda: RecordFile(tmp_path / "record.json").record.attempt is None)
        assert far.executed() == []
        one.close()


@pytest.mark.parametrize("trouble", [Disk.fill, Disk.stall])
def test_a_full_or_slow_disk_keeps_nobody_from_stopping_a_heater(
    tmp_path: Path, state: Path, trouble: Callable[[Disk], None]
):
    with Deaf(115200) as far:
        driver = SerialDriver("mk3", far.port, 115200, state)
        plate = tmp_path / "plate.gcode"
        plate.write_text("G28\n" + "".join(f"G1 X{number % 200} F600\n" for number in range(5000)))
        eventually(lambda: driver.status().condition is Condition.IDLE)
        pump = pump_pid(state)
        driver.start("attempt-1", plate, seconds=600)
        eventually(lambda: driver.status().progress >= 0.001)
        disk = Disk(state / "mk3")
        trouble(disk)
        far.board.say(*["T:150.0 /0.0 B:21.0 /0.0"] * 3)
        eventually(lambda: far.board.killed)
        disk.free()
        eventually(lambda: driver.status().ending is not None)
        status = driver.status()
        assert (status.condition, status.ending) == (Condition.FAULT, Ending.FAILED)
        assert pump_pid(state) == pump
        driver.close()


def test_a_print_is_cancelled_on_a_full_disk_and_remembered_once_there_is_room(tmp_path: Path, state: Path):
    with VirtualPrinter(tmp_path / "far", 60) as far:
        bench = bench_on(far, tmp_path)
        prints(bench)
        disk = Disk(state / "mk3")
        disk.fill()
        bench.driver.cancel()
        status = bench.wait(lambda status: status.ending is not None)
        assert status.ending is Ending.CANCELLED
        assert status.nozzle is not None
        assert status.nozzle.target == 0
        disk.free()
        eventually(lambda: RecordFile(state / "mk3" / "record.json").record.ending is Ending.CANCELLED)
        bench.driver.close()


def test_a_pump_that_is_told_to_end_on_a_full_disk_switches_the_heaters_off(tmp_path: Path, state: Path):
    with VirtualPrinter(tmp_path / "far", 60) as far:
        bench = bench_on(far, tmp_path)
        prints(bench)
        Disk(state / "mk3").fill()
        end_pumps(state)
        far.wait_log("M104 S0")
        bench.driver.close()


def test_a_pump_that_breaks_in_a_print_switches_the_heaters_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    plate = tmp_path / "plate.gcode"
    plate.write_text("M109 S200\nG28\n")
    with VirtualPrinter(tmp_path / "far", 60) as far:
        one = Pump(PortOptions(port=str(far.port), baud=115200), tmp_path, tmp_path / "links")
        turns(one, lambda: one.status(time.monotonic()).condition is Condition.IDLE)
        one.obey(PumpOrder("start", "a", str(plate), 60), time.monotonic())
        turns(one, lambda: "M109 S200" in far.log.read_text())
        monkeypatch.setattr(one, "_record", None)
        with pytest.raises(AttributeError):
            one.run()
        far.wait_log("M104 S0")
    for number, handler in handlers.items():
        signal.signal(number, handler)


class Full:
    """A pty whose far end reads nothing until it is told to."""

    def __init__(self) -> None:
        self._far, self._near = os.openpty()
        tty.setraw(self._near)
        os.set_blocking(self._far, False)
        self._port = Port(os.ttyname(self._near), 115200)
        self._poller = select.epoll()
        self._poller.register(self._port.descriptor, select.EPOLLIN)
        self.writer = PortWriter(self._port, self._poller)

    def fill(self) -> None:
        refused = 0
        while refused < 5:  # the kernel makes room once more while it carries the first bytes to the far end
            before = len(self.writer.pending)
            self.writer.write(b"" if before else b"x" * 1000, 0.0)
            refused = refused + 1 if before and len(self.writer.pending) == before else 0
            time.sleep(0.002)

    def read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._far, 65536):
                time.sleep(0.01)

    def has_room(self) -> bool:
        """Whether the poll tells of room, which it does only while there is something to write."""
        return any(event & select.EPOLLOUT for _, event in self._poller.poll(0))

    def close(self) -> None:
        self._poller.close()
        self._port.close()
        os.close(self._far)
        os.close(self._near)


@pytest.fixture
def full() -> Iterator[Full]:
    full = Full()
    yield full
    full.close()


def test_a_port_that_takes_nothing_is_lost_after_a_second_of_tries(full: Full):
    full.fill()
    for tenth in range(11):
        full.writer.write(b"", tenth / 10)
    with pytest.raises(PortLost, match="taken none of"):
        full.writer.write(b"", 1.2)


def test_a_turn_that_took_long_is_no_refusal(full: Full):
    full.fill()
    full.writer.write(b"", 100.0)
    full.writer.write(b"", 200.0)
    assert not full.has_room()
    full.read()
    assert full.has_room()
    full.writer.write(b"", 300.0)
    assert full.writer.pending == b""
    assert not full.has_room()
    full.fill()
    full.writer.write(b"", 400.0)


def test_output_that_somebody_stopped_goes_on(tmp_path: Path, state: Path):
    with Deaf(115200) as far:
        driver = SerialDriver("mk3", far.port, 115200, state)
        plate = tmp_path / "plate.gcode"
        plate.write_text("G28\n" + "".join(f"G1 X{number % 200} F6000\n" for number in range(300)))
        eventually(lambda: driver.status().condition is Condition.IDLE)
        driver.start("attempt-1", plate, seconds=600)
        for _ in range(3):
            time.sleep(0.2)
            termios.tcflow(far._near, termios.TCOOFF)
        eventually(lambda: driver.status().ending is not None)
        status = driver.status()
        assert (status.ending, status.why) == (Ending.DONE, "")
        driver.close()


def test_a_record_that_could_not_be_written_is_the_record_nonetheless(tmp_path: Path):
    memory = RecordFile(tmp_path / "record.json")
    disk = Disk(tmp_path)
    disk.fill()
    memory.note(Record(attempt="a"))
    with pytest.raises(OSError, match="No space"):
        memory.keep()
    assert memory.record.attempt == "a"
    assert not memory.is_kept
    with pytest.raises(OSError, match="No space"):
        memory.secure(Record(attempt="b"))
    assert memory.record.attempt == "a"
    disk.free()
    memory.keep()
    assert memory.is_kept
    assert RecordFile(tmp_path / "record.json").record.attempt == "a"


def test_a_record_that_can_not_be_read_means_that_heaters_may_be_on(tmp_path: Path):
    (tmp_path / "record.json").mkdir()
    assert RecordFile(tmp_path / "record.json").record.hot


def test_a_trail_that_could_not_be_written_is_none(tmp_path: Path):
    trail = LineNumbers(tmp_path / "trail")
    trail.clear()
    trail.extend([0, 1, 2])
    assert trail.read() == [0, 1, 2]
    (tmp_path / "trail").unlink()
    (tmp_path / "trail").symlink_to("/dev/full")
    trail.extend([7])
    (tmp_path / "trail").unlink(missing_ok=True)
    trail.extend([8])
    assert trail.read() == []
    (tmp_path / "trail").write_text("0\n1\nx")
    assert trail.read() == []
