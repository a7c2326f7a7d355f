"""How long each part of a file takes, so that progress is time and not lines. Pure but for the stream that it reads."""

import re
from array import array

from agent.printers.serial.read_ahead import Batches
from gcode.arc import Arc
from gcode.motion import Pace

STEP = 64
"""Lines between two marks: 8 bytes each, so 250 kB for two million lines."""
SLICE = 400
"""Lines read at a time: a millisecond or two, as the board waits for our answers meanwhile."""
TURNS = {b"G2 ": -1, b"G3 ": 1}
WORD = re.compile(rb"([XYZEFPSIJ])(-?\d{1,7}(?:\.\d{0,9})?)")


class PrintProgress:
    """Reads a file little by little, while the printer heats; then it knows what part of the time a line stands for."""

    def __init__(self, batches: Batches) -> None:
        self.is_known = False
        """Whether the whole file has been read."""
        self._batches = batches
        self._lines: list[bytes] = []
        self._next = 0
        self._marks = array("d", [0.0])
        self._read = 0
        self._pace = Pace()
        self._place = {b"X": 0.0, b"Y": 0.0, b"Z": 0.0}
        self._speed = 50.0

    def study(self) -> bool:
        """Read on for a moment; gives whether there was anything to read.

        Raises:
            OSError: the file can't be read.
        """
        if self._next == len(self._lines):
            self._next = 0
            try:
                self._lines = next(self._batches)
            except StopIteration:
                self._lines, self.is_known = [], True
                self._marks.append(self._pace.seconds)
        lines = self._lines[self._next : self._next + SLICE]
        self._next += len(lines)
        for line in lines:
            self._add(line)
            self._read += 1
            if self._read % STEP == 0:
                self._marks.append(self._pace.seconds)
        return bool(lines)

    def part(self, executed: int) -> float | None:
        """The part of the time, 0 to 1, that the first `executed` lines take; None while that is not known."""
        total = self._marks[-1]
        if not self.is_known or total <= 0:
            return None
        mark = min(executed, self._read) // STEP
        before, after = self._marks[mark], self._marks[min(mark + 1, len(self._marks) - 1)]
        lines = min(STEP, self._read - mark * STEP)  # the last step is a shorter one
        inner = min(1.0, (executed - mark * STEP) / lines) if lines else 1.0
        return min(1.0, (before + (after - before) * inner) / total)

    def _add(self, line: bytes) -> None:
        code = line[:3]
        if code not in TURNS and code not in (b"G1 ", b"G0 "):
            if code == b"G4 ":
                words = {letter: float(value) for letter, value in WORD.findall(line)}
                self._pace.halt(words.get(b"S", words.get(b"P", 0.0) / 1000))
            return
        place, to = self._place, dict(self._place)
        offset = {b"I": 0.0, b"J": 0.0}
        for letter, value in WORD.findall(line):
            if letter == b"F":
                self._speed = float(value) / 60 or self._speed
            elif letter in to:
                to[letter] = float(value)
            elif letter in offset:
                offset[letter] = float(value)
        if rise := abs(to[b"Z"] - place[b"Z"]):
            self._pace.halt(rise / self._speed)
        if code in TURNS and any(offset.values()):
            start, end = (place[b"X"], place[b"Y"]), (to[b"X"], to[b"Y"])
            arc = Arc(start, end, (offset[b"I"], offset[b"J"]), TURNS[code])
            self._pace.turn(arc.length, arc.leave, arc.arrive, self._speed)
        else:
            self._pace.move(to[b"X"] - place[b"X"], to[b"Y"] - place[b"Y"], self._speed)
        self._place = to
