"""How firmware reads G-code: leniently, and each a little differently.

Written after what FIELD.md and the firmwares' own documents tell; it shares nothing with `gcode/`. A file that the gate
accepts must be the same to all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

Command = tuple[str, dict[str, float]]
"""A code as in "G1", and its parameters; one without a value counts as 0."""

WHITE = " \t"
DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one family of firmware makes of a line."""

    name: str
    longest: int = 95
    runs_tail: bool = False
    """Whether what is beyond `longest` is run as the next line, instead of lost."""
    escapes: bool = False
    """Whether a backslash or quotes keep a semicolon from beginning a comment."""
    erases: bool = False
    """Whether a backspace takes the symbol before it away."""
    small: bool = False
    """Whether small letters are as good as capitals."""
    brackets: bool = False
    """Whether ( … ) is a comment."""
    hashes: bool = False
    """Whether # begins a comment."""
    wraps: bool = True
    """Whether a code's number is kept in 16 bits."""
    exponents: bool = False
    """Whether X1E3 is one thousand."""


DIALECTS = (
    Dialect("marlin", escapes=True, small=False),
    Dialect("marlin-small", escapes=True, small=True, erases=True, brackets=True),
    Dialect("prusa", runs_tail=True),
    Dialect("repetier", small=True, brackets=True, hashes=True, exponents=True),
    Dialect("klipper", longest=10_000, small=True, wraps=False, hashes=True, exponents=True),
)


def read(data: bytes, dialect: Dialect) -> list[Command]:
    """All that would be done, in order."""
    text = data.decode("latin-1").replace("\r", "\n")
    return [command for line in text.split("\n") for command in _line(line, dialect)]


@lru_cache(maxsize=10_000)
def _line(line: str, dialect: Dialect) -> tuple[Command, ...]:
    found = (_command(_bare(piece, dialect), dialect) for piece in _pieces(line, dialect))
    return tuple(command for command in found if command is not None)


def _pieces(line: str, dialect: Dialect) -> Iterator[str]:
    while len(line) > dialect.longest:
        yield line[: dialect.longest]
        if not dialect.runs_tail:
            return
        line = line[dialect.longest :]
    yield line


def _bare(line: str, dialect: Dialect) -> str:
    """The line without what is a comment here."""
    kept: list[str] = []
    quoted = escaped = bracketed = False
    for letter in line:
        if escaped:
            escaped = False
            kept.append(letter)
        elif dialect.erases and letter == "\b":
            del kept[-1:]
        elif dialect.escapes and letter == "\\":
            escaped = True
        elif dialect.escapes and letter == '"':
            quoted = not quoted
            kept.append(letter)
        elif quoted:
            kept.append(letter)
        elif letter == ";" or (letter == "#" and dialect.hashes):
            break
        elif dialect.brackets and letter in "()":
            bracketed = letter == "("
        elif not bracketed:
            kept.append(letter)
    return "".join(kept)


def _command(line: str, dialect: Dialect) -> Command | None:
    line = line.upper() if dialect.small else line
    line = line.lstrip(WHITE)
    if line[:1] == "N" and line[1:2] in DIGITS and line[1:]:
        line = line[1:].lstrip(DIGITS).lstrip(WHITE)
    line = line.partition("*")[0].rstrip(WHITE)
    if not line:
        return None
    letter, rest = line[0], line[1:].lstrip(WHITE)
    if letter not in "GMTD" or not rest[:1].isdigit():
        return (f"?{line}", {})
    number = ""
    while rest[:1] and rest[0] in DIGITS:
        number, rest = number + rest[0], rest[1:]
    if rest[:1] == ".":  # a sub-code, as in G92.1, is another command
        return (f"?{line}", {})
    value = int(number) % 65_536 if dialect.wraps else int(number)
    return (f"{letter}{value}", _parameters(rest, dialect))


def _parameters(rest: str, dialect: Dialect) -> dict[str, float]:
    """Any capital letter begins a parameter; of one that is said twice, the first counts on Marlin."""
    found: dict[str, float] = {}
    at = 0
    while at < len(rest):
        letter = rest[at]
        at += 1
        if not ("A" <= letter <= "Z"):
            continue
        while at < len(rest) and rest[at] in WHITE:
            at += 1
        value, at = _number(rest, at, dialect)
        found.setdefault(letter, value)
    return found


def _number(text: str, at: int, dialect: Dialect) -> tuple[float, int]:
    """As `strtof` reads it: sign, digits, point, digits; and an exponent only where that is meant."""
    begin = at
    if at < len(text) and text[at] in "+-":
        at += 1
    whole = at
    while at < len(text) and text[at] in DIGITS:
        at += 1
    if at < len(text) and text[at] == ".":
        at += 1
        while at < len(text) and text[at] in DIGITS:
            at += 1
    if not any(letter in DIGITS for letter in text[whole:at]):
        return 0.0, begin
    if dialect.exponents and at < len(text) and text[at] in "Ee":
        tail = at + 1
        if tail < len(text) and text[tail] in "+-":
            tail += 1
        end = tail
        while end < len(text) and text[end] in DIGITS:
            end += 1
        if end > tail:
            return float(text[begin:end]) if end - tail < 4 else float("inf"), end
    return float(text[begin:at]), at
