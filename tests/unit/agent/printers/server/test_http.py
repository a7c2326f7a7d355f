import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from agent.printers.driver import PrinterError
from agent.printers.server import http
from agent.printers.server.http import Content, Exchange, RefusedError, SilentError
from tests.waiting import PATIENCE

Serve = Callable[[Callable[[socket.socket], None]], Exchange]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """An exchange with a server that treats every connection as it is told."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def begin(treat: Callable[[socket.socket], None]) -> Exchange:
        def run() -> None:
            while True:
                try:
                    wire, _ = listener.accept()
                except OSError:
                    return
                with wire, suppress(OSError):
                    treat(wire)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        made = Exchange("Box", f"http://127.0.0.1:{listener.getsockname()[1]}/at/", time.monotonic)
        made.until = time.monotonic() + PATIENCE
        return made

    yield begin
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def reply(status: str, content: bytes, *headers: str) -> Callable[[socket.socket], None]:
    head = "".join(f"{header}\r\n" for header in (f"Content-Length: {len(content)}", *headers))

    def treat(wire: socket.socket) -> None:
        wire.recv(65536)
        wire.sendall(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + content)

    return treat


def test_an_answer_is_read_as_what_it_should_be(serve: Serve):
    assert serve(reply("200 OK", b'{"a": 1}')).read(dict[str, int], "GET", "/x") == {"a": 1}


def test_the_path_of_a_proxy_is_kept_and_the_key_is_sent(serve: Serve):
    heard: list[bytes] = []

    def treat(wire: socket.socket) -> None:
        heard.append(wire.recv(65536))
        wire.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    server = serve(treat)
    assert server.send("GET", "/x?y", headers={"X-Api-Key": "k"}) == b""
    assert heard[0].startswith(b"GET /at/x?y HTTP/1.1\r\n")
    assert b"X-Api-Key: k\r\n" in heard[0]


def test_a_server_that_drips_costs_no_more_than_the_time_of_a_call(serve: Serve):
    def treat(wire: socket.socket) -> None:
        wire.recv(65536)
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 1000:
            wire.sendall(bytes([byte]))
            time.sleep(0.05)

    server = serve(treat)
    server.until = time.monotonic() + 0.3
    began = time.monotonic()
    with pytest.raises(SilentError, match="in time"):
        server.send("GET", "/x")
    assert time.monotonic() - began < PATIENCE


def test_an_order_whose_answer_breaks_off_may_have_been_heard(serve: Serve):
    with pytest.raises(SilentError, match="may have been heard"):
        serve(lambda wire: [wire.recv(65536)].clear()).send("POST", "/x")


def test_a_refusal_tells_its_code_and_the_servers_words(serve: Serve):
    server = serve(reply("400 Bad Request", b'{"error": {"code": 400, "message": "Unable\\n to open file"}}'))
    with pytest.raises(RefusedError, match="Unable to open file") as refusal:
        server.send("POST", "/x?filename=y")
    assert refusal.value.code == 400


def test_a_redirect_is_not_followed(serve: Serve):
    with pytest.raises(RefusedError, match="points to http://elsewhere"):
        serve(reply("302 Found", b"", "Location: http://elsewhere/")).send("GET", "/x")


def test_what_is_no_json_is_no_such_server(serve: Serve):
    with pytest.raises(PrinterError, match="is not Box"):
        serve(reply("200 OK", b"<html>")).read(dict[str, int], "GET", "/x")


def test_what_is_other_json_is_not_known(serve: Serve):
    with pytest.raises(PrinterError, match="not known") as error:
        serve(reply("200 OK", b"[]")).read(dict[str, int], "GET", "/x")
    assert isinstance(error.value.__cause__, msgspec.ValidationError)


def test_an_endless_answer_is_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http, "MOST", 1000)
    with pytest.raises(PrinterError, match="more than can be"):
        serve(reply("200 OK", b" " * 5000)).send("GET", "/x")


LARGE = bytes(range(256)) * 4000


def test_a_file_goes_out_whole(serve: Serve, tmp_path: Path):
    (tmp_path / "file").write_bytes(LARGE)

    def treat(wire: socket.socket) -> None:
        heard = b""
        while len(heard.partition(b"\r\n\r\n")[2]) < len(LARGE):
            heard += wire.recv(65536)
        body = heard.partition(b"\r\n\r\n")[2]
        wire.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    server = serve(treat)
    with (tmp_path / "file").open("rb") as file:
        assert server.send("PUT", "/x", body=Content(file)) == LARGE


def test_what_is_stored_is_hashed_whatever_its_length(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http, "MOST", 1000)
    assert serve(reply("200 OK", LARGE)).sha256("/x") == hashlib.sha256(LARGE).hexdigest()


def test_a_server_that_is_not_there_is_out_of_reach():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets it, and it refuses
        server = Exchange("Box", f"http://127.0.0.1:{taken.getsockname()[1]}", time.monotonic)
        server.until = time.monotonic() + PATIENCE
        with pytest.raises(PrinterError, match="is it running"):
            server.send("GET", "/x")


@pytest.mark.parametrize("url", ["", "printer.local", "ftp://printer.local", "http://", "http://a:b"])
def test_an_address_that_is_none_is_refused_at_once(url: str):
    with pytest.raises(PrinterError, match="not the address"):
        Exchange("Box", url, time.monotonic)


@pytest.mark.parametrize(
    ("challenge", "answer"),
    [
        # RFC 7616, 3.9.1
        (
            {"algorithm": "MD5", "qop": "auth"},
            "8ca523f5e9506fed4657c9700eebdbec",
        ),
        (
            {"algorithm": "SHA-256", "qop": "auth"},
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_a_digest_is_what_the_standard_says(
    challenge: dict[str, str], answer: str, monkeypatch: pytest.MonkeyPatch
):
    def own(_length: int) -> str:
        return "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"

    monkeypatch.setattr(http.secrets, "token_hex", own)
    digest = http._Digest(http.Login("Mufasa", "Circle of Life"))
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    digest._challenge = {"realm": "http-auth@example.org", "nonce": nonce, **challenge}
    assert f'response="{answer}"' in (digest.credentials("GET", "/dir/index.html") or "")


def test_a_server_of_the_older_standard_gets_nothing_of_the_newer():
    digest = http._Digest(http.Login("maker", "secret"))
    digest._challenge = {"realm": "Printer API", "nonce": "00c0ffee"}
    said = digest.credentials("GET", "/api/v1/status") or ""
    assert 'response="3cbac994ef05778b9c976c419015d54b"' in said  # RFC 2069: H(H(A1):nonce:H(A2))
    assert not any(word in said for word in ("cnonce", "qop", "nc="))
