"""A fault in a print, over a real pty and through a real pump: a thin copy of the matrix in test_fault_matrix.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.printers.driver import Condition, Ending, Status
from tests.farend.virtual import VirtualPrinter, end_pumps
from tests.unit.agent.printers.serial.test_driver import bench_on
from tests.unit.agent.printers.serial.test_fault_matrix import SENTENCE


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    end_pumps(tmp_path / "state")


def is_over(status: Status) -> bool:
    return status.ending is not None


FAILED, CANCELLED = Ending.FAILED, Ending.CANCELLED


@pytest.mark.parametrize(
    ("fault", "ending", "after"),
    [
        ("mintemp", FAILED, Condition.FAULT),
        ("runaway", FAILED, Condition.FAULT),
        ("rise", FAILED, Condition.FAULT),
        ("restart", FAILED, Condition.IDLE),
        ("unplug", FAILED, Condition.UNREACHABLE),
        ("cancel", CANCELLED, Condition.IDLE),
        ("lose-line", CANCELLED, Condition.IDLE),
        ("lose-ok", CANCELLED, Condition.IDLE),
        ("garbage", CANCELLED, Condition.IDLE),
    ],
)
def test_a_fault_ends_a_print_in_words_or_is_lived_with(
    tmp_path: Path, state: Path, fault: str, ending: Ending, after: Condition
):
    with VirtualPrinter(tmp_path / "far", 60) as far:
        bench = bench_on(far, tmp_path)
        bench.start(bench.long)
        bench.wait(lambda status: status.progress > 0.01)
        far.order(fault)
        if ending is CANCELLED and fault != "cancel":
            bench.driver.cancel()
        status = bench.wait(is_over)
        assert status.ending is ending
        assert ending is CANCELLED or SENTENCE.match(status.why)
        moved = far.executed()
        bench.wait_for(after)
        if ending is CANCELLED:
            assert far.executed() == moved
        bench.driver.close()
