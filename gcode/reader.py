r"""The one form of G-code that every firmware reads alike.

Marlin, Prusa and Klipper disagree on comments, escapes, exponents, long lines and words, so none of these may
occur: printable ASCII and LF, at most 80 bytes a line without its LF (numbered and with a checksum that stays below
Marlin's 95), no comment, one space between fields, each field a capital letter and a plain decimal number.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from gcode.refusal import Refused, Rule

LONGEST_LINE: Final = 80
NUMBER: Final = rb"-?(?:0|[1-9][0-9]{0,5})(?:\.[0-9]{1,5})?"
"""A number's bytes. Not by `float()` alone, which takes digits of other scripts, exponents and underscores."""

_LINE: Final = re.compile(rb"([GM](?:0|[1-9][0-9]{0,3}))((?: [A-Z]" + NUMBER + rb")*)")
_PRINTABLE: Final = re.compile(rb"[ -~]*")


class Command(Struct, frozen=True):
    """One line: its code, as in "G1", and its fields in the order written. `line` counts from 1."""

    line: int
    code: str
    fields: tuple[tuple[str, float], ...]


def command(line: bytes, number: int) -> Command:
    """Read one line, without its LF; `number` is where it stands, from 1.

    Raises:
        Refused: it is not in canonical form.
    """
    found = _LINE.fullmatch(line) if len(line) <= LONGEST_LINE else None
    if found is None:
        raise Refused(Rule.FORM, number, _why(line))
    fields = tuple((chr(field[0]), float(field[1:])) for field in found[2].split())
    return Command(number, found[1].decode("ascii"), fields)


def commands(chunks: Iterable[bytes]) -> Iterator[Command]:
    """Read a file that comes in pieces of any size; holds no more than a piece and a line.

    Raises:
        Refused: at the first line that is not canonical, or when the last is not ended.
    """
    number = 0
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            number += 1
            yield command(line, number)
        if len(rest) > LONGEST_LINE:
            raise Refused(Rule.FORM, number + 1, _why(rest))
    if rest:
        raise Refused(Rule.FORM, number + 1, "the last line is not ended")


def _why(line: bytes) -> str:
    if len(line) > LONGEST_LINE:
        return f"the line is longer than {LONGEST_LINE} bytes"
    if not line:
        return "the line is empty"
    if not _PRINTABLE.fullmatch(line):
        return "the line holds a byte that is not printable ASCII"
    if b";" in line or b"(" in line:
        return "the line holds a comment"
    return (
        "the line is not a code and its fields, each a capital letter and a plain number, one space between"
    )
