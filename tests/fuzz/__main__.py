"""`python -m tests.fuzz`: long chance against the gate. First hypothesis, then atheris, guided by coverage."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.corpus import every

ROOT = Path(__file__).parents[2]
ATHERIS = Path(os.environ.get("MUSTER_ENVIRONMENTS", ROOT)) / ".venv-fuzz" / "bin" / "python"
PROPERTIES = ("tests/property/test_gcode_harm.py", "tests/property/test_gcode_gate.py")
RUNS = 10_000_000
LONGEST = 64
"""Bytes of chance an input; some ten lines of G-code."""
HANG = 60
"""Seconds after which an input counts as hung: of the wall clock, so that a busy machine hangs nothing."""
MEMORY = 1024
"""MB."""
PROGRESS = re.compile(r"FUZZ inputs=(\d+) accepted=(\d+) slowest=([\d.]+) seconds=(\d+)")
DONE = re.compile(r"Done (\d+) runs in (\d+) second")


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help=f"inputs for atheris (default: {RUNS:,})")
    parser.add_argument("--seed", type=int, default=0, help="of atheris (default: another each time)")
    parser.add_argument("--only", choices=("hypothesis", "atheris"), help="one of the two")
    parser.add_argument("--keep", type=Path, help="a folder for what was found (default: the current one)")
    options = parser.parse_args(argv)
    sound = True
    if options.only != "atheris":
        sound = _hypothesis()
    if options.only != "hypothesis":
        sound = _atheris(options.runs, options.seed, options.keep or Path.cwd()) and sound
    _say("nothing was found" if sound else "something was found: see above")
    return 0 if sound else 1


def _hypothesis() -> bool:
    _say("hypothesis: 5,000 cases of each property")
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=7200", *PROPERTIES],
        cwd=ROOT,
        env={**os.environ, "HYPOTHESIS_PROFILE": "long"},
        check=False,
    )
    _say(f"hypothesis: {'sound' if done.returncode == 0 else 'FAILED'}, {time.monotonic() - began:.0f} s")
    return done.returncode == 0


def _atheris(runs: int, seed: int, keep: Path) -> bool:
    if not ATHERIS.exists():
        _say(f"atheris is not set up ({ATHERIS} is not there): make setup-fuzz")
        return False
    keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="muster-fuzz-") as folder:
        seeds = Path(folder)
        for n, case in enumerate(every()):
            if len(case.data) < 2 * LONGEST:
                (seeds / str(n)).write_bytes(b"\0" + case.data)
        command = [
            *(str(ATHERIS), "-m", "tests.fuzz.coverage", folder),
            *(f"-runs={runs}", f"-max_len={LONGEST}", f"-timeout={HANG}", f"-rss_limit_mb={MEMORY}"),
            *(f"-seed={seed}", f"-artifact_prefix={keep.absolute()}/fuzz-", "-print_final_stats=1"),
        ]
        _say(f"atheris: {runs:,} inputs")
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as fuzzer:
            try:
                last = _follow(fuzzer, runs)
            finally:
                fuzzer.terminate()
        inputs, accepted, slowest, seconds = last
        _say(
            f"atheris: {inputs:,} inputs, {accepted:,} of them accepted, in {seconds} s; the slowest took {slowest} s;"
            f" {'no crash, no hang, no harm' if fuzzer.returncode == 0 else f'FAILED ({fuzzer.returncode})'}"
        )
        return fuzzer.returncode == 0


def _follow(fuzzer: "subprocess.Popen[str]", runs: int) -> tuple[int, int, str, str]:
    """Tell how far it is, and whatever it says that is not its own chatter."""
    inputs, accepted, slowest, seconds = 0, 0, "0", "0"
    assert fuzzer.stdout
    for line in fuzzer.stdout:
        if found := PROGRESS.match(line):
            inputs, accepted, slowest, seconds = int(found[1]), int(found[2]), found[3], found[4]
            _say(f"  {inputs / runs:6.1%}  {inputs:>12,} inputs  {accepted:>12,} accepted  {seconds:>7} s")
        elif found := DONE.match(line):
            inputs = int(found[1])
        elif not line.startswith(
            ("#", "INFO:", "\t", "stat::", "Running", "WARNING: Failed to find", '"', "/tmp")
        ):
            _say(f"  {line.rstrip()}")
    fuzzer.wait()
    return inputs, accepted, slowest, seconds


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        _say("stopped: nothing was found so far")
        sys.exit(130)
