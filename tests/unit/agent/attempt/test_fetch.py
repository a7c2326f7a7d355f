import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.attempt.fetch import TRIES, Fetcher, FetchError, StoppedError
from tests.farend.files import Server, serving

DATA = random.Random(1).randbytes(300_000)
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


class Bench:
    """A fetcher whose waits are counted, not slept."""

    def __init__(self, url: str, folder: Path) -> None:
        self.waits: list[float] = []
        self.folder = folder
        self.fetcher = Fetcher(url, wait=self.waits.append, random=lambda: 1.0)

    def fetch(self, url: str, size: int = len(DATA), digest: str = DIGEST) -> Path:
        return self.fetcher.fetch(self.folder, url, size, digest, lambda: False)

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def bench(server: Server, tmp_path: Path) -> Bench:
    return Bench(server.url, tmp_path / "files")


def test_a_file_comes_whole(server: Server, bench: Bench):
    path = bench.fetch(server.serve("/plate", DATA))
    assert path.read_bytes() == DATA
    assert bench.left() == [DIGEST]
    assert server.asked == [None]


def test_after_a_break_it_goes_on_where_it_was(server: Server, bench: Bench):
    server.breaks += [1000, 50_000]
    path = bench.fetch(server.serve("/plate", DATA))
    assert path.read_bytes() == DATA
    assert server.asked == [None, "bytes=1000-", "bytes=51000-"]


def test_after_a_restart_it_goes_on_where_it_was(server: Server, bench: Bench):
    url = server.serve("/plate", DATA)
    server.breaks.append(1000)
    server.statuses += [200, 404]
    with pytest.raises(FetchError, match="404"):
        bench.fetch(url)
    assert Bench(server.url, bench.folder).fetch(url).read_bytes() == DATA
    assert server.asked[-1] == "bytes=1000-"


def test_a_server_that_knows_no_ranges_sends_all_again(server: Server, bench: Bench):
    server.ranges = False
    server.breaks.append(1000)
    assert bench.fetch(server.serve("/plate", DATA)).read_bytes() == DATA


def test_a_beginning_that_does_not_fit_is_thrown_away(server: Server, bench: Bench):
    bench.folder.mkdir()
    (bench.folder / f"{DIGEST}.part").write_bytes(DATA[:1000])
    server.statuses.append(416)
    assert bench.fetch(server.serve("/plate", DATA)).read_bytes() == DATA
    assert server.asked == ["bytes=1000-", None]


def test_what_is_here_is_not_fetched_again(server: Server, bench: Bench):
    url = server.serve("/plate", DATA)
    bench.fetch(url)
    bench.fetch(url)
    assert len(server.asked) == 1


def test_other_bytes_than_those_signed_for_are_thrown_away(server: Server, bench: Bench):
    with pytest.raises(FetchError, match="signed for"):
        bench.fetch(server.serve("/plate", DATA[:-1] + b"\n"))
    assert bench.left() == []


@pytest.mark.parametrize("have", [b"wrong", DATA[:-1] + b"\n"])
def test_a_wrong_beginning_does_not_stay(server: Server, bench: Bench, have: bytes):
    bench.folder.mkdir()
    (bench.folder / f"{DIGEST}.part").write_bytes(have)
    url = server.serve("/plate", DATA)
    with pytest.raises(FetchError, match="signed for"):
        bench.fetch(url)
    assert bench.fetch(url).read_bytes() == DATA


def test_a_longer_file_is_not_read_to_its_end(server: Server, bench: Bench):
    with pytest.raises(FetchError, match="longer"):
        bench.fetch(server.serve("/plate", DATA + b"more"))
    assert bench.left() == []


def test_a_shorter_file_is_given_up(server: Server, bench: Bench):
    with pytest.raises(FetchError, match="can't be fetched"):
        bench.fetch(server.serve("/plate", DATA[:-1]))
    assert len(server.asked) <= TRIES + 2


def test_a_server_in_trouble_is_asked_again_and_then_given_up(server: Server, bench: Bench):
    url = server.serve("/plate", DATA)
    server.statuses += [503, 500]
    assert bench.fetch(url).read_bytes() == DATA
    assert bench.waits == [0.5] * 6  # one second, then two
    server.statuses += [503] * 100
    with pytest.raises(FetchError, match="503"):
        bench.fetch(server.serve("/other", DATA), digest="0" * 64)


def test_a_file_that_is_not_there_is_not_asked_for_again(server: Server, bench: Bench):
    with pytest.raises(FetchError, match="404"):
        bench.fetch(server.url + "/nothing")
    assert bench.waits == []


def test_a_redirect_is_not_followed(server: Server, bench: Bench):
    url = server.serve("/plate", DATA)
    server.serve("/elsewhere", DATA)
    server.statuses.append(302)
    with pytest.raises(FetchError, match="302"):
        bench.fetch(url)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/plate",
        "https://127.0.0.1/plate",
        "http://files.example/plate",
        "ftp://127.0.0.1/plate",
        "http://127.0.0.1@evil.example/plate",
        "file:///etc/passwd",
        "http://[",
    ],
)
def test_no_other_server_is_asked(bench: Bench, url: str):
    with pytest.raises(FetchError):
        bench.fetch(url)
    assert bench.waits == []


def test_it_can_be_called_off_and_keeps_what_came(server: Server, bench: Bench):
    answers = iter([False, False, True])
    with pytest.raises(StoppedError):
        bench.fetcher.fetch(
            bench.folder, server.serve("/plate", DATA), len(DATA), DIGEST, lambda: next(answers)
        )
    assert bench.left() == [f"{DIGEST}.part"]


@pytest.mark.parametrize("path", ["/ü", "/a b", "/a\n"])
def test_a_link_that_http_can_not_carry_is_an_error_like_any_other(server: Server, bench: Bench, path: str):
    with pytest.raises(FetchError):
        bench.fetch(server.url + path)


def test_what_goes_into_a_report_does_not_hold_the_link(server: Server, bench: Bench):
    for prepare in (
        lambda: server.statuses.append(404),
        lambda: server.statuses.extend([500] * TRIES),
        lambda: server.breaks.append(10),
    ):
        prepare()
        with pytest.raises(FetchError) as failed:
            bench.fetch(server.serve("/files/secret-token", DATA), digest="0" * 64)
        assert "secret-token" not in str(failed.value)
    with pytest.raises(FetchError) as failed:
        bench.fetch("http://elsewhere.example/secret-token")
    assert "secret-token" not in str(failed.value)
