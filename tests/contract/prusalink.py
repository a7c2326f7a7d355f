"""The benches of the PrusaLink driver."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.http.address import Login
from agent.printers.driver import Ending
from agent.printers.prusalink.driver import PrusaLinkDriver
from tests.contract.bench import Bench, attached
from tests.farend.buddy import USER, buddy
from tests.farend.prusalink import shared


@contextmanager
def prusalink(folder: Path) -> Generator[Bench]:
    """The PrusaLink driver, a real PrusaLink, and a stand-in for the printer's board at a pty."""
    far = shared()
    with attached(lambda: PrusaLinkDriver("mk3s", far.url, far.key), far, folder) as bench:
        yield bench


@contextmanager
def prusalink_built_in(folder: Path) -> Generator[Bench]:
    """The PrusaLink driver, and a stand-in for the PrusaLink that newer printers have inside."""
    with buddy() as far:
        login = Login(USER, far.key)
        with attached(lambda: PrusaLinkDriver("mk4", far.url, login=login), far, folder) as bench:
            bench.lost_ending = Ending.DONE  # the printer has the file, and prints on unseen
            yield bench


BENCHES = [
    pytest.param(prusalink, id="prusalink", marks=pytest.mark.prusalink),
    pytest.param(prusalink_built_in, id="prusalink-built-in"),
]
