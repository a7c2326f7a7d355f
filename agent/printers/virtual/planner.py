"""Where the head is, and the moves that are yet to be made."""

from collections import deque
from math import dist

DEPTH = 16
"""Moves that the firmware plans ahead."""
AXES = "XYZE"
HOMING_SECONDS = 6.0
TRAVEL = 3000.0
"""mm/min before a line has said its F."""


class Planner:
    """A queue of moves that are executed in real time at their feed rate; times are seconds of the printer."""

    def __init__(self) -> None:
        self.position = [0.0, 0.0, 0.0, 0.0]
        self.absolute = True
        self.absolute_e = True
        self.feed = TRAVEL
        self._ends: deque[float] = deque()

    def move(self, words: dict[str, float], now: float) -> None:
        """Plan a straight move."""
        if words.get("F", 0) > 0:
            self.feed = words["F"]
        target = list(self.position)
        for index, axis in enumerate(AXES):
            if axis in words:
                absolute = self.absolute if index < 3 else self.absolute_e
                target[index] = words[axis] + (0 if absolute else target[index])
        length = dist(target[:3], self.position[:3]) or abs(target[3] - self.position[3])
        self.position = target
        if length:
            self._ends.append(self.free_at(now) + length * 60 / self.feed)

    def home(self, axes: set[str]) -> None:
        """Put the given axes, or all but E, to zero."""
        for index, axis in enumerate("XYZ"):
            if not axes or axis in axes:
                self.position[index] = 0.0

    def shift(self, words: dict[str, float]) -> None:
        """Say where the head is (G92)."""
        for index, axis in enumerate(AXES):
            if axis in words:
                self.position[index] = words[axis]

    def advance(self, now: float) -> None:
        """Forget the moves that are done."""
        ends = self._ends
        while ends and ends[0] <= now:
            ends.popleft()

    def free_at(self, now: float) -> float:
        """When the last planned move is done."""
        return max(now, self._ends[-1]) if self._ends else now

    def room_at(self, now: float) -> float:
        """When another move finds room."""
        return now if len(self._ends) < DEPTH else self._ends[-DEPTH]

    def stop(self) -> None:
        """Drop what is not done yet (M410); the position is the head's guess then, as after a real quick stop."""
        self._ends.clear()
