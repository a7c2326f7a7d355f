"""What only the serial driver has to get right: its pump, its port, its cable."""

import os
import select
import signal
import termios
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from agent.printers.driver import Condition, Ending, PrinterError
from agent.printers.serial import baud_search, pump
from agent.printers.serial.driver import SerialDriver
from agent.printers.serial.options import PortOptions
from agent.printers.serial.port import Port
from agent.printers.serial.port_identity import PortLocator
from tests.contract.bench import COLD, HEAT, Bench, motion, moves, wait
from tests.farend.board import Board
from tests.farend.virtual import VirtualPrinter, end_pumps, pump_pid
from tests.waiting import PATIENCE


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    end_pumps(tmp_path / "state")


def bench_on(far: VirtualPrinter, folder: Path) -> Bench:
    def attach() -> SerialDriver:
        return SerialDriver("mk3", str(far.port), 115200, folder / "state", top=200)

    long = [*HEAT, *moves(2000, 50, 3000), *COLD]
    return Bench(attach(), attach, far, folder, [*HEAT, *moves(200, 10, 6000), *COLD], long)


@pytest.mark.parametrize(
    "knobs",
    [
        ["lose-ok:40"],
        ["corrupt:25"],
        ["resend:30"],
        ["lose-ok:31", "corrupt:43", "resend:57"],
    ],
    ids=" ".join,
)
def test_a_bad_cable_costs_time_and_no_line(tmp_path: Path, state: Path, knobs: list[str]):
    with VirtualPrinter(tmp_path / "far", 200, *[f"--fault={knob}" for knob in knobs]) as far:
        bench = bench_on(far, tmp_path)
        bench.start(bench.short)
        assert bench.wait(lambda status: status.ending is not None).ending is Ending.DONE
        assert far.executed() == motion(bench.short)
        bench.driver.close()


def test_a_pump_that_dies_in_a_print_leaves_a_failed_attempt_and_a_cold_printer(tmp_path: Path, state: Path):
    with VirtualPrinter(tmp_path / "far", 60) as far:
        bench = bench_on(far, tmp_path)
        bench.start(bench.long)
        bench.wait(lambda status: status.progress > 0.02)
        pid = pump_pid(state)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        status = bench.wait(lambda status: status.ending is not None)
        assert (status.attempt, status.ending) == ("attempt-1", Ending.FAILED)
        assert "heaters" in status.why
        bench.idle()
        bench.wait(lambda status: status.nozzle is not None and status.nozzle.target == 0)
        bench.driver.close()


def test_a_pump_that_is_told_to_end_switches_the_heaters_off(tmp_path: Path, state: Path):
    with VirtualPrinter(tmp_path / "far", 60) as far:
        bench = bench_on(far, tmp_path)
        bench.start(bench.long)
        bench.wait(lambda status: status.progress > 0.02)
        end_pumps(state)
        far.wait_log("M104 S0")
        assert bench.driver.status().ending is Ending.FAILED
        bench.driver.close()


def test_an_idle_pump_ends_with_its_agent(tmp_path: Path, state: Path):
    with VirtualPrinter(tmp_path / "far", 60) as far:
        bench = bench_on(far, tmp_path)
        bench.idle()
        bench.driver.close()
        assert pump_pid(state) is None


def test_a_port_that_is_not_there_is_said_and_found_later(tmp_path: Path, state: Path):
    driver = SerialDriver("mk3", str(tmp_path / "far" / "printer"), 115200, state)
    status = driver.status()
    while "not there" not in status.why:
        assert status.condition is Condition.UNREACHABLE
        status = driver.status()
    with pytest.raises(PrinterError, match="plugged in"):
        driver.start("attempt-1", tmp_path, 60)
    with VirtualPrinter(tmp_path / "far", 60) as far:
        bench = bench_on(far, tmp_path)
        bench.driver = driver
        bench.idle()
        driver.close()


def test_a_port_that_another_program_has_is_left_to_it(tmp_path: Path, state: Path):
    with VirtualPrinter(tmp_path / "far", 60) as far:
        taken = Port(str(far.port), 115200)
        with pytest.raises(PrinterError, match="in use"):
            Port(str(far.port), 115200)
        bench = bench_on(far, tmp_path)
        bench.wait(lambda status: "in use" in status.why)
        taken.close()
        bench.idle()
        bench.driver.close()


def test_a_stale_socket_is_no_obstacle(tmp_path: Path, state: Path):
    with VirtualPrinter(tmp_path / "far", 60) as far:
        bench = bench_on(far, tmp_path)
        bench.idle()
        pid = pump_pid(state)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert (state / "mk3" / "pump.sock").exists()
        bench.driver = bench.attach()
        bench.idle()
        bench.driver.close()


