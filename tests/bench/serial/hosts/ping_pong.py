"""One line, one ok, by pyserial's readline: the loop that most scripts have; with the resend that few have."""

import re
import sys
from pathlib import Path

import serial

from tests.bench.serial.hosts.meter import Meter


def main(port: str, baud: int, path: str) -> None:
    cable = serial.Serial(port, baud, timeout=2)
    cable.write(b"M110 N0\n")
    while not cable.readline().startswith(b"ok"):
        pass
    meter = Meter()
    with Path(path).open("rb") as stream:
        lines = stream.read().splitlines()
    number = 1
    while number <= len(lines):
        numbered = b"N%d %b" % (number, lines[number - 1])
        total = 0
        for byte in numbered:
            total ^= byte
        cable.write(b"%b*%d\n" % (numbered, total))
        wanted = None
        while True:
            answer = cable.readline()
            if not answer:
                if not lines[number - 1].startswith((b"M109", b"M190", b"G28", b"M400")):
                    cable.write(b"M105\n")  # an ok was lost: any further one will do
                continue
            asked = re.match(rb"Resend: ?(\d+)", answer)
            if asked:
                wanted = int(asked[1])
            elif answer.startswith(b"ok"):
                break
        number = number + 1 if wanted is None else min(wanted, number)
    meter.tell()


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
