"""127 unacknowledged bytes and not one more; no resend, no fence: what Python can do at most."""

import os
import sys
import termios
import tty
from collections import deque
from pathlib import Path

from tests.bench.serial.hosts.meter import Meter

WINDOW = 127


def main(port: str, path: str) -> None:
    descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(descriptor, termios.TCSANOW)
    os.write(descriptor, b"M110 N0\n")
    while b"ok" not in os.read(descriptor, 4096):
        pass
    meter = Meter()
    flight: deque[int] = deque()
    held = number = 0
    heard = b""
    with Path(path).open("rb") as lines:
        line = next(lines, b"")
        while line or flight:
            out: list[bytes] = []
            while line:
                number += 1
                numbered = b"N%d %b" % (number, line.rstrip())
                total = int.from_bytes(numbered, "little")
                for bits in (512, 256, 128, 64, 32, 16, 8):
                    total ^= total >> bits
                framed = b"%b*%d\n" % (numbered, total & 255)
                if flight and held + len(framed) > WINDOW:
                    number -= 1
                    break
                out.append(framed)
                flight.append(len(framed))
                held += len(framed)
                line = next(lines, b"")
            if out:
                os.write(descriptor, b"".join(out))
            heard += os.read(descriptor, 65536)
            for _ in range(min(len(flight), heard.count(b"ok"))):
                held -= flight.popleft()
            heard = heard[-1:] if heard[-1:] == b"o" else b""
    meter.tell()
    os.close(descriptor)


main(sys.argv[1], sys.argv[3])
