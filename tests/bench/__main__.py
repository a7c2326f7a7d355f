"""`python -m tests.bench [NAME…]`: measures what is aimed at, all of it or what is named."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

from rich.console import Console

from coordinator.client import CoordinatorUnavailable, RequestRefused
from coordinator.errors import StartError
from tests.bench import demo, drawing, enrolment, gate, load, memory, need
from tests.bench.figures import Failed, Figure, Outcome, Skipped, as_json, machine, show

BENCHES: dict[str, Callable[..., list[Figure]]] = {
    "need": need.run,
    "memory": memory.run,
    "demo": demo.run,
    "drawing": drawing.run,
    "gate": gate.run,
    "load": load.run,
    "enrolment": enrolment.run,
}

WIDTH = 110
"""Of the table, where no terminal has one."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 if all could be measured, whether or not the aims were met; 1 if not, 130 on Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("benches", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; all by default")
    parser.add_argument("--json", action="store_true", help="one JSON object with every value")
    parser.add_argument("--quick", action="store_true", help="fewer repeats, and no demo")
    options = parser.parse_args(argv)
    if unknown := set(options.benches) - BENCHES.keys():
        parser.error(f"no bench is called {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    console, aside = Console(), Console(stderr=True)
    if not console.is_terminal:
        console.width = WIDTH
    on, outcomes, code = machine(), list[Outcome](), 0
    try:
        for name in options.benches or BENCHES:
            aside.print(f"measuring {name} …", style="dim")
            try:
                outcomes.append(Outcome(name, BENCHES[name](quick=options.quick)))
            except Skipped as why:
                outcomes.append(Outcome(name, missing=f"skipped, {why}"))
            except (Failed, RequestRefused, StartError, CoordinatorUnavailable) as error:
                outcomes.append(Outcome(name, missing=f"failed, {error}"))
                code = 1
    except KeyboardInterrupt:
        aside.print("ended; nothing is left running")
        return 130
    if options.json:
        sys.stdout.write(as_json(outcomes, on) + os.linesep)
    else:
        show(outcomes, on, console)
    return code


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End all that was started, and let no second signal break into that."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
