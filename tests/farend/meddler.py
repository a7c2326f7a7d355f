"""A proxy that stands between an agent and a web server and meddles with what passes."""

import http.client
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.waiting import PATIENCE

PIECE = 64 * 1024


class Meddler:
    """Knobs; each is asked about every request as `method, path`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.before: Callable[[str, str], None] = lambda _method, _path: None
        """Called before a request is passed on: something happens in this very moment."""
        self.swallow: Callable[[str, str], bool] = lambda _method, _path: False
        """Whether to answer 204 without passing it on."""
        self.lose: Callable[[str, str], bool] = lambda _method, _path: False
        """Whether to pass it on and lose the answer."""
        self.refuse: Callable[[str, str], int] = lambda _method, _path: 0
        """An error's number to answer instead of passing it on, as a proxy does; 0 for none."""
        self.admit = threading.Event()
        """While it is not set, large bodies are not taken further than their first piece."""
        self.admit.set()
        self.spoil: Callable[[bytes], bytes] = lambda body: body
        """Changes what is sent."""


def _body(handler: BaseHTTPRequestHandler, knobs: Meddler) -> bytes | None:
    """What was sent; None if its sender hung up."""
    left = int(handler.headers.get("Content-Length", 0))
    body = handler.rfile.read(min(left, PIECE))
    if left > PIECE:
        knobs.admit.wait(PATIENCE)
        body += handler.rfile.read(left - PIECE)
    return body if len(body) == left else None


@contextmanager
def meddler(target: str) -> Generator[Meddler]:  # noqa: C901 - one small proxy, told in one place
    parts = urlsplit(target)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.close_connection = True
            body = _body(self, knobs)
            if body is None:
                return
            if code := knobs.refuse(self.command, self.path):
                self.send_response(code)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            knobs.before(self.command, self.path)
            if knobs.swallow(self.command, self.path):
                self.send_response(204)
                self.end_headers()
                return
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
            try:
                headers = {name: value for name, value in self.headers.items() if name != "Content-Length"}
                connection.request(self.command, self.path, knobs.spoil(body), headers)
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            if knobs.lose(self.command, self.path):
                return
            self.send_response(answer.status)
            for name in ("Content-Type", "Location"):
                if value := answer.getheader(name):
                    self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.do_GET()

        def do_PUT(self) -> None:
            self.do_GET()

        def do_DELETE(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        knobs = Meddler(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield knobs
        finally:
            knobs.admit.set()
            server.shutdown()
            thread.join()
