"""Why a line of G-code is turned away."""

from enum import StrEnum


class Rule(StrEnum):
    """The rule that was broken; the word goes into reports, so it stays."""

    FORM = "form"
    """Not canonical: bytes, spaces, numbers, length of a line, last line not ended."""
    SIZE = "size"
    """More lines or bytes than a file may have."""
    CODE = "code"
    """A code that is not on the allow-list, or not in this section."""
    FIELD = "field"
    """A field that this code may not have, has twice, or lacks."""
    STATE = "state"
    """Not in this state: units or modes unsaid, not homed, feed unsaid."""
    VOLUME = "volume"
    """Ends outside what the printer can reach."""
    ZONE = "zone"
    """Leads into what the printer's owner has fenced off."""
    FEED = "feed"
    COLD = "cold"
    """Moves filament while the nozzle is not known to be hot."""
    EXTRUSION = "extrusion"
    """More filament a mm than the nozzle can lay, or moved without a way to lay it on."""
    FLOW = "flow"
    """More plastic a second than the printer can melt."""
    TEMPERATURE = "temperature"
    """Outside what both printer and material bear."""
    DWELL = "dwell"
    DURATION = "duration"
    ENDING = "ending"
    """The file ends with a heater on or in relative mode."""


class Refused(Exception):
    """One line is refused: the rule, the line (from 1), and a reason for a person."""

    def __init__(self, rule: Rule, line: int, reason: str) -> None:
        self.rule = rule
        self.line = line
        self.reason = reason
        super().__init__(f"line {line}: {reason} ({rule})")
