"""`python -m tests.chaos`: the fault run's command line."""

import argparse
import dataclasses
import json
import secrets
import sys
import tempfile
from pathlib import Path

from tests.chaos import faults, plants
from tests.chaos.disk import private_mounts
from tests.chaos.run import SETTLE, Chaos, Options, Result

ABOUT = """\
Real processes - a coordinator, its broker and database, agents with virtual printers - and a nemesis that kills,
freezes, cuts, delays, doubles and fills them up, from a seed. What the printers moved, and what everybody wrote
down, is then held against the rules. Exit code 1 if one was broken: the seed, and a folder with all logs, are told.
"""


def main() -> int:
    options = _parse()
    result = Chaos(options).run()
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps(dataclasses.asdict(result)) + "\n")
    else:
        sys.stdout.write(summary(result) + "\n")
    return 1 if result.violations else 0


def summary(result: Result) -> str:
    """The run for a person."""
    struck = sum(result.faults.values())
    worst = (
        f"worst {result.recovery_worst} s ({result.recovery_worst_kind}; {result.recovery_samples} measured)"
    )
    lines = [
        f"seed {result.seed}: {struck} faults of {len(result.faults)} kinds in {result.seconds:.0f} s"
        f" ({result.database}, {result.broker}, {result.agents} agents"
        + (f", planted: {result.plant})" if result.plant else ")"),
        "  " + ", ".join(f"{name} {count}" for name, count in result.faults.items()),
        f"  {result.attempts} attempts, {result.starts} started, {result.made} units made for {result.needs} needs,"
        f" {result.rulings} rulings; "
        + ", ".join(f"{count} {name}" for name, count in result.by_state.items()),
        f"  back to normal work after a fault's end: median {result.recovery_median} s, {worst}",
        f"  longest time in which nobody started anything: {result.stillest} s",
        f"  all needs met {result.settled_after} s after the last fault",
        f"  violations: {len(result.violations)}",
        *(f"    {each}" for each in result.violations[:40]),
    ]
    if result.found_after is not None:
        lines.append(
            f"  first found {result.found_after} s and {result.found_after_faults} faults after the first"
        )
    if result.kept:
        lines.append(f"  all logs: {result.kept}")
    return "\n".join(lines)


def _parse() -> Options:
    kinds = "\n".join(f"  {kind.name:20} {kind.about}" for kind in faults.KINDS)
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=ABOUT,
        epilog=f"kinds of faults:\n{kinds}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, help="what happens by chance (default: a new one, which is told)")
    parser.add_argument("--seconds", type=float, default=1150.0, help="for how long there are faults (1150)")
    parser.add_argument("--rate", type=float, default=1.0, help="faults a second, about (1)")
    parser.add_argument("--agents", type=int, default=8)
    parser.add_argument("--speed", type=float, default=400.0, help="of the virtual printers (400)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--broker", choices=("embedded", "mosquitto"), default="embedded")
    parser.add_argument("--kinds", help="only these kinds of faults, with commas between")
    parser.add_argument("--plant", choices=plants.NAMES, help="a mistake to plant, which the run must find")
    parser.add_argument("--settle", type=float, default=SETTLE, help="seconds until every need must be met")
    parser.add_argument("--directory", type=Path, help="where everything lies (default: a new folder)")
    parser.add_argument("--keep", action="store_true", help="keep that folder if nothing was wrong, too")
    parser.add_argument("--json", action="store_true", help="the result as one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    given = parser.parse_args()
    chosen = tuple(given.kinds.split(",")) if given.kinds else tuple(faults.BY_NAME)
    if unknown := set(chosen) - set(faults.BY_NAME):
        parser.error(f"no such kinds: {', '.join(sorted(unknown))}")
    directory = given.directory or Path(tempfile.mkdtemp(prefix="muster-chaos-"))
    directory.mkdir(parents=True, exist_ok=True)
    seed = secrets.randbits(32) if given.seed is None else given.seed
    if not given.quiet:
        sys.stderr.write(f"seed {seed}, all of it in {directory}\n")
    return Options(
        seed=seed,
        seconds=given.seconds,
        rate=given.rate,
        agents=given.agents,
        speed=given.speed,
        database=given.database,
        broker=given.broker,
        kinds=chosen,
        plant=given.plant,
        directory=directory,
        keep=given.keep,
        mounts=private_mounts(),
        quiet=given.quiet,
        settle=given.settle,
    )


if __name__ == "__main__":
    sys.exit(main())
