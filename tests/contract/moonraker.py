"""The bench of the Moonraker driver."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from agent.printers.moonraker import MoonrakerDriver
from tests.contract.bench import COLD, HEAT, Bench, moves
from tests.farend.moonraker import shared


@contextmanager
def moonraker(folder: Path) -> Generator[Bench]:
    """The Moonraker driver, a real Moonraker, and a stand-in for Klipper behind it."""
    far = shared()

    def attach() -> MoonrakerDriver:
        return MoonrakerDriver("voron", far.url, far.key)

    yield Bench(
        driver=attach(),
        attach=attach,
        far=far,
        folder=folder,
        short=[*HEAT, *moves(200, 10, 6000), *COLD],
        long=[*HEAT, *moves(2000, 50, 3000), *COLD],
    )
