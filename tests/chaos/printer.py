"""A virtual printer whose log says when: `python -m tests.chaos.printer --link FILE --log FILE --speed N`."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from agent.printers.virtual.faults import Faults
from agent.printers.virtual.firmware import Firmware
from agent.printers.virtual.printer import QUIET, VirtualPrinter
from agent.printers.virtual.profile import PROFILES

MOTION = frozenset({"G0", "G1", "G2", "G3", "G28", "G29"})
"""What turns a motor. All else a printer executes is left out of the log."""
BORN = "BORN"
"""Stands in the log where the board was switched on: it does not know where its head is."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.printer")
    parser.add_argument("--link", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--speed", type=float, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    log = os.open(options.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    os.write(log, f"{time.monotonic():.4f} {BORN}\n".encode())

    def note(line: str) -> None:
        if line.split(maxsplit=1)[0] in MOTION:
            os.write(log, f"{time.monotonic():.4f} {line}\n".encode())

    profile = PROFILES["marlin2"]
    firmware = Firmware(
        Faults([], options.seed), note, profile=profile, quiet=QUIET * options.speed, seed=options.seed
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    options.link.unlink(missing_ok=True)
    VirtualPrinter(firmware, options.link, options.speed, steered=False, log=None).serve()


if __name__ == "__main__":
    main()
