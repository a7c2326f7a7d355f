"""A client with an agent's own credentials that keeps to no rule: MQTT 3.1.1 by hand, over a bare socket."""

import contextlib
import socket
import ssl
import struct
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tests.waiting import PATIENCE

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP = 1, 2, 3, 4, 8, 9, 12, 13


def length(count: int) -> bytes:
    """MQTT's remaining length."""
    out = bytearray()
    while True:
        count, digit = divmod(count, 128)
        out.append(digit | (0x80 if count else 0))
        if not count:
            return bytes(out)


def word(data: bytes | str) -> bytes:
    """A length and so many bytes, whatever they are."""
    raw = data.encode() if isinstance(data, str) else data
    return struct.pack("!H", len(raw)) + raw


def packet(kind: int, body: bytes, flags: int = 0) -> bytes:
    return bytes([kind << 4 | flags]) + length(len(body)) + body


def connect(
    name: bytes | str, *, will: tuple[str, bytes] | None = None, level: int = 4, flags: int = 2
) -> bytes:
    """A CONNECT; `will` is (topic, data), retained and with QoS 1."""
    body = word("MQTT") + bytes([level, flags | (0x2C if will else 0)]) + struct.pack("!H", 60) + word(name)
    if will:
        body += word(will[0]) + word(will[1])
    return packet(CONNECT, body)


def publish(topic: bytes | str, data: bytes, *, qos: int = 1, retain: bool = False, number: int = 1) -> bytes:
    body = word(topic) + (struct.pack("!H", number) if qos else b"") + data
    return packet(PUBLISH, body, qos << 1 | retain)


def subscribe(filters: Sequence[bytes | str], number: int = 1, qos: int = 1) -> bytes:
    return packet(
        SUBSCRIBE, struct.pack("!H", number) + b"".join(word(each) + bytes([qos]) for each in filters), 2
    )


class Line:
    """A socket to a broker. `credentials` is a file with key and certificate, for `mqtts`."""

    def __init__(self, url: str, ca: str = "", credentials: Path | None = None) -> None:
        where = urlsplit(url)
        assert where.hostname
        assert where.port
        line = socket.create_connection((where.hostname, where.port), PATIENCE)
        self._socket: socket.socket = line
        if where.scheme == "mqtts":
            context = ssl.create_default_context(cadata=ca)
            if credentials is not None:
                context.load_cert_chain(credentials)
            self._socket = context.wrap_socket(line, server_hostname=where.hostname)
        self._buffer = b""

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def say(self, data: bytes) -> bool:
        """Send; False once the broker has had enough."""
        try:
            self._socket.sendall(data)
        except OSError:
            return False
        return True

    def hear(self, seconds: float = PATIENCE) -> tuple[int, bytes] | None:
        """The next packet as (kind, body); None if none comes, or the broker has hung up."""
        self._socket.settimeout(seconds)
        try:
            head = self._take(1)
            count, shift = 0, 0
            while True:
                [digit] = self._take(1)
                count |= (digit & 0x7F) << shift
                shift += 7
                if not digit & 0x80:
                    return head[0] >> 4, self._take(count)
        except OSError:
            return None

    def until(self, kind: int, seconds: float = PATIENCE) -> list[tuple[int, bytes]] | None:
        """What comes before the next packet of this kind; None if that does not come."""
        before: list[tuple[int, bytes]] = []
        while (heard := self.hear(seconds)) is not None:
            if heard[0] == kind:
                return before
            before.append(heard)
        return None

    def ping(self) -> list[tuple[int, bytes]] | None:
        """What has come until the broker answers a ping: all before was handled. None if we are cut off."""
        return self.until(PINGRESP) if self.say(packet(PINGREQ, b"")) else None

    def is_over(self, seconds: float) -> bool:
        """Whether the broker hangs up within so many seconds."""
        self._socket.settimeout(seconds)
        try:
            while self._socket.recv(4096):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    def cut(self) -> None:
        """Gone without a word."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            if not (more := self._socket.recv(65536)):
                raise ConnectionResetError
            self._buffer += more
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken
