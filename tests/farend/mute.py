"""A broker that lets everybody in, answers every ping, and acknowledges no message, ever."""

import socketserver
import threading
from collections.abc import Generator
from contextlib import contextmanager


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while first := self.rfile.read(1):
            length = shift = 0
            while True:
                (byte,) = self.rfile.read(1)
                length |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            body = self.rfile.read(length)
            match first[0] & 0xF0:
                case 0x10:  # CONNECT
                    self.wfile.write(b"\x20\x02\x00\x00")
                case 0x80:  # SUBSCRIBE, to three topics
                    self.wfile.write(b"\x90\x05" + body[:2] + b"\x01\x01\x01")
                case 0xC0:  # PINGREQ
                    self.wfile.write(b"\xd0\x00")
                case _:
                    pass


@contextmanager
def mute() -> Generator[int]:
    """Its port; it ends with the block."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
