import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from agent.http.address import Login
from agent.http.body import FileBody
from agent.http.client import MOST
from agent.http.lookup import SocketAddress
from agent.printers.driver import PrinterError
from agent.printers.server.client import LateError, ServerClient, ServerRefusedError, UnansweredError
from agent.printers.server.read_back import ReadBack
from tests.waiting import PATIENCE

Serve = Callable[[Callable[[socket.socket], None]], ServerClient]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """The way to a server that treats every connection as it is told."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def begin(treat: Callable[[socket.socket], None]) -> ServerClient:
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
        made = ServerClient("Box", f"http://127.0.0.1:{listener.getsockname()[1]}/at/")
        made.allow(PATIENCE)
        return made

    yield begin
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for thread in threads:
        thread.join(5)
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
    assert server.ask("GET", "/x?y", headers={"X-Api-Key": "k"}).content == b""
    assert heard[0].startswith(b"GET /at/x?y HTTP/1.1\r\n")
    assert b"X-Api-Key: k\r\n" in heard[0]


def test_a_server_that_drips_costs_no_more_than_the_time_of_a_call(serve: Serve):
    def treat(wire: socket.socket) -> None:
        wire.recv(65536)
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 1000:
            wire.sendall(bytes([byte]))
            time.sleep(0.05)

    server = serve(treat)
    server.allow(0.3)
    began = time.monotonic()
    with pytest.raises(UnansweredError, match="in time"):
        server.ask("GET", "/x")
    assert time.monotonic() - began < PATIENCE


def test_an_order_whose_answer_breaks_off_may_have_been_heard(serve: Serve):
    with pytest.raises(UnansweredError, match="may have been heard"):
        serve(lambda wire: [wire.recv(65536)].clear()).ask("POST", "/x")


def test_a_refusal_tells_its_code_and_the_servers_words(serve: Serve):
    server = serve(reply("400 Bad Request", b'{"error": {"code": 400, "message": "Unable\\n to open file"}}'))
    with pytest.raises(ServerRefusedError, match="Unable to open file") as refusal:
        server.ask("POST", "/x?filename=y")
    assert refusal.value.code == 400


def test_a_redirect_is_not_followed(serve: Serve):
    with pytest.raises(ServerRefusedError, match="points to http://elsewhere"):
        serve(reply("302 Found", b"", "Location: http://elsewhere/")).ask("GET", "/x")


def test_what_is_no_json_is_no_such_server(serve: Serve):
    with pytest.raises(PrinterError, match="is not Box"):
        serve(reply("200 OK", b"<html>")).read(dict[str, int], "GET", "/x")


def test_what_is_other_json_is_not_known(serve: Serve):
    with pytest.raises(PrinterError, match="not known") as error:
        serve(reply("200 OK", b"[]")).read(dict[str, int], "GET", "/x")
    assert isinstance(error.value.__cause__, msgspec.ValidationError)


def test_an_endless_answer_is_given_up(serve: Serve):
    with pytest.raises(PrinterError, match="says too much"):
        serve(reply("200 OK", b" " * (MOST + 1))).ask("GET", "/x")


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
        assert server.ask("PUT", "/x", body=FileBody(file)).content == LARGE


def read_back(server: ServerClient) -> str | None:
    back = ReadBack(server, "/x", time.monotonic)
    try:
        return back.push(time.monotonic() + PATIENCE)
    finally:
        back.close()


def without_length(wire: socket.socket) -> None:
    wire.recv(65536)
    wire.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + LARGE)


@pytest.mark.parametrize("treat", [reply("200 OK", LARGE), without_length], ids=["length", "until it closes"])
def test_what_is_stored_is_hashed_whatever_its_length(serve: Serve, treat: Callable[[socket.socket], None]):
    assert read_back(serve(treat)) == hashlib.sha256(LARGE).hexdigest()


def test_a_file_that_breaks_off_on_its_way_back_is_no_file(serve: Serve):
    def treat(wire: socket.socket) -> None:
        wire.recv(65536)
        wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")

    with pytest.raises(UnansweredError, match="broke off"):
        read_back(serve(treat))


def test_a_file_comes_back_in_slices(serve: Serve):
    go_on = threading.Event()

    def treat(wire: socket.socket) -> None:
        wire.recv(65536)
        wire.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(LARGE)}\r\n\r\n".encode() + LARGE[:1000])
        go_on.wait(PATIENCE)
        wire.sendall(LARGE[1000:])

    back = ReadBack(serve(treat), "/x", time.monotonic)
    while back.read < 1000:
        assert back.push(time.monotonic() + 0.05) is None
    go_on.set()
    digest = None
    while digest is None:
        digest = back.push(time.monotonic() + 0.05)
    assert digest == hashlib.sha256(LARGE).hexdigest()
    back.close()


def test_a_server_that_is_not_there_is_out_of_reach():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets it, and it refuses
        server = ServerClient("Box", f"http://127.0.0.1:{taken.getsockname()[1]}")
        server.allow(PATIENCE)
        with pytest.raises(PrinterError, match="is it running"):
            server.ask("GET", "/x")


@pytest.mark.parametrize("url", ["", "printer.local", "ftp://printer.local", "http://", "http://a:b"])
def test_an_address_that_is_none_is_refused_at_once(url: str):
    with pytest.raises(PrinterError, match="not the address"):
        ServerClient("Box", url)


def test_an_address_that_is_none_is_shown_without_its_password():
    with pytest.raises(PrinterError, match=r"not the address") as error:
        ServerClient("Box", "ftp://maker:secret@printer.local")
    assert "secret" not in str(error.value)


def test_a_login_in_the_address_is_sent_and_told_to_nobody(serve: Serve):
    heard: list[bytes] = []

    def treat(wire: socket.socket) -> None:
        heard.append(wire.recv(65536))
        wire.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")

    place = serve(treat).origin.removeprefix("http://")
    server = ServerClient("Box", f"http://maker:s%40cret@{place}/at", headers={"X-Api-Key": "k"})
    server.allow(PATIENCE)
    with pytest.raises(ServerRefusedError, match="name and password in the address") as error:
        server.ask("GET", "/x")
    assert b"Authorization: Basic bWFrZXI6c0BjcmV0\r\n" in heard[0]
    assert f"Host: {place}\r\n".encode() in heard[0]
    assert "cret" not in str(error.value)


def test_a_login_in_the_address_and_another_is_refused():
    with pytest.raises(PrinterError, match="leave one out") as error:
        ServerClient("Box", "http://maker:secret@printer.local", login=Login("maker", "other"))
    assert "secret" not in str(error.value)


def test_a_name_that_is_not_there_is_told():
    def unknown(_host: str, _port: int) -> list[SocketAddress]:
        raise socket.gaierror(-2, "Name or service not known")

    server = ServerClient("Box", "http://printer.local", resolver=unknown)
    server.allow(PATIENCE)
    with pytest.raises(PrinterError, match=r"there is no printer\.local in this network"):
        server.ask("GET", "/x")


def test_no_time_is_late():
    server = ServerClient("Box", "http://printer.local")
    with pytest.raises(LateError):
        server.left()