def test_a_deep_state_folder_is_no_obstacle(tmp_path: Path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    driver = SerialDriver("mk3", str(tmp_path / "nowhere"), 115200, deep)
    wait(driver, lambda status: "not there" in status.why)
    driver.close()
    end_pumps(deep)


def test_the_same_attempt_is_never_made_twice(tmp_path: Path, state: Path):
    with VirtualPrinter(tmp_path / "far", 200) as far:
        bench = bench_on(far, tmp_path)
        bench.start(bench.short)
        bench.wait(lambda status: status.ending is Ending.DONE)
        with pytest.raises(PrinterError, match="already"):
            bench.driver.start("attempt-1", bench.plate(bench.short), 60)
        bench.driver.close()


def test_a_pause_lifts_the_nozzle_and_puts_it_back(tmp_path: Path, state: Path):
    with VirtualPrinter(tmp_path / "far", 60) as far:
        bench = bench_on(far, tmp_path)
        bench.start(bench.long)
        bench.wait(lambda status: status.progress > 0.02)
        bench.driver.pause()
        bench.wait_for(Condition.PAUSED)
        assert far.executed()[-1] == "G1 Z5.20 F600"
        bench.driver.resume()
        far.wait_log("G1 Z0.200 F600")
        far.wait_log("G1 F3000")
        bench.driver.cancel()
        bench.idle()
        bench.driver.close()


def test_a_heater_that_rises_without_end_is_stopped_by_the_pump(tmp_path: Path, state: Path):
    with VirtualPrinter(tmp_path / "far", 60) as far:
        bench = bench_on(far, tmp_path)
        bench.start(bench.long)
        bench.wait(lambda status: status.progress > 0.02)
        far.order("rise")
        status = bench.wait(lambda status: status.ending is not None)
        assert (status.condition, status.ending) == (Condition.FAULT, Ending.FAILED)
        assert "nozzle" in status.why
        far.restart()
        bench.idle()
        bench.driver.close()


def test_an_idle_pump_of_another_setup_or_version_is_replaced_and_a_printing_one_is_not(
    tmp_path: Path, state: Path
):
    with VirtualPrinter(tmp_path / "far", 60) as far:
        bench = bench_on(far, tmp_path)
        bench.idle()
        before = pump_pid(state)
        other = SerialDriver("mk3", str(far.port), 115200, state, top=200, window=63)
        bench.driver = other
        bench.idle()
        after = pump_pid(state)
        assert after not in {None, before}
        bench.start(bench.long)
        third = SerialDriver("mk3", str(far.port), 115200, state, top=200)
        assert third.status().attempt == "attempt-1"
        assert pump_pid(state) == after
        third.cancel()
        bench.wait(lambda status: status.ending is not None)
        bench.driver = third
        bench.idle()
        assert pump_pid(state) != after
        third.close()


class Deaf:
    """A board at the far end of a pty that understands one rate only."""

    def __init__(self, baud: int) -> None:
        self.board = Board()
        self._baud = baud
        self._far, self._near = os.openpty()
        tty.setraw(self._near)
        self.port = os.ttyname(self._near)
        self._ends = Event()
        self._thread = Thread(target=self._serve)

    def __enter__(self) -> "Deaf":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join(PATIENCE)
        os.close(self._far)
        os.close(self._near)

    def _serve(self) -> None:
        while not self._ends.is_set():
            ready, _, _ = select.select([self._far], [], [], 0.02)
            data = os.read(self._far, 4096) if ready else b""
            spoken = termios.tcgetattr(self._near)[4]
            if data and spoken != getattr(termios, f"B{self._baud}"):
                os.write(self._far, b"\xff\xfe\x00\x80" * 4)
                continue
            self.board.receive(data)
            self.board.advance(time.monotonic())
            if said := b"".join(self.board.take()):
                os.write(self._far, said)


def test_the_rate_is_found_by_trying_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(baud_search, "BOOT_SECONDS", 0.5)
    monkeypatch.setattr(baud_search, "BAUD_SECONDS", 0.5)
    with Deaf(57600) as far:
        one = pump.Pump(PortOptions(port=far.port), tmp_path, tmp_path / "links")
        deadline = time.monotonic() + PATIENCE
        while not (tmp_path / "passport.json").exists():
            one.turn()
            assert time.monotonic() < deadline
        one.close()
        assert PortLocator(tmp_path / "passport.json", Path(far.port)).known.baud == 57600
