"""One file of the corpus, and the verdict that it must get."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FILES = HERE / "files"
VERDICTS = HERE / "verdicts.tsv"
PLAIN = "plain"
MARK = "!"
"""Before the line that must be refused."""

START = (
    "G21",
    "G90",
    "M83",
    "M140 S80",
    "M104 S230",
    "G28",
    "M190 S80",
    "M109 S230",
    "G92 E0",
    "G1 X10 Y10 Z0.2 F3000",
)
END = ("M104 S0", "M140 S0", "M84")
COOL = tuple(line.replace("S80", "S60").replace("S230", "S210") for line in START)
"""A start for PLA."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A file of bytes, judged for a machine of `machines/` (or the default one); a refusal has its code and line."""

    name: str
    machine: str
    data: bytes
    code: str = ""
    line: int = 0

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return FILES / self.machine / f"{self.name}.gcode"

    @property
    def row(self) -> str:
        """Its line of the table of verdicts."""
        verdict = f"refused\t{self.code}\t{self.line}" if self.code else "accepted\t\t0"
        return f"{self.machine}/{self.name}.gcode\t{verdict}"


def file(
    name: str,
    code: str,
    body: Iterable[str],
    *,
    start: Iterable[str] = START,
    end: Iterable[str] = END,
    machine: str = PLAIN,
) -> Case:
    """A case by its lines (bytes beyond ASCII as Latin-1). With a `code`, the marked line or the last is to blame."""
    lines = [*start, *body, *end]
    marked = [n for n, line in enumerate(lines, 1) if line.startswith(MARK)]
    culprit = (marked or [len(lines)])[0] if code else 0
    text = "".join(line.removeprefix(MARK) + "\n" for line in lines)
    return Case(name=name, machine=machine, data=text.encode("latin-1"), code=code, line=culprit)


def edge(
    name: str,
    code: str,
    inside: Iterable[str],
    outside: Iterable[str],
    *,
    start: Iterable[str] = START,
    end: Iterable[str] = END,
    machine: str = PLAIN,
) -> list[Case]:
    """Two files: one just inside a rule, one just outside."""
    return [
        file(f"{name}-inside", "", inside, start=start, end=end, machine=machine),
        file(f"{name}-outside", code, outside, start=start, end=end, machine=machine),
    ]
