"""`python -m tests.bench.serial`: all hosts in one run, and the aims beside what came out."""

# ruff: noqa: T201 - a program that talks to people

import argparse
import json
import os
import sys
import time

import msgspec

from tests.bench.serial import report
from tests.bench.serial.scenes import FULL, QUICK, play, theories
from tests.bench.serial.sides import SIDES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.serial", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run of each, on less; two minutes")
    parser.add_argument("--json", action="store_true", help="every trial as JSON, for programs")
    options = parser.parse_args()
    for side in SIDES:
        if not side.is_there:
            print(f"{side.name} is left out: {side.python} is not there", file=sys.stderr)
    began, load = time.monotonic(), os.getloadavg()[0]
    scale = QUICK if options.quick else FULL
    results = play(scale)
    if options.json:
        rows = [
            {"scene": result.scene, "host": result.side.name, "ideal": result.ideal, "trials": result.trials}
            for result in results.values()
        ]
        print(json.dumps(msgspec.to_builtins(rows)))
        return 0
    print(report.table(results))
    print()
    for aim, seen, is_met in report.aims(results):
        print(f"{'–' if is_met is None else 'met' if is_met else 'MISSED':7}{aim:50} {seen}")
    print()
    print(report.rules(theories(scale)))
    print(
        f"\n{time.monotonic() - began:.0f} s; the load before was {load:.1f} on {os.cpu_count()} processors"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
