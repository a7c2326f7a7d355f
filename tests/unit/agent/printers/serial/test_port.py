"""A port whose holder was killed can be opened again, by whoever may open it at all."""

import array
import fcntl
import os
import subprocess
import sys
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.printers.driver import PrinterError
from agent.printers.serial.port import Port, is_pty

TIOCGEXCL = 0x80045440
"""Whether a terminal may not be opened again; `termios` does not name it."""
HOLDER = """
import sys
from agent.printers.serial.port import Port
port = Port(sys.argv[1], 115200)
sys.stdout.write(".")
sys.stdout.flush()
sys.stdin.read()
"""


@pytest.fixture
def near() -> Iterator[int]:
    """The near end of a pty, whose far end stays open."""
    far, near = os.openpty()
    tty.setraw(near)
    yield near
    os.close(near)
    os.close(far)


def is_shut(descriptor: int) -> bool:
    told = array.array("i", [0])
    fcntl.ioctl(descriptor, TIOCGEXCL, told)
    return bool(told[0])


def test_what_a_killed_holder_leaves_keeps_nobody_out(near: int):
    path = os.ttyname(near)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.read(1) == b"."
        with pytest.raises(PrinterError, match="in use"):
            Port(path, 115200)
        holder.kill()
    assert not is_shut(near)  # of which only root, as whom tests may run, would notice nothing
    Port(path, 115200).close()


def test_a_pty_is_told_from_a_cable(near: int):
    assert is_pty(near)
    with Path("/dev/null").open() as other:
        assert not is_pty(other.fileno())
