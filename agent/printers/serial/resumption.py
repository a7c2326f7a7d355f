"""Whether a print can go on after the process that fed it died: only if the board proves that it did not reset. Pure.

A board that lives on waits for the next line. It tells the number of the last one that it took; which line of the
file that was follows from the numbers that went to other commands. Where its head is, what its extruder has pushed
and what its heaters aim at must then be what that much of the file leads to.
"""

import re
from collections.abc import Callable, Sequence
from itertools import chain

from agent.printers.driver import Heat
from agent.printers.serial.line import frame
from agent.printers.serial.read_ahead import Batches
from agent.printers.serial.record import Printing
from agent.printers.serial.replies import Position

PROBE = b"\n" + frame(99_999_999, b"M105")
"""A line far out of order: the firmware refuses it and tells its last one. The line end ends what was cut off."""
SLICE = 400
"""Lines gone through at a time, as the agent wants answers meanwhile."""
NEAR = 0.06
"""mm; positions are told to two digits."""
WORD = re.compile(rb"([A-Z])(-?\d*\.?\d+)")
HEATS = {b"M104": 0, b"M109": 0, b"M140": 1, b"M190": 1}


class Replay:
    """Where a part of a file leads to."""

    def __init__(self) -> None:
        self.place: dict[bytes, float | None] = dict.fromkeys((b"X", b"Y", b"Z", b"E"))
        self.targets = [0.0, 0.0]
        self._relative = self._relative_e = False

    def agrees(self, told: Position, nozzle: Heat | None, bed: Heat | None) -> bool:
        """Whether the board stands where these lines lead to. What is not known is no proof."""
        places = zip((told.x, told.y, told.z, told.e), self.place.values(), strict=True)
        if any(place is None or abs(place - seen) > NEAR for seen, place in places):
            return False
        return all(
            (heat.target if heat else 0.0) == target
            for heat, target in zip((nozzle, bed), self.targets, strict=True)
        )

    def take(self, lines: list[bytes]) -> None:
        """These lines were executed."""
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        code = line.partition(b" ")[0]
        words = {letter: float(value) for letter, value in WORD.findall(line[len(code) :])}
        if code in (b"G0", b"G1", b"G2", b"G3"):
            for axis in self.place:
                if axis in words:
                    self._move(axis, words[axis])
        elif code == b"G92":
            self.place.update({axis: words[axis] for axis in self.place if axis in words})
        elif code == b"G28":
            self.place.update(dict.fromkeys((b"X", b"Y", b"Z")))
        elif code in (b"G90", b"G91"):
            self._relative = self._relative_e = code == b"G91"
        elif code in (b"M82", b"M83"):
            self._relative_e = code == b"M83"
        elif code in HEATS:
            self.targets[HEATS[code]] = words.get(b"S", self.targets[HEATS[code]])

    def _move(self, axis: bytes, value: float) -> None:
        relative = self._relative_e if axis == b"E" else self._relative
        before = self.place[axis]
        self.place[axis] = value if not relative else None if before is None else before + value


class Resumption:
    """One try. `trail` are the numbers, in order, that went to commands that don't stand in the file.

    A 0 in it is the M110 with which a count began.
    """

    def __init__(
        self,
        printing: Printing,
        trail: Sequence[int],
        batches: Batches,
        follow: Callable[[list[bytes]], None],
    ) -> None:
        """`follow` is told of the lines that were sent before."""
        self.printing = printing
        self._batches = batches
        self._wanted: list[bytes] = []
        self.is_dry = False
        """Whether the file gave nothing when it was read last."""
        self.done = 0
        self.last = 0
        """The number of the last line that the board took."""
        begins = max((place for place, number in enumerate(trail) if not number), default=None)
        self._is_known = begins is not None
        self._trail = [number for number in trail[begins:] if number]
        self._left = 0
        self._replay = Replay()
        self._follow = follow

    @property
    def lines(self) -> Batches:
        """What is left of the file, once it was wound forward."""
        return chain([self._wanted], self._batches)

    def aim(self, last: int) -> bool:
        """The board took line `last` last; gives whether that can be."""
        self.last = last
        self.done = last - sum(number <= last for number in self._trail)
        self._left = self.done
        return self._is_known and 0 < self.done <= self.printing.count

    def wind(self) -> bool:
        """Go a little forward in the file; gives whether it is wound to its place."""
        if not self._wanted:
            try:
                self._wanted = next(self._batches)
            except StopIteration:
                self._left = 0  # it ends before its place
            self.is_dry = not self._wanted
        size = min(SLICE, self._left)
        wound, self._wanted = self._wanted[:size], self._wanted[size:]
        self._replay.take(wound)
        self._follow(wound)
        self._left -= len(wound)
        return self._left == 0

    def agrees(self, told: Position | None, nozzle: Heat | None, bed: Heat | None) -> bool:
        """Whether the board stands where it must."""
        return told is not None and self._replay.agrees(told, nozzle, bed)
