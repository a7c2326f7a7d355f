"""MQTT 3.1.1 as a cable sees it: bytes into whole packets, and what can be read off them. Pure."""

from dataclasses import dataclass

CONNECT, PUBLISH = 1, 3


@dataclass(frozen=True, slots=True)
class Packet:
    """One control packet with its fixed header; `head` is where that ends."""

    data: bytes
    head: int

    @property
    def type(self) -> int:
        return self.data[0] >> 4

    @property
    def client(self) -> str:
        """The client's name in a CONNECT."""
        protocol = int.from_bytes(self.data[self.head : self.head + 2])
        start = self.head + 2 + protocol + 4
        length = int.from_bytes(self.data[start : start + 2])
        return self.data[start + 2 : start + 2 + length].decode()

    @property
    def topic(self) -> str:
        """Where a PUBLISH goes."""
        length = int.from_bytes(self.data[self.head : self.head + 2])
        return self.data[self.head + 2 : self.head + 2 + length].decode()

    def at_most_once(self) -> bytes:
        """A PUBLISH without its number, to be said again where the old one means nothing. Never retained."""
        if not self.data[0] & 0x06:
            return bytes([PUBLISH << 4]) + self.data[1:]
        body = self.data[self.head :]
        topic = 2 + int.from_bytes(body[:2])
        body = body[:topic] + body[topic + 2 :]
        return bytes([PUBLISH << 4]) + _length(len(body)) + body


class Splitter:
    """Cuts a stream into packets, however it comes."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Packet]:
        self._rest += data
        found: list[Packet] = []
        while (packet := self._first()) is not None:
            found.append(packet)
            self._rest = self._rest[len(packet.data) :]
        return found

    def _first(self) -> Packet | None:
        length = 0
        for index in range(1, min(5, len(self._rest))):
            byte = self._rest[index]
            length |= (byte & 0x7F) << (7 * (index - 1))
            if byte < 0x80:
                end = index + 1 + length
                return Packet(self._rest[:end], index + 1) if len(self._rest) >= end else None
        return None


def _length(number: int) -> bytes:
    out = bytearray()
    while True:
        number, digit = divmod(number, 128)
        out.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(out)
