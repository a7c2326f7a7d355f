"""Every driver behind one fixture, `bench`.

Each kind of printer in the catalogue has a module here that is called like the kind: in its `BENCHES` is a context
manager for each far end against which the driver is held.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from agent.printers.catalogue import KINDS
from tests.contract.bench import Bench

Factory = Callable[[Path], AbstractContextManager[Bench]]
BENCHES: list[Any] = [
    bench for kind in KINDS for bench in import_module(f"tests.contract.{kind.name}").BENCHES
]


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    factory: Factory = request.param
    with factory(tmp_path) as ready:
        yield ready
