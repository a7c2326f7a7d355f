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
NUMBER: Final = rb"-?(?:[1-9][0-9]{0,5}+|0)(?:\.[0-9]{1,5}+)?+"
"""A number's bytes. Not by `float()` alone, which takes digits of other scripts, exponents and underscores."""

_LINE: Final = re.compile(rb"([GM](?:0|[1-9][0-9]{0,3}))((?: [A-Z]" + NUMBER + rb")*)")
_PLAIN: Final = (
    "the line is not a code and its fields, each a capital letter and a plain number, one space between"
)
_FAULTS: Final = tuple(
    (re.compile(pattern), why)
    for pattern, why in (
        (rb"^\xef\xbb\xbf", "the line begins with a byte order mark (save the file as plain ASCII)"),
        (rb"^[^\r]*\r$", "the line ends with CR LF (save the file with Unix line ends: LF alone)"),
        (rb"\t", "the line holds a tab"),
        (rb"[^ -~]", "the line holds a byte that is not printable ASCII"),
        (rb"[;(]", "the line holds a comment"),
        (rb"#", "the line holds a #, which ends it on some firmware and not on other"),
        (rb"^N[0-9]|\*", "the line is numbered or has a checksum, which only who sends it may add"),
        (rb"^@", "the line is a command to the host, which a printer must not need"),
        (rb"^[TD][0-9]*(?: |$)", "only G and M codes may be sent: no T, no D"),
        (rb"^ | $|  ", "the line has a space more than the one between two fields"),
        (rb"[0-9][Ee][0-9+-]", "the line has an exponent, or two fields without a space between"),
        (
            rb"^[gm]|^[GM][0-9.]+(?: [A-Z][0-9.-]+)* [a-z]",
            "the line has a small letter where a capital one belongs",
        ),
        (
            rb"^[GM][0-9]{5}",
            "the code's number is longer than four digits, and wraps around on some firmware",
        ),
        (rb"^[GM]0[0-9]|[A-Z]-?0[0-9]", "a number begins with a 0 too many"),
        (rb"^[A-Za-z_]{2,}", "the line is a word, which is a macro on some firmware"),
        (rb"[A-Z](?: |$)", "a field has no value"),
        (rb"[0-9]{7}|\.[0-9]{6}", "a number has more digits than six before its point or five behind it"),
    )
)
"""What is most likely meant to be told of a line, by the first that is found."""


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
    return next((why for pattern, why in _FAULTS if pattern.search(line)), _PLAIN)
