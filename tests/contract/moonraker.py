"""The bench of the Moonraker driver."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.printers.moonraker.driver import MoonrakerDriver
from tests.contract.bench import Bench, attached
from tests.farend.moonraker import shared


@contextmanager
def moonraker(folder: Path) -> Generator[Bench]:
    """The Moonraker driver, a real Moonraker, and a stand-in for Klipper behind it."""
    far = shared()
    with attached(lambda: MoonrakerDriver("voron", far.url, far.key), far, folder) as bench:
        yield bench


BENCHES = [pytest.param(moonraker, id="moonraker")]
