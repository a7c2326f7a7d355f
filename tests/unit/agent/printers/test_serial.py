"""What only the serial driver has to get right: its pump, its port, its cable."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.printers.driver import Condition, Ending, PrinterError
from agent.printers.serial import Port, SerialDriver
from tests.contract.bench import COLD, HEAT, Bench, motion, moves
from tests.farend.virtual import VirtualPrinter, end_pump, pump_pid


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    end_pump(tmp_path / "state")


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
        assert bench.wait(lambda status: status.ending is not None, within=40).ending is Ending.DONE
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
        end_pump(state)
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
    while "not there" not in driver.status().why:
        time.sleep(0.01)
    driver.close()
    end_pump(deep)


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
