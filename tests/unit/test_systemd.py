"""The units, as systemd itself reads them."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "systemd"
AGENT = UNITS / "muster-agent.service"
COORDINATOR = UNITS / "muster-coordinator.service"
EXPOSED = 20
"""Tenths, on systemd's own scale from 0 (locked up) to 100 (wide open) in `security`'s words."""

pytestmark = pytest.mark.system


def analyze(*words: object) -> "subprocess.CompletedProcess[str]":
    if shutil.which("systemd-analyze") is None:
        missing = "systemd-analyze is not installed: sudo apt install systemd"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    command = ["systemd-analyze", *(str(word) for word in words)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


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


@pytest.mark.parametrize(
    ("unit", "command"),
    [
        (AGENT, "muster-agent --config /etc/muster/agent.toml run"),
        (COORDINATOR, "muster serve --config /etc/muster/coordinator.toml"),
    ],
)
def test_the_units_start_what_there_is(unit: Path, command: str):
    assert f"ExecStart=/usr/local/bin/{command}" in unit.read_text().splitlines()
