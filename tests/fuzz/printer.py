"""A printer that does what it is told, and what goes wrong by it: the judge of the judge.

Straightforward on purpose: every command moves numbers, and whatever a volunteer would not want to come home to is a
`Wrong`. It shares no code with `gcode/`; it is only told the same profile and plastic.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import atan2, cos, dist, hypot, pi, sin

from gcode.material import Material
from gcode.profile import Profile, Zone
from tests.fuzz.lenient import Command

Point = tuple[float, float]

SLACK = 1e-6
"""mm, or mm of filament: sums of rounded numbers."""
PER_MM = 0.15
"""mm of 1.75 filament a mm of path, at a 0.4 nozzle."""
STEP = 1e-3
"""mm of a way that is not split any more."""


class Wrong(Exception):
    """What the printer was made to do."""


@dataclass(slots=True)
class Printer:
    """One just switched on; `at` is where it homes. `couples`: G90 and G91 go for E too, as on Marlin 2."""

    profile: Profile
    plastic: Material
    couples: bool = True
    at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    e: float = 0.0
    feed: float = 1500.0
    relative: bool = False
    turned: bool = False
    """Whether the file itself has left it in relative mode; who printed before may have."""
    relative_e: bool = False
    homed: bool = False
    nozzle: float = 0.0
    bed: float = 0.0
    molten: bool = False
    """Whether it was waited for a nozzle that melts the plastic, and none cooler was asked for since."""
    drawn: float = 0.0
    laid: bool = False
    waited: float = 0.0
    lifted: float = 0.0
    done: int = 0

    def do(self, command: Command) -> None:
        """One command.

        Raises:
            Wrong: see there.
        """
        code, words = command
        self.done += 1
        match code:
            case "G0" | "G1":
                self._move(words)
            case "G2" | "G3" if self.profile.arcs:
                self._arc(words, 1 if code == "G3" else -1)
            case "G4":
                self.waited += words.get("P", 0.0) / 1000 + words.get("S", 0.0)
                self._unless(self.waited <= 120 + SLACK, "waits too long")
            case "G28":
                self._home(words)
            case "G92":
                self._unless(words == {"E": 0.0}, "another origin")
                self.e = 0.0
            case "M104" | "M109":
                self._heat(code, words)
            case "M140" | "M190":
                self._warm(words)
            case "M106":
                self._unless(0 <= words.get("S", 255.0) <= 255, "a fan of more than all")
            case _:
                self._switch(code, words)

    def end(self) -> None:
        """The file is over."""
        self._unless(self.nozzle == 0, "ends with a hot nozzle")
        self._unless(self.bed == 0, "ends with a hot bed")
        self._unless(not self.turned, "ends in relative mode")

    def _switch(self, code: str, words: dict[str, float]) -> None:
        self._unless(not words, f"{code} with words")
        match code:
            case "G90" | "G91":
                self.relative = self.turned = code == "G91"
                if self.couples:
                    self.relative_e = self.relative
            case "M82" | "M83":
                self.relative_e = code == "M83"
            case "M84":
                self.homed = False
            case "G21" | "M107" | "M400":
                pass
            case _:
                raise Wrong(f"{code}: nobody knows what that does")

    def _home(self, words: dict[str, float]) -> None:
        self._unless(not words, "homes one axis only")
        self._unless(not self.laid, "homes through the part")
        self.homed = True
        self.x, self.y, self.z = self.at
        if self.profile.home is not None:
            self.x, self.y = self.profile.home

    def _heat(self, code: str, words: dict[str, float]) -> None:
        target = words.get("S", -1.0)
        most = min(self.plastic.nozzle_most, self.profile.hottest_nozzle)
        self._unless(target == 0 or self.plastic.nozzle_least <= target <= most, f"the nozzle at {target}")
        self._unless(words.keys() == {"S"}, "heats something else")
        self.nozzle = target
        melts = target >= self.plastic.coldest_extrusion
        self.molten = melts and (self.molten or code == "M109")

    def _warm(self, words: dict[str, float]) -> None:
        target = words.get("S", -1.0)
        most = min(self.plastic.bed_most, self.profile.hottest_bed, 110)
        self._unless(0 <= target <= most, f"the bed at {target}")
        self._unless(words.keys() == {"S"}, "heats something else")
        self.bed = target

    def _move(self, words: dict[str, float]) -> None:
        self._unless(words.keys() <= set("XYZEF"), "a move with more than a place")
        self._hurry(words)
        if not words.keys() & set("XYZE"):
            return
        self._unless(self.homed, "moves before homing")
        base = (self.x, self.y, self.z) if self.relative else (0.0, 0.0, 0.0)
        now = (self.x, self.y, self.z)
        to = tuple(base[n] + words[axis] if axis in words else now[n] for n, axis in enumerate("XYZ"))
        if self.relative:
            self.lifted += words.get("Z", 0.0)
            self._unless(words.get("Z", 0.0) >= 0 and self.lifted <= 10 + SLACK, "lifts too far, or dives")
            self._unless(not words.keys() & set("XYE"), "moves sideways in relative mode")
        self._go([(self.x, self.y), (to[0], to[1])])
        self._unless(-SLACK <= to[2] <= self.profile.height + SLACK, f"leaves the volume at Z{to[2]}")
        flat = dist((self.x, self.y), to[:2])
        self._push(words, flat, dist(now, to))
        self.x, self.y, self.z = to

    def _arc(self, words: dict[str, float], turn: int) -> None:
        self._unless(words.keys() <= set("XYIJEF"), "an arc with more than a circle")
        self._hurry(words)
        self._unless(self.homed and not self.relative, "an arc before homing, or in relative mode")
        cx, cy = self.x + words.get("I", 0.0), self.y + words.get("J", 0.0)
        to = (words.get("X", self.x), words.get("Y", self.y))
        radius = hypot(self.x - cx, self.y - cy)
        self._unless(radius > 0, "an arc without a radius")
        begin, over = atan2(self.y - cy, self.x - cx), atan2(to[1] - cy, to[0] - cx)
        sweep = (over - begin) * turn % (2 * pi)
        if dist((self.x, self.y), to) < SLACK:
            sweep = 2 * pi
        count = max(1, int(radius * sweep))  # Marlin 1: chords of a mm
        points = [
            (
                cx + radius * cos(begin + turn * sweep * n / count),
                cy + radius * sin(begin + turn * sweep * n / count),
            )
            for n in range(count)
        ]
        self._go([*points, to])
        # The full circle, as firmware may go round where nobody meant it to.
        self._go([(cx + radius * cos(pi * n / 90), cy + radius * sin(pi * n / 90)) for n in range(181)])
        length = sum(dist(a, b) for a, b in pairwise([*points, to]))
        self._push(words, length, length)
        self.x, self.y = to

    def _hurry(self, words: dict[str, float]) -> None:
        if "F" in words:
            self._unless(60 <= words["F"] <= self.profile.feed, f"a feed of {words['F']}")
            self.feed = words["F"]

    def _push(self, words: dict[str, float], flat: float, path: float) -> None:
        """Move the filament, by how much of it lies on how much of a path."""
        if "E" not in words:
            return
        self._unless(self.molten, "extrudes cold")
        by = words["E"] if self.relative_e else words["E"] - self.e
        self.e += by
        self.drawn -= by
        if self.drawn >= -SLACK:
            self._unless(self.drawn <= 10 + 1e-3, "draws the filament out")
            return
        laid, self.drawn = -self.drawn, 0.0
        self.laid = True
        area = pi / 4 * self.profile.filament**2
        bead = PER_MM * (pi / 4 * 1.75**2) / 0.4**2 * self.profile.nozzle**2
        self._unless(laid * area <= bead * flat + 1e-4, f"a blob of {laid} mm on {flat}")
        self._unless(
            laid * area * self.feed / 60 <= self.profile.flow * path + 1e-5 * self.feed, "too much a second"
        )

    def _go(self, points: list[Point]) -> None:
        """Along a line: on the bed, and around the zones."""
        profile = self.profile
        for x, y in points:
            on = (
                hypot(x, y) <= profile.radius + SLACK
                if profile.radius
                else -SLACK <= x <= profile.width + SLACK and -SLACK <= y <= profile.depth + SLACK
            )
            if not on:  # what a word costs, it would cost at each of some hundred points
                self._unless(False, f"leaves the volume at X{x} Y{y}")
        for zone in map(self._solid, profile.zones):
            for a, b in pairwise(points):
                if not _apart(zone, a, b):
                    self._unless(False, f"hits the zone at {zone.x} {zone.y} from {a} to {b}")

    def _solid(self, zone: Zone) -> Zone:
        """The zone as it stands there: one at the bed's edge also takes what is beyond that edge."""
        p = self.profile
        least, right, back = (-p.radius, p.radius, p.radius) if p.radius else (0.0, p.width, p.depth)
        if zone.radius:
            return zone
        x, over = (-999, zone.x + 999) if zone.x <= least else (zone.x, 0.0)
        y, up = (-999, zone.y + 999) if zone.y <= least else (zone.y, 0.0)
        wide, deep = zone.width + over, zone.depth + up
        wide += 999 * (zone.x + zone.width >= right)
        deep += 999 * (zone.y + zone.depth >= back)
        return Zone(x=x, y=y, width=wide, depth=deep)

    def _unless(self, fine: bool, why: str) -> None:
        if not fine:
            raise Wrong(f"command {self.done}: {why}")


def _apart(zone: Zone, a: Point, b: Point) -> bool:
    """Whether the way misses the zone. How deep a point lies changes no faster than it moves: so halve, and look."""
    length = dist(a, b)
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    away = _away(zone, middle)
    if away < -SLACK:
        return False
    if away >= length / 2 or length < STEP:
        return True
    return _apart(zone, a, middle) and _apart(zone, middle, b)


def _away(zone: Zone, point: Point) -> float:
    """From the zone's edge to a point; below 0 inside."""
    x, y = point
    if zone.radius:
        return dist(point, (zone.x, zone.y)) - zone.radius
    return max(zone.x - x, x - zone.x - zone.width, zone.y - y, y - zone.y - zone.depth)
