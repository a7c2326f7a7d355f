"""Where the agent puts its orders, over a real socket and a real poll."""

import contextlib
import os
import resource
import select
import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.printers.serial.pump_protocol import PumpOrder, encode
from agent.printers.serial.pump_server import PumpServer


@pytest.fixture
def poller() -> Iterator[select.epoll]:
    with select.epoll() as poller:
        yield poller


@pytest.fixture
def desk(tmp_path: Path, poller: select.epoll) -> Iterator[PumpServer]:
    desk = PumpServer(tmp_path / "pump.sock", poller)
    yield desk
    desk.close()


@pytest.fixture
def callers(tmp_path: Path) -> Iterator[list[socket.socket]]:
    """Some who have not called yet."""
    callers = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(3)]
    yield callers
    for each in callers:
        each.close()


@contextmanager
def no_descriptors_left() -> Generator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for each in taken:
            os.close(each)


def heard(desk: PumpServer, poller: select.epoll) -> list[PumpOrder | str]:
    """What has come until nothing more comes."""
    orders: list[PumpOrder | str] = []
    for _ in range(20):
        ready = {descriptor for descriptor, _ in poller.poll(0.05)}
        if not ready:
            return orders
        orders += [order for _, order in desk.serve(ready)]
    raise AssertionError("the poll never waits")


def test_all_who_call_at_once_are_heard(
    tmp_path: Path, desk: PumpServer, poller: select.epoll, callers: list[socket.socket]
):
    for each in callers:
        each.connect(str(tmp_path / "pump.sock"))
        each.sendall(encode(PumpOrder("status")) + b"\n")
    assert heard(desk, poller) == [PumpOrder("status")] * 3


def test_a_caller_who_can_not_be_let_in_keeps_no_poll_from_waiting(
    tmp_path: Path, desk: PumpServer, poller: select.epoll, callers: list[socket.socket]
):
    first, second, _ = callers
    with no_descriptors_left():
        first.connect(str(tmp_path / "pump.sock"))
        first.sendall(encode(PumpOrder("pause")) + b"\n")
        assert heard(desk, poller) == []
        assert desk.is_alone
    second.connect(str(tmp_path / "pump.sock"))
    second.sendall(encode(PumpOrder("cancel")) + b"\n")
    assert sorted(map(str, heard(desk, poller))) == sorted(
        map(str, [PumpOrder("pause"), PumpOrder("cancel")])
    )


def test_who_has_gone_and_who_says_too_much_is_let_go_of(
    tmp_path: Path, desk: PumpServer, poller: select.epoll, callers: list[socket.socket]
):
    first, second, third = callers
    for each in callers:
        each.connect(str(tmp_path / "pump.sock"))
    first.close()
    second.settimeout(5)
    second.sendall(b"x" * 40_000)
    third.sendall(b"nonsense\n")
    (said,) = heard(desk, poller)
    assert isinstance(said, str)
    assert first.fileno() == -1
    with pytest.raises(ConnectionError):
        second.recv(1)
