"""The machine below the firmware: where its head is, what heats, and what G-codes do with both.

What takes time is a generator that yields when it wants to be looked at again, in the printer's seconds.
"""

from collections.abc import Callable, Iterator
from math import inf
from typing import ClassVar

from agent.printers.virtual.dialect import Dialect
from agent.printers.virtual.heater import AMBIENT, VirtualHeater
from agent.printers.virtual.planner import MotionLimits, Planner, Point

AXES = "XYZE"
HOMING_SECONDS = 6.0
PROBING_SECONDS = 40.0
RESIDENCY = 10
"""Seconds that a heater has to be there before a wait for it is over (TEMP_RESIDENCY_TIME)."""
COLDEST_EXTRUSION = 170.0
TRAVEL = 50.0
"""mm/s before a line has said its F."""

Words = dict[str, float]
Work = Iterator[float]


class MachineModel:
    """One machine. `say` is called with what it tells of itself; `now` is turned on by the firmware."""

    def __init__(
        self, dialect: Dialect, limits: MotionLimits, blocks: int, say: Callable[[bytes], None]
    ) -> None:
        self.now = 0.0
        self.planner = Planner(limits, blocks)
        self.nozzle = VirtualHeater(power=40, mass=14, loss=0.11)
        self.bed = VirtualHeater(power=180, mass=150, loss=0.45)
        self.position: Point = (0.0, 0.0, 0.0, 0.0)
        """Where the head is when all that is planned is done, in mm."""
        self.waits_for: VirtualHeater | None = None
        """The heater that holds everything up."""
        self.is_paused = False
        """M0 waits for its owner."""
        self._dialect = dialect
        self._say = say
        self._absolute = True
        self._absolute_e = True
        self._feed = TRAVEL
        self._factor = 1.0
        self._extrudes_cold = False
        self._left: int | None = None

    def heat(self) -> None:
        """Let the heaters come to `now`."""
        self.nozzle.at(self.now)
        self.bed.at(self.now)

    def slope(self) -> float:
        """How quickly the temperatures change, in °C/s."""
        return max(abs(self.nozzle.slope), abs(self.bed.slope))

    def cool(self) -> None:
        """Switch everything off."""
        self.heat()
        self.nozzle.target = self.bed.target = 0.0

    def stop(self) -> None:
        """Stop every motion at once; the position is where the head came to stand (M410)."""
        self.position = self.planner.stop(self.now) or self.position

    def go_on(self) -> None:
        """End a wait, for heat or for the owner (M108)."""
        self.waits_for = None
        self.is_paused = False

    def tell_waiting(self) -> bytes:
        """What is said every second of a wait for heat."""
        self.heat()
        return self._dialect.waiting(self.nozzle, self.bed, self._left, for_bed=self.waits_for is self.bed)

    def where(self) -> bytes:
        """The answer to M114."""
        return b"X:%.2f Y:%.2f Z:%.2f E:%.2f Count X:%d Y:%d Z:%d\n" % (
            *self.position,
            *(round(at * steps) for at, steps in zip(self.position, (80, 80, 400), strict=False)),
        )

    def move(self, words: Words) -> Work | None:
        """G0 and G1: None if the planner took it at once."""
        if words.get("F", 0) > 0:
            self._feed = words["F"] / 60
        here = self.position
        there = self._target(words)
        planner = self.planner
        planner.advance(self.now)
        if there[3] != here[3] and self._is_too_cold():
            here = (*here[:3], there[3])
        if planner.free > 0:
            self.position = there
            planner.add(here, there, self._feed * self._factor, self.now)
            return None
        return self._move_later(here, there)

    def _move_later(self, here: Point, there: Point) -> Work:
        planner = self.planner
        while planner.free <= 0:
            yield planner.next_at
            planner.advance(self.now)
        if planner.is_idle:
            here = (*self.position[:3], here[3])  # something stopped the head meanwhile
        self.position = there
        planner.add(here, there, self._feed * self._factor, self.now)

    def _target(self, words: Words) -> Point:
        x, y, z, e = self.position
        if self._absolute:
            x, y, z = words.get("X", x), words.get("Y", y), words.get("Z", z)
        else:
            x, y, z = x + words.get("X", 0), y + words.get("Y", 0), z + words.get("Z", 0)
        if "E" in words:
            e = words["E"] if self._absolute_e else e + words["E"]
        return x, y, z, e

    def _is_too_cold(self) -> bool:
        if self._extrudes_cold or self.nozzle.at(self.now) >= COLDEST_EXTRUSION:
            return False
        self._say(b"echo: cold extrusion prevented\n")
        return True

    def drain(self, _: Words | None = None) -> Work:
        """M400."""
        self.planner.advance(self.now)
        while not self.planner.is_idle:
            yield self.planner.next_at
            self.planner.advance(self.now)

    def _dwell(self, words: Words) -> Work:
        yield from self.drain()
        yield from self._until(self.now + words.get("S", words.get("P", 0) / 1000))

    def _until(self, end: float) -> Work:
        while self.now < end:
            yield end

    def _home(self, words: Words) -> Work:
        yield from self.drain()
        yield from self._until(self.now + HOMING_SECONDS)
        axes = [axis for axis in "XYZ" if axis in words] or "XYZ"
        x, y, z = (0.0 if axis in axes else at for axis, at in zip("XYZ", self.position, strict=False))
        self.position = (x, y, z, self.position[3])

    def _probe(self, _: Words) -> Work:
        yield from self.drain()
        yield from self._until(self.now + PROBING_SECONDS)
        self._say(b"Bilinear Leveling Grid:\n      0      1\n 0 +0.010 -0.020\n 1 +0.000 +0.015\n\n")

    def _pause(self, _: Words) -> Work:
        yield from self.drain()
        self.is_paused = True
        self._say(b"//action:paused\n")
        while self.is_paused:
            yield inf
        self._say(b"//action:resumed\n")

    def _wait_for(self, heater: VirtualHeater, words: Words) -> Work:
        self._set(heater, words.get("S", words.get("R", heater.target)))
        if not heater.target:
            return
        self.waits_for, self._left = heater, None
        since: float | None = None
        while self.waits_for is heater:
            there = heater.is_there(self.now) and ("R" not in words or heater.actual <= heater.target + 1)
            if not there:
                since, self._left = None, None
                yield self.now + min(1.0, max(0.01, heater.seconds_to(heater.target - 0.9)))
                continue
            since = self.now if since is None else since
            left = since + RESIDENCY - self.now
            if left <= 0:
                break
            self._left = int(left)
            yield min(self.now + 1.0, since + RESIDENCY)
        self.waits_for = None

    def _set(self, heater: VirtualHeater, target: float) -> None:
        self.heat()
        heater.target = max(0.0, target) if target > AMBIENT else 0.0

    def _wait_for_nozzle(self, words: Words) -> Work:
        return self._wait_for(self.nozzle, words)

    def _wait_for_bed(self, words: Words) -> Work:
        return self._wait_for(self.bed, words)

    def _heat_nozzle(self, words: Words) -> None:
        self._set(self.nozzle, words.get("S", self.nozzle.target))

    def _heat_bed(self, words: Words) -> None:
        self._set(self.bed, words.get("S", self.bed.target))

    def _quick_stop(self, _: Words) -> None:
        self.stop()

    def _be_absolute(self, _: Words) -> None:
        self._absolute = self._absolute_e = True

    def _be_relative(self, _: Words) -> None:
        self._absolute = self._absolute_e = False

    def _be_absolute_e(self, _: Words) -> None:
        self._absolute_e = True

    def _be_relative_e(self, _: Words) -> None:
        self._absolute_e = False

    def _shift(self, words: Words) -> None:
        x, y, z, e = (words.get(axis, at) for axis, at in zip(AXES, self.position, strict=True))
        self.position = (x, y, z, e)

    def _accelerate(self, words: Words) -> None:
        planner = self.planner
        planner.printing = words.get("P", words.get("S", 0)) or planner.printing
        planner.travel = words.get("T", words.get("S", 0)) or planner.travel

    def _scale_feed(self, words: Words) -> None:
        self._factor = max(0.1, words.get("S", 100) / 100)

    def _allow_cold(self, words: Words) -> None:
        self._extrudes_cold = words.get("P", 0) > 0 or ("S" in words and words["S"] <= AMBIENT)

    def _tell_where(self, _: Words) -> None:
        self._say(self.where())

    does: ClassVar[dict[str, "Callable[[MachineModel, Words], Work | None]"]] = {
        "G0": move,
        "G1": move,
        "G2": move,  # an arc goes straight to its end: no host can tell
        "G3": move,
        "G4": _dwell,
        "G28": _home,
        "G29": _probe,
        "G90": _be_absolute,
        "G91": _be_relative,
        "G92": _shift,
        "M0": _pause,
        "M1": _pause,
        "M82": _be_absolute_e,
        "M83": _be_relative_e,
        "M104": _heat_nozzle,
        "M109": _wait_for_nozzle,
        "M114": _tell_where,
        "M140": _heat_bed,
        "M190": _wait_for_bed,
        "M204": _accelerate,
        "M220": _scale_feed,
        "M302": _allow_cold,
        "M400": drain,
        "M410": _quick_stop,
    }
    """What each code does; with a generator, its ok comes when that has ended."""
