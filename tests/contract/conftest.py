"""Every driver behind one fixture, `bench`.

For another driver: write a context manager like `serial` that yields a `Bench`, and add it to `PRINTERS`.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from agent.printers.serial.driver import SerialDriver
from tests.contract.bench import Bench, attached
from tests.contract.moonraker import moonraker
from tests.contract.octoprint import octoprint, octoprint_next
from tests.contract.prusalink import prusalink, prusalink_built_in
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


Factory = Callable[[Path], AbstractContextManager[Bench]]
PRINTERS = [
    pytest.param(serial, id="serial"),
    pytest.param(octoprint, id="octoprint", marks=pytest.mark.octoprint),
    pytest.param(octoprint_next, id="octoprint-next", marks=pytest.mark.octoprint),
    pytest.param(moonraker, id="moonraker"),
    pytest.param(prusalink, id="prusalink", marks=pytest.mark.prusalink),
    pytest.param(prusalink_built_in, id="prusalink-built-in"),
]


@pytest.fixture(params=PRINTERS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    factory: Factory = request.param
    with factory(tmp_path) as ready:
        yield ready
