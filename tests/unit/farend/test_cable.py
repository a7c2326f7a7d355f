"""The cable that tests own is as slow and as bad as it is told to be."""

import os
import time
import tty
from pathlib import Path
from random import Random

import pytest

from tests.farend.cable import Cable, Lane, OkLoss, Quality, Wear


def test_a_byte_takes_its_ten_bits_and_the_latency():
    lane = Lane(baud=10_000, latency=0.005)
    lane.put(b"abcd", 1.0)
    assert lane.due_at(1.0) == pytest.approx(1.006)
    assert lane.take(1.0059) == b""
    assert lane.take(1.0071) == b"ab"
    assert lane.take(1.0091) == b"cd"
    assert lane.due_at(2.0) is None
    assert lane.waiting == 0


def test_what_is_written_meanwhile_waits_for_the_line():
    lane = Lane(baud=10_000, latency=0.0)
    lane.put(b"x" * 100, 0.0)
    lane.put(b"y", 0.01)
    assert lane.take(0.1001) == b"x" * 100
    assert lane.take(0.1011) == b"y"


def test_a_short_word_is_awaited_to_its_end_and_a_long_one_comes_in_pieces():
    lane = Lane(baud=100_000, latency=0.0)
    lane.put(b"ok\n", 0.0)
    assert lane.due_at(0.0) == pytest.approx(0.0003)
    lane.take(1.0)
    lane.put(b"x" * 1000, 2.0)
    assert lane.due_at(2.0) == pytest.approx(2.001)


def test_wear_spoils_about_as_many_bytes_as_it_should_and_the_same_ones_each_time():
    def worn() -> tuple[bytes, int]:
        wear = Wear(1000, Random(4))
        return b"".join(wear.carry(b"x" * 37) for _ in range(3000)), wear.spoilt

    data, spoilt = worn()
    assert (data, spoilt) == worn()
    assert 80 < spoilt < 140
    assert 111_000 - spoilt < len(data) < 111_000
    assert spoilt == 111_000 - data.count(b"x")


def test_oks_are_lost_whole_however_they_come():
    loss = OkLoss(3)
    said = b"".join(loss.carry(bytes([byte])) for byte in b"ok\nok\necho:busy\nok\nok\n")
    assert said == b"ok\nok\necho:busy\nok\n"
    assert loss.lost == 1


def test_a_cable_carries_both_ways_in_its_time(tmp_path: Path):
    board, near = os.openpty()
    tty.setraw(near)
    quality = Quality(baud=9600, latency=0.02, lost_ok=2)
    with Cable(Path(os.ttyname(near)), tmp_path, quality) as cable:
        host = os.open(cable.port, os.O_RDWR | os.O_NOCTTY)
        began = time.monotonic()
        os.write(host, b"N1 M105*38\n")
        assert os.read(board, 100)[:1] == b"N"
        assert time.monotonic() - began > 0.02
        os.write(board, b"ok\nok\nstart\n")
        said = b""
        while not said.endswith(b"start\n"):
            said += os.read(host, 100)
        assert said == b"ok\nstart\n"
        os.close(host)
    os.close(board)
    os.close(near)
    assert (cable.spoilt, cable.lost) == (0, 1)
    assert not cable.port.is_symlink()
