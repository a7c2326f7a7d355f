"""The virtual printer answers as Marlin does."""

import pytest

from agent.printers.marlin import frame
from agent.printers.virtual.faults import Faults
from agent.printers.virtual.firmware import Firmware


class Board:
    """A firmware with a log and a clock that the test turns."""

    def __init__(self, *knobs: str, emergency: bool = True) -> None:
        self.log: list[str] = []
        self.firmware = Firmware(Faults(knobs), self.log.append, emergency=emergency)
        self.number = 0
        self.now = 0.0

    def raw(self, data: bytes) -> list[str]:
        self.firmware.receive(data)
        return self.firmware.take().decode().splitlines()

    def does(self, *commands: bytes) -> list[str]:
        said: list[str] = []
        for command in commands:
            self.number += 1
            said += self.raw(frame(self.number, command))
        return said

    def waits(self, seconds: float) -> list[str]:
        self.now += seconds
        self.firmware.advance(self.now)
        return self.firmware.take().decode().splitlines()


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
    said = [board.does(b"G1 X60 F3600") for _ in range(17)]
    assert said[:16] == [["ok"]] * 16
    assert said[16] == []
    assert board.waits(1.01) == ["ok"]


def test_waiting_for_the_end_of_all_moves_takes_as_long_as_they_do():
    board = Board()
    board.does(b"G1 X60 F3600", b"G1 X0 F3600")
    assert board.does(b"M400") == []
    assert board.waits(1.9) == []
    assert board.waits(0.2) == ["ok"]


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


def test_counted_faults_come_when_they_are_due():
    assert Board("lose-ok:2").does(*[b"G21"] * 5) == ["ok"] * 3
    assert "Resend: 3" in Board("corrupt:3").does(*[b"G21"] * 3)
    assert "Resend: 2" in Board("resend:2").does(*[b"G21"] * 2)
    assert "start" in Board("restart:2").does(*[b"G21"] * 2)


@pytest.mark.parametrize("knob", ["lose-ok", "lose-ok:0", "lose-ok:x", "dance:3", "lose-ok:٣"])
def test_a_knob_that_is_none_is_refused(knob: str):
    with pytest.raises(ValueError, match="is no fault"):
        Faults([knob])
