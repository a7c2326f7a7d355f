"""Marlin's planner: a queue of moves with trapezoidal speeds and look-ahead, executed in the printer's own time.

After `planner.cpp`: junction deviation, SLOWDOWN, and the delay before the first move of an empty queue. mm, seconds.
The speeds at the joints are fixed when a block begins, as in the firmware: what comes later can't undo that the head
slows down for the end of what was known. So a host that starves the queue makes the head stutter, and prints slowly.
"""

from collections import deque
from itertools import islice
from math import inf, sqrt
from typing import NamedTuple

from msgspec import Struct

FIRST_MOVE_DELAY = 0.1
"""The first move waits so long for company (BLOCK_DELAY_FOR_1ST_MOVE), or until three are there."""
SHORTEST = 0.02
"""Moves that take less are stretched while the queue drains (min_segment_time_us)."""
REST = 0.05**2
"""Square of the speed from and to which everything starts and ends (MINIMUM_PLANNER_SPEED)."""

Point = tuple[float, float, float, float]


class MotionLimits(Struct, frozen=True, kw_only=True):
    """What a machine may do, by axis XYZE: mm/s and mm/s²."""

    feeds: Point = (300.0, 300.0, 12.0, 50.0)
    accelerations: Point = (3000.0, 3000.0, 100.0, 10000.0)
    printing: float = 1250.0
    travel: float = 1250.0
    junction_deviation: float = 0.013


class Block(NamedTuple):
    """One move. Speeds are squared; `gain2` is how much a ramp over its whole length can change one."""

    length: float
    acceleration: float
    nominal2: float
    junction2: float
    gain2: float
    start: Point
    end: Point


