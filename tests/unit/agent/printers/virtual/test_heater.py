"""Heaters have mass: they warm along a curve, and cool along another."""

from itertools import pairwise
from math import isclose

from agent.printers.virtual.heater import AMBIENT, VirtualHeater
from tests.unit.agent.printers.virtual.board import Board


def nozzle(target: float) -> VirtualHeater:
    heater = VirtualHeater(power=40, mass=14, loss=0.11)
    heater.target = target
    return heater


def test_it_warms_quickly_at_first_and_slowly_at_last():
    heater = nozzle(250)
    first = heater.at(10) - AMBIENT
    before = heater.at(90)
    assert first > 1.5 * (heater.at(100) - before)


def test_it_holds_its_target_with_the_power_that_it_loses():
    heater = nozzle(200)
    assert heater.at(500) == 200 == heater.at(900)
    assert isclose(heater.duty, (200 - AMBIENT) * 0.11 / 40)
    assert heater.slope == 0


def test_it_cools_to_the_room_and_no_further():
    heater = nozzle(200)
    heater.at(500)
    heater.target = 0
    assert isclose(heater.at(500 + 14 / 0.11), AMBIENT + (200 - AMBIENT) / 2.71828, rel_tol=0.001)
    assert isclose(heater.at(5000), AMBIENT, abs_tol=0.01)


def test_it_tells_when_it_will_be_there():
    heater = nozzle(200)
    due = heater.seconds_to(150)
    assert isclose(heater.at(due), 150, abs_tol=0.001)


def test_how_often_one_looks_makes_no_difference():
    often, seldom = nozzle(200), nozzle(200)
    for tick in range(600):
        often.at(tick / 10)
    assert isclose(often.at(60), seldom.at(60))


def test_a_wait_is_over_when_it_was_there_for_ten_seconds():
    board = Board()
    board.does(b"M109 S60")
    said = board.waits(60)
    assert said[-1] == "ok"
    left = [line.rpartition("W:")[2] for line in said[:-1]]
    assert left[0] == "?"
    counted = [int(seconds) for seconds in left if seconds != "?"]
    assert counted == list(range(counted[0], counted[0] - len(counted), -1))
    assert len(counted) >= 9


def test_a_host_at_any_speed_never_sees_a_jump():
    """A report every ten real milliseconds is one in ten seconds at --speed 1000; the watchdog barks at 30 °C."""
    board = Board(quiet=10)
    board.does(b"M155 S2", b"M104 S250", b"M140 S100", b"M109 S250")
    lines = board.waits(300) + board.does(b"M104 S0", b"M140 S0") + board.waits(900)
    seen = [float(line.split("T:")[1].split()[0]) for line in lines if "T:" in line]
    assert max(seen) == 250
    assert max(abs(after - before) for before, after in pairwise(seen)) < 12
    assert len(seen) < 400
