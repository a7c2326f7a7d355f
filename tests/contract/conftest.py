"""Every driver behind one fixture, `bench`.

For another driver: write a context manager like `serial` that yields a `Bench`, and add it to `PRINTERS`.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from agent.printers.serial import SerialDriver
from tests.contract.bench import COLD, HEAT, Bench, moves
from tests.contract.moonraker import moonraker
from tests.contract.octoprint import octoprint, octoprint_next
from tests.contract.prusalink import prusalink
from tests.farend.virtual import VirtualPrinter, end_pump


@contextmanager
def serial(folder: Path) -> Generator[Bench]:
    """The serial driver, its pump, a pty, and the virtual printer's firmware."""
    with VirtualPrinter(folder / "far", speed=60) as far:
        opened: list[SerialDriver] = []

        def attach() -> SerialDriver:
            driver = SerialDriver("mk3", str(far.port), 115200, folder / "state", top=200)
            opened.append(driver)
            return driver

        bench = Bench(
            driver=attach(),
            attach=attach,
            far=far,
            folder=folder,
            short=[*HEAT, *moves(200, 10, 6000), *COLD],
            long=[*HEAT, *moves(2000, 50, 3000), *COLD],
        )
        try:
            yield bench
        finally:
            for driver in opened:
                driver.close()
            end_pump(folder / "state")


Factory = Callable[[Path], AbstractContextManager[Bench]]
PRINTERS = [
    pytest.param(serial, id="serial"),
    pytest.param(octoprint, id="octoprint", marks=pytest.mark.octoprint),
    pytest.param(octoprint_next, id="octoprint-next", marks=pytest.mark.octoprint),
    pytest.param(moonraker, id="moonraker"),
    pytest.param(prusalink, id="prusalink", marks=pytest.mark.prusalink),
]


@pytest.fixture(params=PRINTERS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    factory: Factory = request.param
    with factory(tmp_path) as ready:
        yield ready
