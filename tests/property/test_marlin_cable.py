"""A whole print over a cable that loses, doubles, garbles and delays, to boards of many dialects, by seed.

MUSTER_CASES=5000 for a long run. A seed that once failed is kept in KEPT.
"""

import os
from random import Random

import pytest

from agent.printers.driver import Condition, Ending
from agent.printers.serial.options import PortOptions
from agent.printers.serial.record import Printing, Record
from agent.printers.serial.session import SerialSession
from agent.printers.serial.stage import SessionStage
from tests.farend.board import Board, Cable

CASES = int(os.environ.get("MUSTER_CASES", "60"))
KEPT = (367, 1039, 1552, 3716)
LATEST = 4000.0
"""Seconds of the model's clock: nothing waits longer without a verdict."""


class Bench:
    """A session and a board with a cable between them, and one clock."""

    def __init__(self, seed: int, board: Board, setup: PortOptions, rate: float) -> None:
        self.board, self.now = board, 0.0
        self.session = SerialSession(Record(), 0.0, setup)
        self.there, self.back = Cable(seed, rate), Cable(seed + 1, rate)
        self._coming: list[tuple[float, bytes]] = []

    def turn(self) -> None:
        session, board = self.session, self.board
        while self._coming and self._coming[0][0] <= self.now:
            session.receive(self._coming.pop(0)[1], self.now)
        session.tick(self.now)
        sent = session.transmit(self.now)
        board.advance(self.now)
        board.receive(self.there.out(sent))
        due = board.advance(self.now)
        for delay, line in self.back.home(board.take()):
            latest = self._coming[-1][0] if self._coming else self.now
            self._coming.append((max(latest, self.now + delay), line))
        wakes = [session.wake_at(self.now), *([] if due is None else [due])]
        if self._coming:
            wakes.append(self._coming[0][0])
        self.now = max(self.now + 0.0005, min(wakes))


class Thief(Cable):
    """A cable that loses lines, and does nothing worse: an ok that is doubled lets any host send too much."""

    def _line(self, line: bytes) -> bytes:
        return b"" if self._random.random() < self._rate else line


def dialect(random: Random) -> tuple[Board, PortOptions]:
    board = Board(
        advanced=random.random() < 0.3,
        resend=random.choice(["ok", "ok", "bare", "twice"]),
        seconds=random.choice([0.0, 0.004, 0.05]),
        queue=random.choice([1, 4, 8]),
        capabilities=random.choice([(), ("AUTOREPORT_TEMP", "EMERGENCY_PARSER")]),
    )
    return board, PortOptions(port="", window=random.choice([127, 127, 63, 0]))


def body(random: Random) -> list[bytes]:
    count = random.randrange(1, 150)
    lines = [b"G1 X%d Y%d.%d E%d" % (n % 200, n % 7, n, n) for n in range(1, count + 1)]
    return [b"M109 S200", b"G28", b"G92 E0", *lines, b"M104 S0"]


@pytest.mark.parametrize("seed", [*KEPT, *range(CASES)])
def test_no_line_is_lost_or_doubled_whatever_the_cable_does(seed: int):
    random = Random(seed)
    board, setup = dialect(random)
    lines = body(random)
    bench = Bench(seed, board, setup, random.choice([0.0, 0.003, 0.02, 0.1]))
    while bench.session.status(bench.now).condition is not Condition.IDLE:
        bench.turn()
        assert bench.now < LATEST, "it never greets"
    began = len(board.executed)
    printing = Printing(path="", count=len(lines), seconds=600, top=0, boot="")
    bench.session.run.start("a", iter([lines]), printing, bench.now)
    until = bench.now + LATEST
    while bench.session.record.ending is None:
        bench.turn()
        assert bench.now < until, "it neither ends nor gives up"
    wanted = [line.decode() for line in lines]
    seen = [line for line in board.executed[began:] if line in set(wanted)]
    if bench.session.record.ending is Ending.DONE:
        assert seen == wanted
        assert bench.session.status(bench.now).progress == 1
    else:
        assert bench.session.record.why
        assert bench.session.stage is SessionStage.FAULT
        body_ = [line for line in seen if line != "M104 S0"]
        assert body_ == wanted[: len(body_)]


@pytest.mark.parametrize("seed", range(CASES))
def test_no_byte_finds_the_receive_buffer_full_however_slow_the_board_is(seed: int):
    random = Random(seed)
    board = Board(seconds=random.choice([0.05, 0.7]), queue=random.choice([1, 2, 4]))
    bench = Bench(seed, board, PortOptions(port=""), 0.0)
    bench.back = Thief(seed, random.choice([0.02, 0.2]))
    while bench.session.stage is not SessionStage.IDLE:
        bench.turn()
    lines = body(random)[:60]
    printing = Printing(path="", count=len(lines), seconds=6000, top=0, boot="")
    bench.session.run.start("a", iter([lines]), printing, bench.now)
    until = bench.now + LATEST
    while bench.session.record.ending is None and bench.now < until:
        assert board.overflowed == 0  # but for the last words of a stop, which go out in any case
        bench.turn()


@pytest.mark.parametrize("seed", range(CASES // 4))
def test_a_cancel_at_any_moment_ends_cold_and_still(seed: int):
    random = Random(seed)
    board, setup = dialect(random)
    bench = Bench(seed, board, setup, random.choice([0.0, 0.02]))
    while bench.session.stage is not SessionStage.IDLE:
        bench.turn()
    lines = body(random)
    printing = Printing(path="", count=len(lines), seconds=600, top=200, boot="")
    bench.session.run.start("a", iter([lines]), printing, bench.now)
    for _ in range(random.randrange(120)):
        bench.turn()
    if bench.session.record.ending is None:
        bench.session.run.cancel(bench.now)
    until = bench.now + LATEST
    while bench.session.record.ending is None:
        bench.turn()
        assert bench.now < until, "it waits for ever"
    assert bench.session.record.ending in {Ending.CANCELLED, Ending.DONE, Ending.FAILED}
    if bench.session.record.ending is Ending.CANCELLED:
        assert board.target == 0
        before = [line for line in board.executed if line.startswith("G")]
        for _ in range(50):
            bench.turn()
        assert [line for line in board.executed if line.startswith("G")] == before
