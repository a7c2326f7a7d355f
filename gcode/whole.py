"""Whole files of G-code that nobody vouches for: where the last work in them ends."""

import re
from collections.abc import Callable
from typing import Final

BLOCK: Final = 65_536
"""Bytes looked at together."""
_WORK: Final = re.compile(
    rb"^(?:G[0-3] (?:[^\n]* )?E|G28[ \n]|M1(?:04|09|40|90) S(?!0(?:\.0*)?\n))", re.MULTILINE
)
"""A line that moves filament, homes, or sets a heater to anything but 0."""


def work_ends(size: int, read: Callable[[int, int], bytes]) -> int:
    """Where the line after the last work begins, in bytes; 0 if there is no work in it.

    What comes from there on may say what only an end script may (G91, M84). `read` gives the bytes at an offset, so
    many at most; it is asked from the end on, as work mostly ends near there, and holds no more than one block.
    """
    end = size
    while end > 0:
        begin = max(0, end - BLOCK)
        block = read(begin, end - begin)
        first = block.find(b"\n") + 1 if begin else 0
        if begin and first in {0, len(block)}:  # a line longer than any that would be read
            end = begin
            continue
        last = -1
        for found in _WORK.finditer(block, first):
            last = found.start()
        if last >= 0:
            ended = block.find(b"\n", last) + 1
            return begin + (ended or len(block))
        end = begin + first
    return 0
