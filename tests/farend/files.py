"""A web server for the agent's tests that can break off, answer wrongly, and tell what it was asked."""

import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Server:
    """`files` by path; `breaks` are how many bytes each coming answer sends before the connection is cut."""

    port: int = 0
    scheme: str = "http"
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    breaks: list[int] = field(default_factory=list[int])
    statuses: list[int] = field(default_factory=list[int])
    """What the coming answers are instead of the file."""
    ranges: bool = True
    asked: list[str | None] = field(default_factory=list[str | None])
    """The Range header of each request for a file."""
    post: Callable[[str, bytes], tuple[int, bytes]] = lambda path, body: (404, b"")

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def serve(self, path: str, data: bytes) -> str:
        self.files[path] = data
        return self.url + path


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Generator[Server]:
    """A server that ends with the block."""
    state = Server(scheme="https" if tls else "http")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.headers["Range"])
            data = state.files.get(self.path)
            status = state.statuses.pop(0) if state.statuses else 200
            if data is None or status != 200:
                self.send_response(404 if data is None else status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            asked = self.headers["Range"]
            begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and state.ranges else 0
            if begin >= len(data) and begin:
                self.send_error(416)
                return
            self.send_response(206 if asked and state.ranges else 200)
            self.send_header("Content-Length", str(len(data) - begin))
            if asked and state.ranges:
                self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
            self.end_headers()
            end = begin + state.breaks.pop(0) if state.breaks else len(data)
            self.wfile.write(data[begin:end])
            self.close_connection = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = state.post(self.path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object, **__: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        state.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
