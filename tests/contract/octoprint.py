"""The benches of the OctoPrint driver."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.printers.octoprint.driver import OctoPrintDriver
from tests.contract.bench import COLD, HEAT, Bench, attached, moves
from tests.farend.octoprint import shared


@contextmanager
def octoprint(folder: Path, generation: str = "1.11") -> Generator[Bench]:
    """The OctoPrint driver, octorest, and a real OctoPrint with its virtual printer."""
    far = shared(generation)

    def attach() -> OctoPrintDriver:
        return OctoPrintDriver("mk3", far.url, far.key, folder / "note.json")

    with attached(attach, far, folder, long=[*HEAT, *moves(1500, 50, 600), *COLD]) as bench:
        yield bench


@contextmanager
def octoprint_next(folder: Path) -> Generator[Bench]:
    """The same with the next OctoPrint."""
    with octoprint(folder, "2.0") as bench:
        yield bench


BENCHES = [
    pytest.param(octoprint, id="octoprint", marks=pytest.mark.octoprint),
    pytest.param(octoprint_next, id="octoprint-next", marks=pytest.mark.octoprint),
]
