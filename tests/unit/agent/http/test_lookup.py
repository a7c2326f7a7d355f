import socket
import threading
from collections.abc import Iterator

import pytest

from agent.http.failure import NoAnswerError
from agent.http.lookup import Lookup, SocketAddress, system

HERE: list[SocketAddress] = [(socket.AF_INET, ("127.0.0.1", 80))]


class Slow:
    """A name service that answers when it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[SocketAddress]:
        self.asked += 1
        self.let.wait(30)
        return HERE


@pytest.fixture
def slow() -> Iterator[Slow]:
    service = Slow()
    yield service
    service.let.set()


def test_a_lookup_that_is_late_serves_the_next_call(slow: Slow):
    lookup = Lookup("octopi.local", 80, slow)
    for _ in range(3):
        with pytest.raises(NoAnswerError, match=r"takes too long: octopi\.local"):
            lookup.addresses(0.01)
    assert slow.asked == 1
    slow.let.set()
    assert lookup.addresses(5) == HERE


def test_what_was_known_serves_while_a_new_lookup_is_late(slow: Slow):
    lookup = Lookup("octopi.local", 80, slow)
    slow.let.set()
    assert lookup.addresses(5) == HERE
    slow.let.clear()
    assert lookup.addresses(0.01) == HERE


def test_a_name_that_is_not_there_is_told():
    def unknown(host: str, port: int) -> list[SocketAddress]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(NoAnswerError, match=r"no such host: octopi\.local"):
        Lookup("octopi.local", 80, unknown).addresses(5)


def test_a_number_is_no_name(slow: Slow):
    assert system("127.0.0.1", 80) == HERE
    slow.let.set()
    before = threading.active_count()
    assert Lookup("127.0.0.1", 80, slow).addresses(5) == HERE
    assert threading.active_count() == before
