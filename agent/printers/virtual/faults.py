"""What can be wrong with a printer, on purpose: by counting lines, at a command, or by chance from a seed."""

import re
from collections.abc import Iterable
from random import Random
from typing import NamedTuple

EVERY = {
    "lose-ok": "an ok is lost",
    "double-ok": "an ok is said twice",
    "corrupt": "a line arrives with a flipped byte",
    "lose-line": "a line is lost on the way",
    "resend": "a line is asked for again although it came well",
    "garbage": "noise comes before an answer",
}
"""Faults of one line or one ok; with a number they come every so many times."""
ONCE = {
    "runaway": "the firmware sees a thermal runaway and stops itself",
    "mintemp": "the firmware loses its thermistor and stops itself",
    "rise": "the nozzle heats without end, and the firmware does not care",
    "cool": "the nozzle's heater fails, and the firmware does not care",
    "restart": "the board restarts",
    "silence": "nothing more is answered",
    "unplug": "the cable is pulled",
    "pause": "its owner presses pause at the printer",
    "resume": "its owner presses resume at the printer",
    "cancel": "its owner presses cancel at the printer",
    "press": "its owner presses the knob that M0 waits for",
    "preheat": "its owner heats the nozzle at the display",
}
"""Faults that begin at one moment."""
KNOBS = EVERY | ONCE

KNOB = re.compile(r"([a-z-]+)(?::([1-9][0-9]{0,8})|@([1-9][0-9]{0,8})|@([A-Z][0-9]{1,3})|~([1-9][0-9]{0,8}))")


class Knob(NamedTuple):
    """A fault and when it is due: every so many times, once at a count, once at a command, or one time in so many."""

    name: str
    every: int = 0
    at: int = 0
    command: str = ""
    chance: int = 0


def parse(text: str) -> Knob:
    """`lose-ok:100` every 100th, `restart@500` at the 500th, `silence@M109` at a command, `corrupt~900` by chance.

    Raises:
        ValueError: there is no such knob, or its number is not a positive integer.
    """
    found = KNOB.fullmatch(text)
    if not found or found[1] not in KNOBS:
        raise ValueError(
            f"{text!r} is no fault; they are NAME:N, NAME@N, NAME@COMMAND and NAME~N"
            f" with NAME one of {', '.join(KNOBS)}"
        )
    name, every, at, command, chance = found.groups()
    if every and name in ONCE:
        every, at = "", every
    return Knob(name, int(every or 0), int(at or 0), command or "", int(chance or 0))


class Faults:
    """Counts lines and oks, and says when which fault is due. The same seed makes the same faults."""

    def __init__(self, knobs: Iterable[str] = (), seed: int = 0) -> None:
        """Take knobs as `parse` does.

        Raises:
            ValueError: one is none.
        """
        self._knobs: dict[str, list[Knob]] = {}
        for text in knobs:
            knob = parse(text)
            self._knobs.setdefault(knob.name, []).append(knob)
        self._random = Random(seed)
        self._counts = dict.fromkeys(KNOBS, 0)
        self._armed: set[str] = set()
        self._struck: set[Knob] = set()
        self._of_board = [name for name in ONCE if name in self._knobs]
        self.commands = frozenset(
            knob.command for knobs in self._knobs.values() for knob in knobs if knob.command
        )
        """Commands at which something happens."""
        self.any = bool(self._knobs)
        """Whether it is worth asking at all."""

    def every(self, name: str) -> bool:
        """Count one more line or ok, and say whether this fault is due for it."""
        if name in self._armed:
            self._armed.discard(name)
            return True
        return name in self._knobs and self._is_due(name)

    def arm(self, name: str) -> None:
        """Let one of `EVERY` come at the next line or ok."""
        self._armed.add(name)
        self.any = True

    def line(self) -> list[str]:
        """Count a line, and give the faults of the board that begin with it."""
        return [name for name in self._of_board if self._is_due(name)]

    def command(self, code: str) -> list[str]:
        """A command is executed: give the faults of the board that begin with it, and arm the others."""
        begun: list[str] = []
        for name, knobs in self._knobs.items():
            for knob in knobs:
                if knob.command == code and knob not in self._struck:
                    self._struck.add(knob)
                    if name in ONCE:
                        begun.append(name)
                    else:
                        self._armed.add(name)
        return begun

    def noise(self) -> bytes:
        """Bytes such as a bad cable makes, without a line end among them."""
        return self._random.randbytes(12).replace(b"\n", b"\0")

    def _is_due(self, name: str) -> bool:
        self._counts[name] += 1
        count = self._counts[name]
        due = False
        for knob in self._knobs[name]:
            if knob.every:
                due |= count % knob.every == 0
            elif knob.at:
                due |= count == knob.at
            elif knob.chance and knob not in self._struck and self._random.randrange(knob.chance) == 0:
                due = True
                if name in ONCE:
                    self._struck.add(knob)
        return due
