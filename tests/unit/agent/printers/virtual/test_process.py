"""The virtual printer as a process: what it can be asked, and what it says to a real host."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.printers.driver import Ending
from agent.printers.serial.driver import SerialDriver
from agent.printers.virtual import main
from agent.printers.virtual.faults import KNOBS
from agent.printers.virtual.profile import PROFILES
from tests.contract.bench import COLD, HEAT, Bench, motion, moves
from tests.farend.virtual import VirtualPrinter, end_pumps


def test_help_teaches_every_profile_and_every_fault(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for name in (*PROFILES, *KNOBS):
        assert re.search(rf"^  {name} ", text, re.MULTILINE), name


@pytest.mark.parametrize(
    "wrong",
    [
        ["--fault", "dance"],
        ["--speed", "0"],
        ["--speed", "2000"],
        ["--profile", "klipper"],
        ["--script", "/no"],
        ["--link", "/no/where"],
        ["--log", "/no/where"],
        ["--fault", "loose-ok:3"],
    ],
)
def test_what_makes_no_sense_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(wrong) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith("muster-agent virtual-printer: ")


def test_a_script_of_faults_is_read(tmp_path: Path):
    script = tmp_path / "faults"
    script.write_text("# what happens\nlose-ok@1   # at once\n\nrestart@2\n")
    with VirtualPrinter(tmp_path / "far", 1, "--script", str(script)) as far:
        port = os.open(far.port, os.O_RDWR | os.O_NOCTTY)
        subprocess.run(["stty", "-F", str(far.port), "raw", "-echo"], check=True)
        os.write(port, b"G21\nG21\n")
        said = b""
        while b"Last Updated" not in said:
            said += os.read(port, 1000)
        assert said.startswith(b"start")
        os.close(port)


def test_a_printer_that_is_ended_leaves_no_link(tmp_path: Path):
    with VirtualPrinter(tmp_path / "far", 1) as far:
        assert far.port.is_symlink()
    assert not far.port.is_symlink()


def test_a_print_at_the_highest_speed_is_as_right_as_any(tmp_path: Path):
    with VirtualPrinter(tmp_path / "far", 1000) as far:
        driver = SerialDriver("mk3", str(far.port), 115200, tmp_path / "state", top=200)
        plate = [*HEAT, *moves(300, 10, 6000), *COLD]
        bench = Bench(driver, lambda: driver, far, tmp_path, plate, plate)
        try:
            for attempt in ("one", "two"):
                bench.start(plate, attempt)
                status = bench.wait(lambda status: status.ending is not None)
                assert (status.ending, status.why) == (Ending.DONE, "")
            assert far.executed() == motion(plate) * 2
        finally:
            driver.close()
            end_pumps(tmp_path / "state")


def test_it_runs_from_the_command_line():
    shown = subprocess.run(
        [sys.executable, "-m", "agent", "virtual-printer", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "ender-clone" in shown.stdout
