"""Whatever comes over the cable, in whatever pieces, the host stays sane."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.printers.serial.marlin import Marlin
from agent.printers.serial.record import Printing, Record
from agent.printers.serial.session import SerialSession
from agent.printers.serial.stage import SessionStage
from tests.farend.board import Board

SAID = st.sampled_from(
    [
        *(
            b"ok\n",
            b"ok\r\n",
            b"ok T:20.0 /0.0 B:20.0 /0.0\n",
            b"ok N3 P15 B3\n",
            b"start\n",
            b"wait\n",
            b"\0\n",
        ),
        *(
            b"Error:checksum mismatch, Last Line: 2\nResend: 3\nok\n",
            b"Resend: 99999\n",
            b"rs 2\n",
            b"Resend:\n",
        ),
        *(
            b"echo:busy: processing\n",
            b" T:20.1 /200.0 B:30 /60 @:0 B@:0 W:?\n",
            b"//action:pause\n",
            b"!!\n",
        ),
        *(b"X:0.00 Y:1.00 Z:2.00 E:3.00 Count X:0\n", b"Cap:EMERGENCY_PARSER:1\n", b"FIRMWARE_NAME:Marlin\n"),
        *(b"Error:Printer halted. kill() called!\n", b"o", b"Resend: ", b"x" * 700, b"ok " * 300 + b"\n"),
    ]
)
NOISE = st.lists(st.one_of(SAID, st.binary(max_size=40)), max_size=30).map(b"".join)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def conversation() -> Marlin:
    marlin = Marlin()
    marlin.feed(iter([[b"G1 X%d" % number for number in range(40)]]))
    marlin.transmit(0)
    return marlin


@settings(deadline=None)
@given(NOISE, st.lists(st.integers(0, 10_000), max_size=12))
def test_how_the_bytes_are_cut_makes_no_difference(data: bytes, places: list[int]):
    whole, pieces = conversation(), conversation()
    expected = whole.receive(data, 1.0)
    heard = [event for piece in cut(data, places) for event in pieces.receive(piece, 1.0)]
    assert heard == expected
    assert pieces.transmit(1.0) == whole.transmit(1.0)
    assert pieces.tick(9.0) == whole.tick(9.0)
    assert pieces.transmit(9.0) == whole.transmit(9.0)


def printing() -> tuple[SerialSession, Board]:
    """A print that has begun."""
    board = Board(capabilities=("AUTOREPORT_TEMP",))
    session = SerialSession(Record(), 0.0)
    now = 0.0
    while session.stage is not SessionStage.IDLE:
        now += 0.1
        session.tick(now)
        board.receive(session.transmit(now))
        board.advance(now)
        session.receive(b"".join(board.take()), now)
    plan = Printing(path="", count=2, seconds=10, top=0, boot="")
    session.run.start("a", iter([[b"G28", b"G1 X1"]]), plan, now)
    return session, board


@settings(deadline=None)
@given(st.lists(NOISE, max_size=8))
def test_nothing_that_a_printer_says_can_break_the_host(words: list[bytes]):
    session, _ = printing()
    now = 100.0
    for word in words:
        now += 0.4
        session.transmit(now)
        session.receive(word, now)
        session.tick(now)
        session.status(now)
    assert session.status(now).attempt == "a"


@settings(deadline=None)
@given(st.lists(NOISE, max_size=4))
def test_a_host_that_heard_nonsense_comes_to_a_verdict(words: list[bytes]):
    session, board = printing()
    now = 100.0
    for word in words:
        session.receive(word, now)
    for _ in range(4000):
        if session.record.ending or session.stage is SessionStage.PAUSED:
            break
        now += 0.5
        session.tick(now)
        board.receive(session.transmit(now))
        board.advance(now)
        session.receive(b"".join(board.take()), now)
    assert session.record.ending or session.stage is SessionStage.PAUSED
