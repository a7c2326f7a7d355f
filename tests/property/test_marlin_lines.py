"""Marlin's line discipline against a firmware, over a cable that loses and flips bytes both ways."""

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.printers.marlin import RESERVE, WINDOW, Acknowledged, Broken, Marlin
from agent.printers.record import Record
from agent.printers.session import Session
from agent.printers.virtual.faults import Faults
from agent.printers.virtual.firmware import Firmware

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
    marlin.feed(iter([b"G1 X%d" % number for number in range(40)]))
    marlin.transmit(0)
    return marlin


@given(NOISE, st.lists(st.integers(0, 10_000), max_size=12))
def test_how_the_bytes_are_cut_makes_no_difference(data: bytes, places: list[int]):
    whole, pieces = conversation(), conversation()
    expected = whole.receive(data, 1.0)
    heard = [event for piece in cut(data, places) for event in pieces.receive(piece, 1.0)]
    assert heard == expected
    assert pieces.transmit(1.0) == whole.transmit(1.0)
    assert pieces.tick(9.0) == whole.tick(9.0)
    assert pieces.transmit(9.0) == whole.transmit(9.0)


@given(st.lists(NOISE, max_size=8))
def test_nothing_that_a_printer_says_can_break_the_host(words: list[bytes]):
    session = Session(Record(), 0.0)
    now = 0.0
    for word in words:
        now += 0.4
        session.receive(word, now)
        session.tick(now)
        session.transmit(now)
        if session.status(now).condition == "idle" and session.record.attempt is None:
            session.start("a", iter([b"G28", b"G1 X1"]), 2, 10, 0, now)
        session.status(now)


class Cable:
    """Passes bytes on, but for some that it drops or flips.

    Line ends are spared on the way to the board: XOR takes one in 256 pairs of joined lines for a right one.
    """

    def __init__(self, faults: dict[int, int], *, spares_ends: bool) -> None:
        self.faults = faults
        self.spares_ends = spares_ends
        self.passed = 0

    def carry(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            flip = self.faults.get(self.passed)
            self.passed += 1
            if flip is None or (self.spares_ends and byte == 10):
                out.append(byte)
            elif flip:
                out.append(byte ^ flip)
        return bytes(out)


def faults(span: int, gap: int) -> st.SearchStrategy[dict[int, int]]:
    """Byte places, none closer than `gap` to the next, and what happens there: 0 is a loss, else bits that flip."""

    def spread(pairs: list[tuple[int, int]]) -> dict[int, int]:
        places, at = {}, 0
        for distance, flip in pairs:
            at += gap + distance
            places[at] = flip
        return places

    return st.lists(st.tuples(st.integers(0, span), st.sampled_from([0, 1, 2, 16, 32, 64])), max_size=8).map(
        spread
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    out=faults(120, 48),
    back=faults(60, 3),
    knobs=st.sampled_from([(), ("lose-ok:5",), ("corrupt:7",), ("resend:6",), ("lose-ok:4", "resend:9")]),
    count=st.integers(1, 60),
)
def test_every_line_is_executed_once_and_in_order(
    out: dict[int, int], back: dict[int, int], knobs: tuple[str, ...], count: int
):
    if "corrupt:7" in knobs:
        out = {}  # two flips in one line can make up for each other: XOR promises nothing then
    lines = [b"G1 X%d Y0.%d" % (number, number) for number in range(1, count + 1)]
    executed: list[str] = []
    board = Firmware(Faults(knobs), executed.append)
    host = Marlin()
    there, home = Cable(out, spares_ends=True), Cable(back, spares_ends=False)
    host.feed(iter(lines))
    now = 0.0
    ended = False
    exhausted = False
    events: list[object] = []
    for _ in range(4000):
        events = [*host.tick(now)]
        sent, more = host.transmit(now)
        events += more
        assert host._flight.bytes <= WINDOW + 2 * RESERVE
        board.advance(now * 10)
        board.receive(there.carry(sent))
        due = board.advance(now * 10)
        said = home.carry(board.take())
        events += host.receive(said, now)
        if any(isinstance(event, Broken) for event in events) or host.silent_for(now) > 60:
            break
        if not exhausted and host._source is None:
            exhausted = True
            host.send(b"M400", b"M105", tag="ended")
        ended = Acknowledged("ended") in events
        if ended:
            break
        wakes = [at for at in (host.wake_at(), None if due is None else due / 10) if at is not None]
        now = now + 0.001 if sent or said else max(now + 0.001, min([*wakes, now + 1]))
    wanted = [line.decode() for line in lines]
    moved = [line for line in executed if line.startswith("G1")]
    assert moved == wanted[: len(moved)]
    if ended:
        assert moved == wanted
        assert host.executed == count
    else:
        stopped = any(isinstance(event, Broken) for event in events) or host.silent_for(now) > 60
        assert stopped, f"it neither ends nor gives up in {now:.1f} s"
