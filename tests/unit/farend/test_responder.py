"""The responder says one ok to every line, however the lines come, and times a file by its marks."""

import os
from pathlib import Path

from tests.farend.responder import Responder
from tests.waiting import PATIENCE


def read(host: int, lines: int) -> list[bytes]:
    said = b""
    while said.count(b"\n") < lines:
        said += os.read(host, 65536)
    return said.splitlines()


def test_every_line_gets_its_ok(tmp_path: Path):
    with Responder(tmp_path) as far:
        host = os.open(far.port, os.O_RDWR | os.O_NOCTTY)
        os.write(host, b"N1 G1 X1*96\nN2 G1")
        assert read(host, 1) == [b"ok"]
        os.write(host, b" X2*96\nN3 M105*38\nG1 X3\n")
        assert [line[:5] for line in read(host, 3)] == [b"ok", b"ok T:", b"ok"]
        os.write(host, b"M75\n" + b"G1 X1\n" * 50 + b"M77\n")
        read(host, 52)
        seen = far.wait(PATIENCE)
        assert seen is not None
        assert seen.seconds < 5
        os.close(host)
