"""What the runner may lean on, whatever drives the printer. One suite, run against every driver."""

import time

import pytest

from agent.printers.driver import Condition, Ending, PrinterError
from tests.contract.bench import Bench, motion
from tests.waiting import PATIENCE


def test_a_printer_that_does_nothing_is_idle(bench: Bench):
    status = bench.wait_for(Condition.IDLE)
    assert (status.attempt, status.ending, status.progress) == (None, None, 0)
    assert status.nozzle is not None
    assert 10 < status.nozzle.actual < 40


def test_a_print_runs_from_start_to_done(bench: Bench):
    bench.idle()
    bench.driver.start("attempt-1", bench.plate(bench.short), seconds=60)
    seen: list[float] = []
    status = bench.driver.status()
    deadline = time.monotonic() + PATIENCE
    while status.ending is None:
        assert time.monotonic() < deadline
        assert status.attempt == "attempt-1"
        assert status.condition in {Condition.LOADING, Condition.PRINTING, Condition.IDLE}
        seen.append(status.progress)
        time.sleep(0.02)
        status = bench.driver.status()
    assert status.ending is Ending.DONE
    assert status.attempt == "attempt-1"
    assert status.condition is Condition.IDLE
    assert status.progress == 1
    assert seen == sorted(seen)
    assert max(seen) < 1


def test_done_means_that_every_line_was_executed_once_and_in_order(bench: Bench):
    bench.start(bench.short)
    bench.wait(lambda status: status.ending is Ending.DONE)
    executed = bench.far.executed()
    assert executed is None or executed == motion(bench.short)


def test_heaters_are_seen_while_printing(bench: Bench):
    bench.start(bench.long)
    status = bench.wait(lambda status: status.nozzle is not None and status.nozzle.target == 200)
    assert status.condition is Condition.PRINTING
    status = bench.wait(lambda status: status.nozzle is not None and status.nozzle.actual > 190)
    assert status.bed is not None
    assert status.bed.target == 60


def test_a_pause_holds_the_print_until_it_is_resumed(bench: Bench):
    bench.start(bench.long)
    bench.wait(lambda status: status.progress > 0.05)
    bench.driver.pause()
    progress = bench.wait_for(Condition.PAUSED).progress
    time.sleep(0.5)
    status = bench.driver.status()
    assert (status.condition, status.attempt, status.ending) == (Condition.PAUSED, "attempt-1", None)
    assert status.progress == progress
    bench.driver.resume()
    bench.wait(lambda status: status.condition is Condition.PRINTING and status.progress > progress)


def test_a_paused_print_ends_complete(bench: Bench):
    bench.start(bench.short)
    bench.driver.pause()
    bench.wait(lambda status: status.condition is Condition.PAUSED or status.ending is not None)
    bench.driver.resume()
    bench.wait(lambda status: status.ending is Ending.DONE)
    executed = bench.far.executed()
    if executed is not None:
        assert [line for line in executed if " X" in line] == [
            line for line in bench.short if line.startswith("G1 X")
        ]


@pytest.mark.parametrize("paused", [False, True], ids=["printing", "paused"])
def test_a_cancelled_print_ends_cold_and_still(bench: Bench, paused: bool):
    bench.start(bench.long)
    bench.wait(lambda status: status.progress > 0.05)
    if paused:
        bench.driver.pause()
        bench.wait_for(Condition.PAUSED)
    bench.driver.cancel()
    status = bench.wait(lambda status: status.ending is not None)
    assert (status.attempt, status.ending) == ("attempt-1", Ending.CANCELLED)
    before = bench.far.executed()
    status = bench.wait(lambda status: status.condition is Condition.IDLE)
    bench.wait(lambda status: status.nozzle is not None and status.nozzle.target == 0)
    time.sleep(0.3)
    assert bench.far.executed() == before


def test_a_print_is_cancelled_while_it_heats(bench: Bench):
    bench.start(bench.long)
    bench.driver.cancel()
    status = bench.wait(lambda status: status.ending is not None)
    assert status.ending is Ending.CANCELLED
    bench.wait(lambda status: status.nozzle is not None and status.nozzle.target == 0)


def test_a_thermal_runaway_fails_the_print_and_asks_for_a_person(bench: Bench):
    bench.start(bench.long)
    bench.wait(lambda status: status.progress > 0.02)
    bench.far.overheat()
    status = bench.wait(lambda status: status.ending is not None)
    assert (status.attempt, status.ending) == ("attempt-1", Ending.FAILED)
    assert status.why
    assert status.progress < 1
    assert bench.wait(lambda status: status.condition is not Condition.PRINTING).condition is Condition.FAULT
    with pytest.raises(PrinterError):
        bench.driver.start("attempt-2", bench.plate(bench.short), seconds=60)


