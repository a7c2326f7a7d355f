"""The bench of the toy kind, which is in the catalogue only in a process of its own; see tests/toykind."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.contract.bench import Bench, attached
from tests.farend.imposter import answering
from tests.toykind.driver import ToyDriver

ANSWERS = {
    "/toy": (200, {}, b'{"toy": "3.1"}'),
    "/toy/heat": (200, {}, b'{"nozzle": 21.0}'),
}


class ToyFarEnd:
    """It prints nothing, so nothing happens to it."""

    def overheat(self) -> None: ...

    restart = unplug = plug = overheat

    def begin(self, lines: list[str]) -> None: ...

    def executed(self) -> None:
        return None


@contextmanager
def toy(folder: Path) -> Generator[Bench]:
    """The toy driver, and a server that answers for it."""
    with answering(ANSWERS) as url, attached(lambda: ToyDriver(url), ToyFarEnd(), folder) as bench:
        yield bench


BENCHES = [pytest.param(toy, id="toy")]
