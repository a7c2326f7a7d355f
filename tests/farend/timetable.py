"""A print in virtual time, for far ends that need no firmware: when which line is over."""

import math
import time


class Timetable:
    """One print; its time stands still while it is held."""

    def __init__(self, path: str, lines: list[str], speed: float) -> None:
        self.path = path
        self.targets: list[tuple[float, str, float]] = []
        """When which heater gets which target."""
        self.log: list[tuple[float, str]] = []
        """When which motion is over."""
        self._speed, self._run, self._since = speed, 0.0, time.monotonic()
        self._going = True
        at, feed, end = {"X": 0.0, "Y": 0.0, "Z": 0.0}, 3000.0, 0.0
        for line in filter(None, lines):
            word, *rest = line.split()
            words = {part[0]: float(part[1:]) for part in rest if len(part) > 1}
            if word in {"M104", "M109", "M140", "M190"}:
                self.targets.append((end, "nozzle" if word in {"M104", "M109"} else "bed", words["S"]))
                end += 20.0 if word in {"M109", "M190"} else 0.0
            if word in {"G0", "G1"}:
                feed = words.get("F", feed)
                goal = {axis: words.get(axis, place) for axis, place in at.items()}
                end += math.dist(goal.values(), at.values()) / feed * 60
                at = goal
            if word in {"G0", "G1", "G28", "G92"}:
                end += 3.0 if word == "G28" else 0.0
                self.log.append((end, line))
        self.length = end

    @property
    def now(self) -> float:
        return self._run + (time.monotonic() - self._since) * self._speed * self._going

    @property
    def progress(self) -> float:
        return min(100.0, 100.0 * self.now / self.length) if self.length else 100.0

    def hold(self) -> None:
        self._run, self._going = self.now, False

    def go_on(self) -> None:
        self._since, self._going = time.monotonic(), True
