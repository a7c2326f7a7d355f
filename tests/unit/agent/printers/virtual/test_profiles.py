"""Every profile differs from the others in what it is named for."""

import pytest

from agent.printers.serial.parser import parse
from agent.printers.serial.replies import BoardIdentity, Capability, Ok, Position, ResendRequest, Temperatures
from agent.printers.virtual.profile import PROFILES
from tests.unit.agent.printers.virtual.board import Board, frame

BAD = b"N1 G1 X1*1\n"


def told(board: Board) -> set[str]:
    replies = [parse(line.encode()) for line in board.does(b"M115")]
    assert isinstance(replies[0], BoardIdentity)
    return {reply.name for reply in replies if isinstance(reply, Capability) and reply.on}


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_can_be_talked_to(name: str):
    board = Board(profile=name)
    board.firmware.strike("restart")
    assert board.raw(b"")[0] == "start"
    said = [parse(line.encode()) for line in board.does(b"G28", b"M105") + board.waits(10)]
    assert any(isinstance(reply, Ok) and reply.warm for reply in said)
    said = [parse(line.encode()) for line in board.does(b"M109 S60") + board.waits(90)]
    assert any(isinstance(reply, Temperatures) and reply.waited for reply in said)
    assert any(isinstance(reply, Ok) for reply in said)


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_does_what_it_tells_and_nothing_else(name: str):
    board = Board(profile=name)
    capabilities = told(board) if name != "late-ok" else {"AUTOREPORT_TEMP"}
    board.waits(5)
    assert ("AUTOREPORT_TEMP" in capabilities) == PROFILES[name].reports_temperatures
    board.does(b"M155 S2")
    reports = [line for line in board.waits(10) if isinstance(parse(line.encode()), Temperatures)]
    assert len(reports) == (5 if "AUTOREPORT_TEMP" in capabilities else 0)


def test_old_ones_tell_no_capabilities_and_know_no_auto_report():
    for name in ("marlin1", "ender-clone"):
        assert told(Board(profile=name)) == set()
        assert Board(profile=name).does(b"M155 S2") == ['echo:Unknown command: "M155"', "ok"]


def test_an_old_one_refuses_the_line_that_it_has():
    board = Board(profile="marlin1")
    board.does(b"G21")
    assert "Resend: 2" in board.raw(frame(1, b"G21"))


def test_a_prusa_asks_again_without_an_ok():
    assert Board(profile="prusa").raw(BAD) == ["Error:checksum mismatch, Last Line: 0", "Resend: 1"]


def test_one_asks_twice():
    said = Board(profile="double-resend").raw(BAD)
    assert said == ["Error:checksum mismatch, Last Line: 0", "Resend: 1", "ok", "Resend: 1", "ok"]


def test_a_prusa_puts_temperatures_otherwise():
    board = Board(profile="prusa")
    assert board.does(b"M105")[0].startswith("ok T:21.0 /0.0 B:21.0 /0.0 T0:21.0 /0.0 @:0")
    board.does(b"M109 S200")
    assert board.waits(1)[0].endswith("E:0 W:?")


def test_a_32_bit_board_tells_its_room_and_its_place():
    board = Board(profile="marlin2-32bit")
    assert board.does(b"G1 X1 F60", b"G1 X2", b"G21") == ["ok N1 P30 B15", "ok N2 P29 B15", "ok N3 P29 B15"]
    board.does(b"M154 S1")
    assert isinstance(parse(board.waits(1)[0].encode()), Position)
    board.does(b"G28")
    board.raw(b"".join(frame(number, b"G1 X%d" % number) for number in range(6, 40)))
    assert board.firmware.overflowed == 0


def test_late_oks_come_in_order_and_sometimes_after_seconds():
    board = Board(profile="late-ok", seed=1)
    waits: list[float] = []
    for number in range(1, 500):
        assert board.raw(frame(number, b"G21")) == []
        waits.append(board.waits_for("ok"))
    assert max(waits) == pytest.approx(3.0)
    assert sorted(waits)[250] < 0.04


def test_a_board_with_nothing_to_do_says_wait():
    assert "wait" in Board(profile="late-ok").waits(1.5)


def test_a_clone_loses_bytes_only_while_moves_are_short():
    def lost(millimetres: float) -> int:
        board = Board(profile="ender-clone", seed=2)
        board.does(b"M302 P1", b"G91")
        for _ in range(2000):
            board.raw(b"G1 X%g F3000\n" % millimetres)
            board.waits(millimetres / 50)
        return board.firmware.dropped

    assert lost(0.2) > 0
    assert lost(5) == 0


def test_a_refusal_is_understood_in_every_dialect():
    for name in PROFILES:
        replies = [parse(line.encode()) for line in Board(profile=name).raw(BAD)]
        assert ResendRequest(1, is_error=True) in replies
