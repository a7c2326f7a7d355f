"""Servers that misbehave below OctoPrint's level, and what a call makes of them."""

import http.client
import ssl
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.printers.driver import PrinterError
from agent.printers.octoprint.session import Session
from agent.printers.octoprint.upload import Upload
from agent.printers.server.http import RefusedError
from agent.printers.server.response import parse
from tests.farend.authority import Authority
from tests.waiting import PATIENCE

Reaction = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def server(react: Reaction, tls: ssl.SSLContext | None = None) -> Generator[str]:
    """A server that does with each request what it is told to do."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            react(self)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            react(self)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # who asked has hung up

    with Server(("127.0.0.1", 0), Handler) as httpd:
        if tls:
            httpd.socket = tls.wrap_socket(httpd.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://localhost:{httpd.server_address[1]}"
        finally:
            httpd.shutdown()
            thread.join()


def say(handler: BaseHTTPRequestHandler, body: bytes, code: int = 200, **headers: str) -> None:
    handler.send_response(code)
    for name, value in ({"Content-Length": str(len(body))} | headers).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def session(url: str, seconds: float = PATIENCE) -> Session:
    made = Session(url, "key", time.monotonic)
    made.until = time.monotonic() + seconds
    return made


@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_that_trickles_ends_with_its_call(part: str):
    def trickle(handler: BaseHTTPRequestHandler) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n"
        if part == "body":
            handler.wfile.write(head + b"\r\n")
        for byte in head * 3:
            handler.wfile.write(bytes([byte]) if part == "body" else b"X")
            handler.wfile.flush()
            time.sleep(0.05)

    with server(trickle) as url:
        asking = session(url, 0.5)
        began = time.monotonic()
        with pytest.raises(PrinterError, match="in time"):
            asking.ask("GET", "/")
        assert time.monotonic() - began < PATIENCE
        asking.close()


def test_an_answer_without_end_is_cut_short():
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            handler.wfile.write(bytes(1024 * 1024))

    with server(endless) as url:
        asking = session(url, 60)
        with pytest.raises(PrinterError, match="too much"):
            asking.ask("GET", "/")
        asking.close()


def test_an_answer_that_breaks_off_is_none():
    def broken(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        handler.close_connection = True

    with server(broken) as url, pytest.raises(PrinterError, match="out of reach"):
        session(url).ask("GET", "/")


def test_looks_share_a_connection_and_find_a_new_one_when_it_is_closed():
    seen: list[int] = []

    def count(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.client_address[1])
        say(handler, b"{}")
        handler.close_connection = len(seen) == 2  # without saying so, as a proxy does

    with server(count) as url:
        asking = session(url)
        asking.ask("GET", "/")
        asking.ask("GET", "/")
        time.sleep(0.05)
        asking.ask("GET", "/")
        asking.ask("GET", "/")
        asking.ask("POST", "/", {})
        asking.close()
    assert [seen[0] == seen[1], seen[1] == seen[2], seen[2] == seen[3], seen[3] == seen[4]] == [
        *(True, False),
        *(True, False),
    ]


def test_octoprints_own_words_of_a_refusal_reach_the_owner():
    with server(lambda handler: say(handler, b'{"error": "Printer is on fire"}', 409)) as url:
        asking = session(url)
        with pytest.raises(RefusedError, match="answers 409 to GET /: Printer is on fire"):
            asking.ask("GET", "/")
        asking.close()


def test_a_key_and_a_password_in_the_address_go_nowhere_else(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with server(lambda handler: say(handler, b"", 302, Location="http://elsewhere.example/")) as url:
        asking = session(url.replace("//", "//someone:secret@"))
        with pytest.raises(RefusedError, match="points to") as raised:
            asking.ask("GET", "/")
        asking.close()
    assert "secret" not in str(raised.value)


@pytest.fixture
def tls(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A CA's certificate, and a server of it."""
    ca, certificate, key = Authority().server(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return ca, context


def test_a_certificate_that_nobody_vouches_for_is_refused(tls: tuple[Path, ssl.SSLContext]):
    with (
        server(lambda handler: say(handler, b"{}"), tls[1]) as url,
        pytest.raises(PrinterError, match="not to be trusted"),
    ):
        session(url).ask("GET", "/")


def test_over_tls_a_file_and_its_late_answer_come_through(
    tls: tuple[Path, ssl.SSLContext], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
    asked = threading.Event()

    def late(handler: BaseHTTPRequestHandler) -> None:
        asked.wait(PATIENCE)
        say(handler, b'{"files": {"local": {"path": "muster/a1.gcode"}}}', 201)

    (tmp_path / "a1.gcode").write_bytes(b"G28\n" * 500_000)
    with server(late, tls[1]) as url:
        sending = session(url)
        upload = Upload(sending, "a1", tmp_path / "a1.gcode", time.monotonic)
        while upload.fraction < 1:
            upload.push(time.monotonic() + 0.05)
        assert not upload.push(time.monotonic() + 0.2)
        asked.set()
        assert upload.push(time.monotonic() + PATIENCE)


ANSWERS = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"{}"),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
    (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
]


@pytest.mark.parametrize(("heard", "content"), ANSWERS)
def test_an_answer_is_whole_only_when_its_last_byte_is_there(heard: bytes, content: bytes):
    for end in range(len(heard) - (4 if b"chunked" in heard else 1)):
        assert parse(heard[:end], ended=False) is None
    answer = parse(heard, ended=False)
    assert answer is not None
    assert answer[1] == content


def test_an_answer_without_a_length_ends_with_its_connection():
    heard = b"HTTP/1.1 200 OK\r\n\r\n{}"
    assert parse(heard, ended=False) is None
    answer = parse(heard, ended=True)
    assert answer is not None
    assert answer[1] == b"{}"


def test_what_is_no_answer_is_none():
    with pytest.raises(http.client.HTTPException):
        parse(b"SSH-2.0-OpenSSH\r\n\r\n", ended=True)
