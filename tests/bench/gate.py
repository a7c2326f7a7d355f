"""How fast the gate judges, and how little it holds, beside Printrun's compiled parser on the same file."""

import os
import subprocess
import sys
import tempfile
from math import cos, pi, sin
from pathlib import Path

import msgspec

from tests.bench.figures import Failed, Figure, Skipped

RUNS = 3
SIZE = 63_900_000
"""Bytes: all but all that a file may have."""
QUICK = 6_000_000
RATE = 250_000.0
MEMORY = 60.0
TIMES = 3.5
ROOT = Path(__file__).parents[2]
PRINTRUN = Path(os.environ.get("MUSTER_ENVIRONMENTS", ROOT)) / ".venv-printrun" / "bin" / "python"
START = "G21\nG90\nM83\nM140 S80\nM104 S230\nG28\nM190 S80\nM109 S230\nG92 E0\nG1 X10 Y10 Z0.2 F3000\n"
END = "M104 S0\nM140 S0\nG91\nG1 Z5 F600\nG90\nM84\n"
MACHINES = {
    "all rules": "",
    "with zones and home": (
        "home = [0, 0]\nzones = [{ x = 0, y = 100, width = 12, depth = 20 }, { x = 205, y = 205, radius = 15 }]\n"
    ),
}

PEAK = """
def peak():
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
"""
CHECK = (
    PEAK
    + """
import sys, time
sys.path.insert(0, sys.argv[1])
from agent import cli
began = time.process_time()
code = cli.main(["check", "--json", sys.argv[2], "--profile", sys.argv[3]])
print(code, time.process_time() - began, peak())
"""
)
PARSE = (
    PEAK
    + """
import sys, time
from printrun import gcoder, gcoder_line
assert gcoder_line.__file__.endswith(".so") and gcoder.Line is gcoder_line.GLine, "this parser is not the compiled one"
lines = open(sys.argv[1], encoding="ascii").read().split("\\n")[:-1]
began = time.process_time()
if sys.argv[2] == "whole":
    gcoder.GCode(lines)
else:
    for text in lines:
        line = gcoder.Line(text)
        gcoder.parse_coordinates(line, gcoder.split(line))
print(0, time.process_time() - began, peak())
"""
)
"""Its reading of a file as its programs do it; or only the splitting of lines and fields, of which nothing is kept."""


class _Run(msgspec.Struct):
    code: int
    seconds: float
    peak: float


def run(*, quick: bool) -> list[Figure]:
    """A file as slicers write them, as long as may be; each side in a process of its own, turn by turn."""
    if not PRINTRUN.exists():
        raise Skipped("make setup-printrun")
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as folder:
        path = Path(folder) / "long.gcode"
        lines = written(path, QUICK if quick else SIZE)
        profiles: dict[str, Path] = {}
        for name, text in MACHINES.items():
            profiles[name] = Path(folder) / f"{len(profiles)}.toml"
            profiles[name].write_text(text)
        ours: dict[str, list[_Run]] = {name: [] for name in MACHINES}
        theirs: dict[str, list[_Run]] = {"whole": [], "fields": []}
        for _ in range(RUNS):
            for name, profile in profiles.items():
                ours[name].append(_judged(path, profile))
            for how, runs in theirs.items():
                runs.append(_measured([str(PRINTRUN), "-c", PARSE, str(path), how]))
    figures: list[Figure] = []
    for name, runs in ours.items():
        rates = [lines / each.seconds for each in runs]
        figures += [
            Figure(name=f"gate, {lines:,} lines, {name}", unit="lines a CPU s", values=rates, above=RATE),
            Figure(name="at its peak", unit="MB", values=[each.peak for each in runs], below=MEMORY),
        ]
    rates = [lines / each.seconds for each in ours["all rules"]]
    for how, name in (("whole", "parse a file"), ("fields", "only split its fields")):
        parsed = [lines / each.seconds for each in theirs[how]]
        times = [our / their for our, their in zip(rates, parsed, strict=True)]
        figures += [
            Figure(name=f"Printrun 2.2.0, compiled: {name}", unit="lines a CPU s", values=parsed),
            Figure(
                name="the gate's rate",
                unit="times that",
                values=times,
                above=TIMES if how == "whole" else None,
                share=True,
            ),
        ]
    return figures


def written(path: Path, size: int) -> int:
    """Circles of short lines, travels, retractions, layers: a little below `size` bytes; how many lines that are."""
    lines = START.count("\n") + END.count("\n")
    layer, written = 0, len(START) + len(END)
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write(START)
        while True:
            text = _layer(layer)
            if written + len(text) > size:
                break
            file.write(text)
            written += len(text)
            lines += text.count("\n")
            layer += 1
        file.write(END)
    return lines


def _layer(number: int) -> str:
    parts = [f"G1 Z{0.2 + number % 1000 * 0.2:.3f} F600\n"]
    for ring in range(12):
        radius = 20 + 4 * ring + number % 7 / 10
        points = [(110 + radius * cos(n * pi / 90), 110 + radius * sin(n * pi / 90)) for n in range(181)]
        each = radius * pi / 90 * 0.034
        parts.append(f"G1 E-1 F2100\nG0 X{points[0][0]:.3f} Y{points[0][1]:.3f} F9000\nG1 E1 F2100\n")
        parts.append(f"G1 X{points[1][0]:.3f} Y{points[1][1]:.3f} E{each:.5f} F2400\n")
        parts += [f"G1 X{x:.5f} Y{y:.5f} E{each:.5f}\n" for x, y in points[2:]]
    return "".join(parts)


def _judged(path: Path, profile: Path) -> _Run:
    run = _measured([sys.executable, "-c", CHECK, str(ROOT), str(path), str(profile)])
    if run.code:
        raise Failed("the gate refused the file that was to be measured")
    return run


def _measured(command: list[str]) -> _Run:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(
            done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "it ended without a word"
        )
    code, seconds, peak = done.stdout.splitlines()[-1].split()
    return _Run(int(code), float(seconds), float(peak))