class Planner:
    """`depth` is the size of the ring, of which one place stays free (BLOCK_BUFFER_SIZE)."""

    def __init__(self, limits: MotionLimits, depth: int = 16) -> None:
        self.limits = limits
        self.printing = limits.printing
        self.travel = limits.travel
        self.capacity = depth - 1
        self._blocks: deque[Block] = deque()
        self._runs = False
        self._first_at = 0.0
        self._began = 0.0
        self._ends = 0.0
        self._entry2 = 0.0
        self._exit2 = 0.0
        self._direction = (0.0, 0.0, 0.0)
        self._nominal2 = 0.0

    @property
    def free(self) -> int:
        """How many more moves it takes."""
        return self.capacity - len(self._blocks)

    @property
    def is_idle(self) -> bool:
        """Whether nothing moves."""
        return not self._blocks

    @property
    def next_at(self) -> float:
        """When something changes by itself; infinite if nothing will."""
        if self._runs:
            return self._ends
        return self._first_at if self._blocks else inf

    @property
    def shortest(self) -> bool:
        """Whether the move that is executed takes next to no time: then the firmware is busy with little else."""
        return self._runs and self._ends - self._began < 0.005

    def add(self, start: Point, end: Point, feed: float, now: float) -> None:
        """Plan a straight move with `feed` mm/s. The caller has made sure of `free` and has advanced to `now`."""
        dx, dy, dz, de = end[0] - start[0], end[1] - start[1], end[2] - start[2], end[3] - start[3]
        length = sqrt(dx * dx + dy * dy + dz * dz)
        if length < 1e-4:
            if abs(de) < 1e-4:
                return
            length, direction = abs(de), (0.0, 0.0, 0.0)
        else:
            direction = (dx / length, dy / length, dz / length)
        speed, acceleration = self._limited((*direction, de / length), feed)
        waiting = len(self._blocks) - self._runs
        if 2 <= waiting < (self.capacity + 1) // 2 and length < SHORTEST * speed:
            seconds = length / speed
            speed = length / (seconds + 2 * (SHORTEST - seconds) / waiting)
        nominal2 = speed * speed
        junction2 = min(nominal2, self._junction2(direction, acceleration)) if self._blocks else REST
        self._blocks.append(
            Block(length, acceleration, nominal2, junction2, 2 * acceleration * length, start, end)
        )
        self._direction, self._nominal2 = direction, nominal2
        if not self._runs:
            if len(self._blocks) == 1:
                self._first_at = now + FIRST_MOVE_DELAY
            elif len(self._blocks) >= 3:
                self._begin(now, REST)

    def advance(self, now: float) -> None:
        """Execute until `now`."""
        if not self._runs:
            if not self._blocks or now < self._first_at:
                return
            self._begin(self._first_at, REST)
        while self._ends <= now:
            self._blocks.popleft()
            if not self._blocks:
                self._runs = False
                return
            self._begin(self._ends, self._exit2)

    def stop(self, now: float) -> Point | None:
        """Drop everything at once (M410); gives where the head came to stand, None if nothing moved."""
        self.advance(now)
        if not self._blocks:
            return None
        block = self._blocks[0]
        part = 0.0
        if self._runs:
            part = min(1.0, max(0.0, self._covered(block, now - self._began) / block.length))
        self._blocks.clear()
        self._runs = False
        ends = zip(block.start, block.end, strict=True)
        x, y, z, e = (start + part * (end - start) for start, end in ends)
        return x, y, z, e

    def _limited(self, parts: Point, feed: float) -> tuple[float, float]:
        """Speed and acceleration, so that no axis does more than it can; `parts` are mm of the axis for each mm."""
        extrudes, moves = parts[3] != 0, any(parts[:3])
        speed, acceleration = feed, self.printing if extrudes or not moves else self.travel
        limits = self.limits
        for part, fastest, steepest in zip(parts, limits.feeds, limits.accelerations, strict=True):
            if part:
                share = part if part > 0 else -part
                if speed * share > fastest:
                    speed = fastest / share
                if acceleration * share > steepest:
                    acceleration = steepest / share
        return speed, acceleration

    def _junction2(self, direction: tuple[float, float, float], acceleration: float) -> float:
        """The square of the speed that the corner to the block before allows."""
        a, b = self._direction, direction
        cosine = -(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])
        if cosine < -0.999999:
            return self._nominal2
        if cosine > 0.999999 or not (any(a) and any(b)):
            return REST
        sine = sqrt(0.5 * (1 - cosine))
        return min(self._nominal2, acceleration * self.limits.junction_deviation * sine / max(1e-9, 1 - sine))

    def _begin(self, now: float, entry2: float) -> None:
        """Start the oldest block: what is known now decides how fast it may end."""
        block = self._blocks[0]
        exit2 = entry2 + block.gain2
        ramp = 0.0
        for other in islice(self._blocks, 1, None):
            exit2 = min(exit2, other.junction2 + ramp)
            ramp += other.gain2
            if ramp >= exit2:
                break
        else:
            exit2 = min(exit2, ramp + REST)
        self._runs, self._began, self._entry2, self._exit2 = True, now, entry2, exit2
        peak2 = min(block.nominal2, (entry2 + exit2 + block.gain2) / 2)
        peak, twice = sqrt(peak2), 2 * block.acceleration
        ramps = (2 * peak - sqrt(entry2) - sqrt(exit2)) / block.acceleration
        cruise = block.length - (2 * peak2 - entry2 - exit2) / twice
        self._ends = now + max(0.0, ramps) + max(0.0, cruise) / peak

    def _covered(self, block: Block, seconds: float) -> float:
        """How many mm of the block that runs, so long after it began."""
        a, entry = block.acceleration, sqrt(self._entry2)
        peak2 = min(block.nominal2, (self._entry2 + self._exit2 + block.gain2) / 2)
        peak = sqrt(peak2)
        rising = max(0.0, (peak - entry) / a)
        if seconds <= rising:
            return entry * seconds + a * seconds * seconds / 2
        left = self._ends - self._began - seconds
        falling = max(0.0, (peak - sqrt(self._exit2)) / a)
        if left <= falling:
            leaving = sqrt(self._exit2)
            return block.length - (leaving * left + a * left * left / 2)
        return (peak2 - self._entry2) / (2 * a) + peak * (seconds - rising)
