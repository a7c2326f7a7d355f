"""The bench of the serial driver."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.printers.serial.driver import SerialDriver
from tests.contract.bench import Bench, attached
from tests.farend.virtual import VirtualPrinter, end_pumps


@contextmanager
def serial(folder: Path) -> Generator[Bench]:
    """The serial driver, its pump, a pty, and the virtual printer's firmware."""
    with VirtualPrinter(folder / "far", speed=60) as far:

        def attach() -> SerialDriver:
            return SerialDriver("mk3", str(far.port), 115200, folder / "state", top=200)

        try:
            with attached(attach, far, folder) as bench:
                yield bench
        finally:
            end_pumps(folder / "state")


BENCHES = [pytest.param(serial, id="serial")]
