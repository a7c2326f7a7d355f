"""Faults come when they are due, and the same seed brings the same ones."""

import pytest

from agent.printers.virtual.faults import KNOBS, Faults
from tests.unit.agent.printers.virtual.board import Board


def test_counted_faults_come_when_they_are_due():
    assert Board("lose-ok:2").does(*[b"G21"] * 5) == ["ok"] * 3
    assert "Resend: 3" in Board("corrupt:3").does(*[b"G21"] * 3)
    assert "Resend: 2" in Board("resend:2").does(*[b"G21"] * 2)
    assert "start" in Board("restart:2").does(*[b"G21"] * 2)


@pytest.mark.parametrize(
    "knob", ["lose-ok", "lose-ok:0", "lose-ok:x", "dance:3", "lose-ok:٣", "lose-ok@g28", "unplug~"]
)
def test_a_knob_that_is_none_is_refused(knob: str):
    with pytest.raises(ValueError, match="is no fault"):
        Faults([knob])


def test_a_fault_at_a_line_comes_once():
    assert Board("lose-ok@2").does(*[b"G21"] * 5) == ["ok"] * 4


def test_a_fault_at_a_command_comes_with_it():
    board = Board("restart@G28", "lose-ok@M82")
    assert board.does(b"G21", b"M82", b"G21") == ["ok"] * 2
    assert "start" in board.does(b"G28")


def test_chance_has_a_seed():
    def lost(seed: int) -> list[int]:
        faults = Faults(["lose-ok~50"], seed)
        return [number for number in range(2000) if faults.every("lose-ok")]

    assert lost(1) == lost(1) != lost(2)
    assert 20 < len(lost(1)) < 70


def test_a_fault_of_the_board_that_comes_by_chance_comes_once():
    faults = Faults(["silence~20"], 5)
    assert sum(faults.line() == ["silence"] for _ in range(1000)) == 1


def test_lines_and_oks_can_be_spoilt_in_every_way():
    assert Board("lose-line@2").does(b"G21", b"G21", b"G21")[1].startswith("Error:Line Number")
    assert Board("double-ok@1").does(b"G21") == ["ok", "ok"]
    noise, ok = Board("garbage@1").raw(b"G21\n")
    assert noise != "ok" == ok


def test_every_fault_can_strike_at_any_moment():
    for name in KNOBS:
        board = Board()
        board.firmware.strike(name)
        board.does(b"G21")
        board.waits(10)
