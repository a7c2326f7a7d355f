"""`python -m tests.fuzz.coverage`: chance, guided by which lines of the gate it reaches. Needs atheris.

What it is told goes to libFuzzer (`-runs=…`, `-max_len=…`, a folder of seeds).
"""

import importlib
import sys
import time
from typing import Any

atheris: Any = importlib.import_module("atheris")

with atheris.instrument_imports(include=["gcode"]):
    from tests.fuzz import differential

from tests.fuzz import grammar  # noqa: E402  the gate's modules must come first

MACHINES = list(differential.MACHINES.values())
EVERY = 50_000
"""Inputs between two words about how far it is."""


class _Count:
    inputs = 0
    accepted = 0
    slowest = 0.0
    began = time.monotonic()


def one(data: bytes) -> None:
    """One input: no crash, no harm, no long wait."""
    began = time.monotonic()
    profile, plastic = MACHINES[data[0] // 8 % len(MACHINES)] if data else MACHINES[0]
    verdict = differential.hold(grammar.file(data), profile, plastic)
    _Count.inputs += 1
    _Count.accepted += verdict.accepted
    _Count.slowest = max(_Count.slowest, time.monotonic() - began)
    if _Count.inputs % EVERY == 0:
        sys.stdout.write(
            f"FUZZ inputs={_Count.inputs} accepted={_Count.accepted} slowest={_Count.slowest:.3f}"
            f" seconds={time.monotonic() - _Count.began:.0f}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