def test_a_board_that_restarts_fails_the_print(bench: Bench):
    bench.start(bench.long)
    bench.wait(lambda status: status.progress > 0.02)
    bench.far.restart()
    status = bench.wait(lambda status: status.ending is not None)
    assert (status.attempt, status.ending) == ("attempt-1", Ending.FAILED)
    assert status.why
    before = bench.far.executed()
    if (
        bench.wait(lambda status: status.condition in {Condition.IDLE, Condition.FAULT}).condition
        is Condition.FAULT
    ):
        bench.far.plug()  # OctoPrint may find its line numbers beyond mending, and leaves the rest to its owner
    bench.idle()
    assert bench.far.executed() == before


def test_a_printer_out_of_reach_comes_back_by_itself(bench: Bench):
    bench.idle()
    bench.far.unplug()
    status = bench.wait_for(Condition.UNREACHABLE)
    assert status.why
    with pytest.raises(PrinterError):
        bench.driver.start("attempt-1", bench.plate(bench.short), seconds=60)
    bench.far.plug()
    bench.idle()
    bench.start(bench.short)


def test_contact_lost_in_a_print_is_no_silent_end(bench: Bench):
    bench.start(bench.long)
    bench.wait(lambda status: status.progress > 0.02)
    bench.far.unplug()
    status = bench.wait_for(Condition.UNREACHABLE)
    assert status.attempt == "attempt-1"
    assert status.ending in {None, bench.lost_ending}
    bench.far.plug()
    status = bench.wait(lambda status: status.ending is not None)
    assert (status.attempt, status.ending) == ("attempt-1", bench.lost_ending)


def test_a_start_is_refused_while_a_print_runs(bench: Bench):
    bench.start(bench.long)
    with pytest.raises(PrinterError):
        bench.driver.start("attempt-2", bench.plate(bench.short), seconds=60)
    status = bench.driver.status()
    assert (status.attempt, status.ending) == ("attempt-1", None)


def test_what_another_hand_started_is_left_alone(bench: Bench):
    bench.idle()
    bench.far.begin(bench.long)
    status = bench.wait_for(Condition.BUSY)
    assert (status.attempt, status.ending) == (None, None)
    assert status.why
    with pytest.raises(PrinterError):
        bench.driver.start("attempt-1", bench.plate(bench.short), seconds=60)
    for order in (bench.driver.pause, bench.driver.resume, bench.driver.cancel):
        with pytest.raises(PrinterError):
            order()
    status = bench.driver.status()
    assert (status.condition, status.attempt) == (Condition.BUSY, None)


def test_what_another_hand_started_after_our_print_is_not_ours(bench: Bench):
    bench.start(bench.short)
    bench.wait(lambda status: status.ending is Ending.DONE)
    bench.idle()
    bench.far.begin(bench.long)
    status = bench.wait_for(Condition.BUSY)
    assert (status.attempt, status.ending, status.progress) == ("attempt-1", Ending.DONE, 1)
    bench.driver.close()
    bench.driver = bench.attach()
    status = bench.wait_for(Condition.BUSY)
    assert (status.attempt, status.ending) == ("attempt-1", Ending.DONE)


def test_a_start_of_a_missing_file_moves_nothing(bench: Bench):
    bench.idle()
    with pytest.raises(PrinterError):
        bench.driver.start("attempt-1", bench.folder / "nowhere.gcode", seconds=60)
    assert bench.driver.status().condition is Condition.IDLE
    assert bench.far.executed() in (None, [])


@pytest.mark.parametrize("order", ["pause", "resume", "cancel"])
def test_orders_to_a_printer_without_a_print_are_refused(bench: Bench, order: str):
    bench.idle()
    with pytest.raises(PrinterError):
        getattr(bench.driver, order)()
    assert bench.driver.status().condition is Condition.IDLE


def test_a_restarted_agent_attaches_to_the_running_print(bench: Bench):
    bench.start(bench.long)
    before = bench.wait(lambda status: status.progress > 0.02)
    bench.driver.close()
    bench.driver = bench.attach()
    status = bench.wait(lambda status: status.progress > before.progress)
    assert (status.condition, status.attempt) == (Condition.PRINTING, "attempt-1")
    bench.driver.cancel()
    assert bench.wait(lambda status: status.ending is not None).ending is Ending.CANCELLED


def test_an_ending_is_remembered_by_a_restarted_agent(bench: Bench):
    bench.start(bench.short)
    bench.driver.close()
    bench.driver = bench.attach()
    bench.wait(lambda status: status.ending is not None)
    bench.driver.close()
    bench.driver = bench.attach()
    status = bench.wait_for(Condition.IDLE)
    assert (status.attempt, status.ending) == ("attempt-1", Ending.DONE)


def test_one_print_follows_another(bench: Bench):
    bench.start(bench.short)
    bench.wait(lambda status: status.ending is Ending.DONE)
    bench.start(bench.short, attempt="attempt-2")
    status = bench.wait(lambda status: status.ending is not None)
    assert (status.attempt, status.ending) == ("attempt-2", Ending.DONE)
