"""The units, as systemd itself reads them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.farend.shared import missing
from tests.waiting import PATIENCE

UNITS = Path(__file__).parents[2] / "systemd"
AGENT = UNITS / "muster-agent.service"
COORDINATOR = UNITS / "muster-coordinator.service"
EXPOSED = 20
"""Tenths, on systemd's own scale from 0 (locked up) to 100 (wide open) in `security`'s words."""

pytestmark = pytest.mark.system


def analyze(*words: object) -> "subprocess.CompletedProcess[str]":
    if shutil.which("systemd-analyze") is None:
        missing("systemd-analyze is not installed: sudo apt install systemd")
    command = ["systemd-analyze", *(str(word) for word in words)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)


@pytest.fixture(params=[AGENT, COORDINATOR], ids=lambda unit: unit.stem)
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The unit with a program that this machine has: `verify` looks for it."""
    unit: Path = request.param
    text, count = re.subn(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text())
    assert count == 1
    copy = tmp_path / unit.name
    copy.write_text(text)
    return copy


def test_systemd_has_nothing_to_complain_of(installed: Path):
    done = analyze("verify", "--man=no", installed)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_mistake_would_be_complained_of(installed: Path):
    installed.write_text(installed.read_text().replace("ProtectSystem=", "ProtectSytem="))
    assert "ProtectSytem" in analyze("verify", "--man=no", installed).stderr


def test_little_is_exposed(installed: Path):
    done = analyze("security", "--offline=yes", f"--threshold={EXPOSED}", "--no-pager", installed)
    assert done.returncode == 0, done.stdout[-300:]


def test_the_agent_keeps_its_serial_ports_and_its_pumps():
    lines = AGENT.read_text().splitlines()
    for needed in ("SupplementaryGroups=dialout", "DeviceAllow=char-ttyUSB rw", "DeviceAllow=char-ttyACM rw"):
        assert needed in lines
    assert "KillMode=process" in lines
    assert not [line for line in lines if line.startswith("PrivateDevices")]


def filtered(unit: Path) -> set[str]:
    """The system calls that a unit leaves, read as systemd does: line by line, a `~` takes away."""
    left: set[str] = set()
    for line in unit.read_text().splitlines():
        if line.startswith("SystemCallFilter="):
            words = line.partition("=")[2]
            named = set().union(*(calls(word) for word in words.removeprefix("~").split()))
            left = left - named if words.startswith("~") else left | named
    return left


def calls(word: str) -> set[str]:
    if not word.startswith("@"):
        return {word}
    listed = [
        line.split()[0] for line in analyze("syscall-filter", word).stdout.splitlines()[1:] if line.strip()
    ]
    return set().union(*(calls(each) for each in listed if not each.startswith("#")))


EACH_NEEDS = {
    "execve",
    "clone3",
    "wait4",
    "prlimit64",
    "mmap",
    "mprotect",
    "connect",
    "fsync",
    "renameat2",
    "flock",
}


@pytest.mark.parametrize(
    ("unit", "needed"),
    [
        # The pump: poll, ioctl for the port. The drawing: its bounds (prlimit64), and a step back (setpriority).
        (AGENT, EACH_NEEDS | {"poll", "ioctl", "setsid", "setpriority"}),
        # argon2 works with threads; the broker is a child; a client of PostgreSQL.
        (COORDINATOR, EACH_NEEDS | {"futex", "epoll_wait", "accept4", "getrandom", "sendto"}),
    ],
    ids=("agent", "coordinator"),
)
def test_what_the_programs_call_is_left_to_them_and_little_else(unit: Path, needed: set[str]):
    left = filtered(unit)
    assert needed - left == set()
    for never in (
        "mount",
        "setuid",
        "chroot",
        "bpf",
        "init_module",
        "ptrace",
        "sched_setscheduler",
        "setrlimit",
    ):
        assert never not in left


CONFINED = """
import ctypes, os, sys
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1
if ctypes.CDLL(None).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0):
    sys.exit(77)  # a kernel before 6.3
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
"""Does to a program what `MemoryDenyWriteExecute` does: no memory that is writable becomes executable."""
WORKS = """
import mmap
try:
    mmap.mmap(-1, 4096, prot=7)
except PermissionError:
    pass
else:
    raise SystemExit("nothing is confined")
import psycopg, pyclipper, sqlalchemy, uvicorn, zeroconf
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from coordinator.people import passwords
assert passwords.matches(passwords.keep("seven printers hum"), "seven printers hum")
Ed25519PrivateKey.generate().sign(b"x")
"""


def test_what_is_compiled_works_without_memory_that_is_writable_and_executable():
    done = subprocess.run(
        [sys.executable, "-c", CONFINED, "-c", WORKS], check=False, capture_output=True, text=True
    )
    if done.returncode == 77:
        pytest.skip("this kernel can't confine a process so")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("unit", "command"),
    [
        (AGENT, "muster-agent --config /etc/muster/agent.toml run"),
        (COORDINATOR, "muster serve --config /etc/muster/coordinator.toml"),
    ],
)
def test_the_units_start_what_there_is(unit: Path, command: str):
    assert f"ExecStart=/usr/local/bin/{command}" in unit.read_text().splitlines()
