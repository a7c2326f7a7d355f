"""Another kind of printer is one folder and one record: commands, search, setup and the contract know it by that."""

import subprocess
import sys
from pathlib import Path

from tests.farend.agent import environment

ROOT = Path(__file__).parents[4]
CONTRACT = "tests/contract/test_driver.py"


def test_a_kind_of_printer_is_known_everywhere_by_its_folder_and_its_record():
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "tests.toykind.plugin", "-p", "no:cacheprovider"),
            "tests/toykind/cases.py",
            f"{CONTRACT}::test_a_printer_that_does_nothing_is_idle[toy]",
            f"{CONTRACT}::test_orders_to_a_printer_without_a_print_are_refused",
            *("-k", "toy"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment(),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 11 passed" in f" {done.stdout.splitlines()[-1]}", done.stdout
