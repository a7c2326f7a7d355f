"""Text for a terminal of any width. Pure."""

import argparse
import re
import textwrap
from collections.abc import Sequence

GAP = re.compile(r"\s*\S+(?: \S+)*?\s{2,}(?=\S)")
"""The first column of a line that has two."""
LEAST = 20


def flow(text: str, width: int) -> str:
    """Fill each paragraph to `width`. An indented line stays a line of its own, and goes on below its last column."""
    lines: list[str] = []
    paragraph: list[str] = []
    for line in [*text.strip("\n").splitlines(), ""]:
        if line and not line[0].isspace():
            paragraph.append(line)
            continue
        if paragraph:
            lines.append(wrap(" ".join(paragraph), width))
            paragraph.clear()
        lines.append(wrap(line, width))
    return "\n".join(lines).rstrip()


def wrap(line: str, width: int) -> str:
    """One line, on as many as it needs."""
    width = max(LEAST, width)
    column = GAP.match(line)
    indent = column.end() if column else len(line) - len(line.lstrip()) + 2 * line.startswith(" ")
    below = " " * (indent if indent < width // 2 else 4)
    return textwrap.fill(
        line,
        width,
        subsequent_indent=below,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )


def either(words: Sequence[str]) -> str:
    """One of some words: `a, b or c`."""
    return " or ".join([*([", ".join(words[:-1])] if words[1:] else []), *words[-1:]])


class Formatter(argparse.HelpFormatter):
    """Fills descriptions to the terminal's width, and leaves lists as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return textwrap.indent(flow(text, width - len(indent)), indent)
