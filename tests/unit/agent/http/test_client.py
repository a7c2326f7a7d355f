"""Servers that misbehave, and what a request makes of them."""

import ssl
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.http.address import AddressError, parse
from agent.http.body import FileBody
from agent.http.client import HttpClient
from agent.http.deadline import within
from agent.http.failure import Cause, NoAnswerError
from agent.http.multipart import Form
from agent.printers.server.client import ServerClient
from agent.printers.server.upload import Upload, UploadRequest
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


def client(url: str) -> HttpClient:
    return HttpClient(parse(url), keeps=True)


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
        began = time.monotonic()
        with pytest.raises(NoAnswerError, match="in time") as failed:
            client(url).ask("GET", "/", within(0.5))
        assert time.monotonic() - began < PATIENCE
    assert failed.value.sent


def test_an_answer_without_end_is_cut_short():
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            handler.wfile.write(bytes(1024 * 1024))

    with server(endless) as url, pytest.raises(NoAnswerError) as failed:
        client(url).ask("GET", "/", within(60))
    assert failed.value.cause is Cause.TOO_LONG


@pytest.mark.parametrize("head", [b"Content-Length: 10\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\na\r\n"])
def test_an_answer_that_breaks_off_is_none(head: bytes):
    def broken(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + head + b"half")
        handler.close_connection = True

    with server(broken) as url, pytest.raises(NoAnswerError) as failed:
        client(url).ask("GET", "/", within(PATIENCE))
    assert (failed.value.cause, failed.value.sent) == (Cause.BROKEN, True)


def test_what_is_no_http_is_none():
    def strange(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        handler.close_connection = True

    with server(strange) as url, pytest.raises(NoAnswerError) as failed:
        client(url).ask("GET", "/", within(PATIENCE))
    assert failed.value.cause is Cause.STRANGE


@pytest.mark.parametrize("path", ["/a b", "/a\r\nX-Evil: 1", "/ü"])
def test_a_path_that_http_can_not_carry_is_sent_nowhere(path: str):
    with pytest.raises(AddressError):
        client("http://127.0.0.1:1").ask("GET", path, within(1))


def test_looks_share_a_connection_and_find_a_new_one_when_it_is_closed():
    seen: list[int] = []

    def count(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.client_address[1])
        say(handler, b"{}")
        handler.close_connection = len(seen) == 2  # without saying so, as a proxy does

    with server(count) as url:
        asking = client(url)
        asking.ask("GET", "/", within(PATIENCE))
        asking.ask("GET", "/", within(PATIENCE))
        time.sleep(0.05)
        asking.ask("GET", "/", within(PATIENCE))
        asking.ask("GET", "/", within(PATIENCE))
        asking.ask("POST", "/", within(PATIENCE))
        asking.close()
    assert [seen[0] == seen[1], seen[1] == seen[2], seen[2] == seen[3], seen[3] == seen[4]] == [
        *(True, False),
        *(True, False),
    ]


def test_a_look_whose_connection_is_closed_as_it_is_asked_is_taken_on_another():
    asked = 0

    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            handler.close_connection = True  # it heard the question, and was just going
        else:
            say(handler, b"{}")

    with server(hang_up) as url:
        asking = client(url)
        for _ in range(2):
            assert asking.ask("GET", "/", within(PATIENCE)).content == b"{}"
        asking.close()
    assert asked == 3


def test_no_proxy_of_the_environment_and_no_redirect_leads_elsewhere(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with server(lambda handler: say(handler, b"", 302, Location="http://elsewhere.example/")) as url:
        answer = client(url).ask("GET", "/", within(PATIENCE))
    assert (answer.status, answer.header("Location")) == (302, "http://elsewhere.example/")


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
        pytest.raises(NoAnswerError, match="not trusted on this machine") as failed,
    ):
        client(url).ask("GET", "/", within(PATIENCE))
    assert failed.value.cause is Cause.UNTRUSTED


def test_a_certificate_that_is_named_is_trusted(tls: tuple[Path, ssl.SSLContext]):
    with server(lambda handler: say(handler, b"{}"), tls[1]) as url:
        trusting = HttpClient(parse(url), ca=tls[0].read_text())
        assert trusting.ask("GET", "/", within(PATIENCE)).content == b"{}"


def test_over_tls_a_file_and_its_late_answer_come_through(
    tls: tuple[Path, ssl.SSLContext], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
    asked = threading.Event()

    def late(handler: BaseHTTPRequestHandler) -> None:
        asked.wait(PATIENCE)
        say(handler, b'{"files": {"local": {"path": "muster/a1.gcode"}}}', 201)

    (tmp_path / "a1.gcode").write_bytes(b"G28\n" * 500_000)
    with server(late, tls[1]) as url, (tmp_path / "a1.gcode").open("rb") as file:
        sending = ServerClient("OctoPrint", url)
        sending.allow(PATIENCE)
        form = Form({"path": "muster"}, "a1.gcode", FileBody(file))
        request = UploadRequest("POST", "/x", form, {"Content-Type": form.content_type})
        upload = Upload(sending, request, time.monotonic)
        while upload.fraction < 1:
            upload.push(time.monotonic() + 0.05)
        assert upload.push(time.monotonic() + 0.2) is None
        asked.set()
        response = upload.push(time.monotonic() + PATIENCE)
        upload.close()
    assert response is not None
    assert response.status == 201
