"""A command as a firmware reads it: its code, and its words with their numbers."""

import re

from agent.printers.virtual.machine import Words

WORD = re.compile(r"([A-Z])\s*([-+]?(?:\d+\.?\d*|\.\d+))?", re.ASCII)
UNLOGGED = frozenset({"M85", "M105", "M108", "M110", "M113", "M114", "M115", "M154", "M155", "M400"})
"""What changes nothing in the machine."""
ACCEPTED = frozenset(
    {"G21", "M17", "M18", "M73", "M75", "M77", "M84", "M106", "M107", "M108", "M117", "M118", "M201", "M203"}
    | {"M205", "M221", "M420", "M876", "M900", "T0"}
)
"""What has no effect that a host could see, but its ok."""


def parse(command: str) -> tuple[str, Words]:
    """The code, and its words with their numbers; a word without one counts as 0."""
    found = WORD.findall(command)
    if not found:
        return "", {}
    letter, number = found[0]
    return letter + number, {name: float(value) if value else 0.0 for name, value in found[1:]}
