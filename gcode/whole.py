"""Whole files of G-code that nobody vouches for: start, body and end in one, from anywhere."""

import re
from collections.abc import Callable
from typing import Final

from gcode.gate import Gate, Limits, Verdict
from gcode.material import Material
from gcode.profile import Profile
from gcode.rules import Section

Read = Callable[[int, int], bytes]
"""The bytes at an offset, so many at most."""

BLOCK: Final = 65_536
"""Bytes looked at together."""
CHUNK: Final = 262_144
"""Bytes judged together."""
_WORK: Final = re.compile(
    rb"^(?:G[0-3] (?:[^\n]* )?E|G28[ \n]|M1(?:04|09|40|90) S(?!0(?:\.0*)?\n))", re.MULTILINE
)
"""A line that moves filament, homes, or sets a heater to anything but 0."""


def judge_whole(
    size: int,
    read: Read,
    profile: Profile,
    material: Material,
    limits: Limits | None = None,
    told: Callable[[int], None] | None = None,
) -> Verdict:
    """The gate's verdict on a file of `size` bytes as it stands; `told` hears how many of them are judged.

    It gets no more than a job's body does; but after its last work it may also say what an end script may. What only
    an owner's own scripts may say, it may not.
    """
    gate = Gate(profile, material, limits)
    seen = min(size, (limits or Limits()).bytes + 1)
    ends = work_ends(seen, read)
    at = 0
    for section, until in ((Section.BODY, ends), (Section.TAIL, seen)):
        gate.enter(section)
        while at < until and (chunk := read(at, min(CHUNK, until - at))):
            if not gate.feed(chunk):
                return gate.verdict()
            at += len(chunk)
            if told:
                told(at)
    return gate.verdict()


def work_ends(size: int, read: Read) -> int:
    """Where the line after the last work begins, in bytes; 0 if there is no work in it.

    What comes from there on may say what only an end script may (G91, M84). The file is looked at from its end on, as
    work mostly ends near there, one block at a time.
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
