"""The virtual printer answers as Marlin does."""

import pytest

from agent.printers.virtual.profile import PROFILES
from tests.unit.agent.printers.virtual.board import Board, frame


def test_a_good_line_is_executed_and_acknowledged():
    board = Board()
    assert board.does(b"G1 X10 F6000") == ["ok"]
    assert board.log == ["G1 X10 F6000"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"N1 G1 X1*1\n", "checksum mismatch"),
        (frame(5, b"G1 X1"), "Line Number is not Last Line Number+1"),
        (b"N1 G1 X1\n", "No Checksum with line number"),
    ],
)
def test_a_bad_line_is_refused_and_all_behind_it_dropped(line: bytes, why: str):
    board = Board()
    assert board.raw(line + frame(1, b"G1 X1")) == [f"Error:{why}, Last Line: 0", "Resend: 1", "ok"]
    assert board.log == []


def test_a_line_numbered_as_the_last_gets_no_answer():
    board = Board()
    board.does(b"G1 X1")
    assert board.raw(frame(1, b"G1 X1")) == []


def test_garbage_is_answered_and_not_executed():
    board = Board()
    assert board.raw(b"hello\n") == ['echo:Unknown command: "hello"', "ok"]
    assert board.log == []


def test_what_finds_no_room_in_the_receive_buffer_is_lost():
    board = Board()
    board.does(b"G4 S100")
    for _ in range(20):
        board.does(b"G1 X1")
    assert board.firmware.overflowed > 0


def test_a_full_planner_holds_the_ok_back():
    board = Board()
    board.does(b"G91")
    said = [board.does(b"G1 X60 F3600") for _ in range(16)]
    assert said[:15] == [["ok"]] * 15
    assert said[15] == []
    assert board.waits(1.1) == ["ok"]


def test_waiting_for_the_end_of_all_moves_takes_as_long_as_they_do():
    board = Board()
    board.does(b"M113 S0", b"G1 X60 F3600", b"G1 X0 F3600")
    assert board.does(b"M400") == []
    assert board.waits(2.0) == []
    assert board.waits(0.3) == ["ok"]


def test_heating_takes_its_time_and_tells_of_it():
    board = Board()
    assert board.does(b"M109 S200") == []
    assert "W:?" in board.waits(1)[0]
    while not (said := board.waits(1))[-1].startswith("ok"):
        assert board.now < 200
    assert board.now > 50
    assert said[-1] == "ok"
    assert board.does(b"M105")[0].startswith(("ok T:199", "ok T:200"))


def test_the_emergency_parser_ends_a_wait_for_heat():
    board = Board()
    board.does(b"M109 S200")
    assert board.raw(b"M108\n") == ["ok", "ok"]


def test_without_it_the_word_waits_for_its_turn():
    board = Board(emergency=False)
    board.does(b"M109 S200")
    assert board.raw(b"M108\n") == []


def test_long_work_is_told_as_busy():
    board = Board()
    assert board.does(b"G4 S10") == []
    assert board.waits(2) == ["echo:busy: processing"]


def test_a_stopped_firmware_says_so_and_then_nothing():
    board = Board()
    board.firmware.strike("runaway")
    assert board.raw(b"M105\n") == [
        "Error:Thermal Runaway, system stopped! Heater_ID: 0",
        "Error:Printer halted. kill() called!",
    ]
    assert board.raw(b"M105\n") == []
    board.firmware.restart()
    assert board.raw(b"")[0] == "start"
    assert board.raw(b"M105\n")[0].startswith("ok T:")


def test_two_boards_that_hear_the_same_say_the_same():
    words = [b"M104 S200", b"G28", b"G1 X10 F3000", b"M114", b"M109 S200", b"G1 X0"]
    for profile in PROFILES:
        first, second = Board(profile=profile, seed=3), Board(profile=profile, seed=3)
        assert first.does(*words) + first.waits(500) == second.does(*words) + second.waits(500)


def test_how_often_the_clock_is_looked_at_makes_no_difference():
    words = [
        b"M155 S2",
        b"M104 S60",
        b"G28",
        *[b"G1 X%d F6000" % x for x in range(1, 40)],
        b"M109 S60",
        b"M400",
    ]
    often, seldom = Board(), Board()
    said = [often.does(word) + [line for _ in range(40) for line in often.waits(0.5)] for word in words]
    assert [seldom.does(word) + seldom.waits(20) for word in words] == said


def test_nothing_that_is_cold_is_extruded():
    board = Board()
    assert board.does(b"G1 X10 E5 F600") == ["echo: cold extrusion prevented", "ok"]
    assert board.does(b"M302 P1", b"G1 X10 E5 F600") == ["ok", "ok"]


def test_a_print_that_its_owner_must_go_on_with_blocks_until_then():
    board = Board()
    assert board.does(b"M0") == ["//action:paused"]
    assert board.waits(3) == ["echo:busy: paused for user"]
    assert board.raw(b"M108\n") == ["//action:resumed", "ok", "ok"]


def test_buttons_on_the_printer_are_told_to_the_host():
    board = Board()
    board.firmware.strike("pause")
    assert board.raw(b"") == ["//action:pause"]


def test_a_host_that_says_nothing_for_long_is_the_end_where_that_was_asked_for():
    board = Board()
    board.does(b"M85 S300", b"M104 S60")
    assert board.waits(299) == []
    assert "Error:Printer halted. kill() called!" in board.waits(2)
    assert board.firmware.machine.nozzle.target == 0


def test_a_quick_stop_leaves_the_head_where_it_was():
    board = Board()
    board.does(b"G1 X100 F3000", b"G1 X0", b"G1 X100")
    board.waits(1.0)
    assert board.raw(b"M410\n") == ["ok"]
    where = board.does(b"M114")[0]
    assert 45 < float(where.split()[0].removeprefix("X:")) < 52
    assert board.does(b"M400") == ["ok"]
