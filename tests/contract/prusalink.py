"""The bench of the PrusaLink driver."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from agent.printers.prusalink import PrusaLinkDriver
from tests.contract.bench import COLD, HEAT, Bench, moves
from tests.farend.prusalink import shared


@contextmanager
def prusalink(folder: Path) -> Generator[Bench]:
    """The PrusaLink driver, a real PrusaLink, and a stand-in for the printer's board at a pty."""
    far = shared()

    def attach() -> PrusaLinkDriver:
        return PrusaLinkDriver("mk3s", far.url, far.key)

    yield Bench(
        driver=attach(),
        attach=attach,
        far=far,
        folder=folder,
        short=[*HEAT, *moves(200, 10, 6000), *COLD],
        long=[*HEAT, *moves(2000, 50, 3000), *COLD],
    )
