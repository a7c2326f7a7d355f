"""A stand-in for a Prusa MK3S's board, at a pty, for a real PrusaLink to talk to.

Written after what Prusa's firmware 3.14 answers to what PrusaLink 0.8 asks. Time runs `speed` times faster.
"""

import contextlib
import math
import os
import re
import select
import threading
import time
import tty
from collections import deque
from collections.abc import Callable, Generator
from pathlib import Path

from tests.waiting import PATIENCE

PLANNED = 16
"""Moves that the planner holds; for a further one, the answer waits."""
ROOM = 22.0

ANSWERS = {
    "PRUSA Fir": ["3.14.0-8094"],
    "PRUSA SN": ["CZPX4720X004XC34242"],
    "M862.2 Q": ["302"],
    "M862.1 Q": ["0.40"],
    "M20 LT": ["Begin file list", "End file list"],
    "M21": ["echo:SD init fail"],
    "M27 P": ["Not SD printing"],
    "M220": ["100%"],
    "M221": ["100%"],
    "M420": ["Mesh bed leveling not active."],
}


class Einsy:
    """The board and its plug. `port` is a link to its end of the line."""

    def __init__(self, port: Path, speed: float) -> None:
        self.port, self._speed = port, speed
        self._log: list[tuple[float, str]] = []
        self._orders: deque[Callable[[], None]] = deque()
        self._master: int | None = None
        self._slave = -1
        self._open = True
        self._reset()
        self._plug()
        self._thread = threading.Thread(target=self._run, name="einsy")
        self._thread.start()

    def plug(self) -> None:
        self._do(self._plug)

    def unplug(self) -> None:
        self._do(self._unplug)

    def restart(self) -> None:
        """The board resets and says so."""
        self._do(self._restart)

    def overheat(self) -> None:
        self._do(self._overheat)

    def forget(self) -> None:
        """Begin a new log."""
        self._do(self._log.clear)

    def executed(self) -> list[str]:
        """The motion lines whose move is over."""
        now = time.monotonic()
        return [line for end, line in list(self._log) if end <= now]

    def close(self) -> None:
        self._open = False
        self._thread.join()
        self._unplug()

    def _do(self, order: Callable[[], None]) -> None:
        done = threading.Event()
        self._orders.append(order)
        self._orders.append(done.set)
        assert done.wait(PATIENCE)

    def _run(self) -> None:
        while self._open:
            while self._orders:
                self._orders.popleft()()
            self._report()
            self._work()
            if self._master is None:
                time.sleep(0.01)
            elif select.select([self._master], [], [], 0.005)[0]:
                self._receive()

    # what the board is

    def _reset(self) -> None:
        now = time.monotonic()
        self._log = [entry for entry in self._log if entry[0] <= now]
        self._buffer = b""
        self._lines: deque[str] = deque()
        self._moves: deque[float] = deque()
        self._job: Generator[None] | None = None
        self._targets = {"nozzle": 0.0, "bed": 0.0}
        self._heat = {"nozzle": ROOM, "bed": ROOM}
        self._heated = now
        self._reports = 0.5  # PrusaLink would switch reports on again a minute after a reset
        self._next_report = self._next_busy = 0.0
        self._at, self._feed = {"X": 0.0, "Y": 0.0, "Z": 0.0}, 3000.0
        self._stopped = False
        self._stats: dict[str, str] = {}

    def _plug(self) -> None:
        self._reset()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(os.ttyname(self._slave))

    def _unplug(self) -> None:
        if self._master is not None:
            os.close(self._master)
            os.close(self._slave)
            self._master = None
            self.port.unlink(missing_ok=True)
            self._reset()

    def _restart(self) -> None:
        self._reset()
        self._say("start", "echo: 3.14.0-8094", "echo: Last Updated: Nov 30 2024")

    def _overheat(self) -> None:
        self._stop()
        self._stopped = True
        self._say(
            "Error: HOTEND THERMAL RUNAWAY",
            "Error:Printer stopped due to errors. Fix the error and use M999 to restart. (Temperature is reset.)",
        )

    def _stop(self) -> None:
        """Nothing planned is moved any more, and the heaters are off."""
        now = time.monotonic()
        self._log = [entry for entry in self._log if entry[0] <= now]
        self._moves.clear()
        self._targets = dict.fromkeys(self._targets, 0.0)

    # what it says and hears

    def _say(self, *lines: str) -> None:
        if self._master is not None and lines:
            with contextlib.suppress(OSError):  # nobody reads
                os.write(self._master, "".join(f"{line}\n" for line in lines).encode())

    def _receive(self) -> None:
        assert self._master is not None
        try:
            self._buffer += os.read(self._master, 4096)
        except OSError:
            return
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            text = re.sub(r"\*\d+$", "", line.decode("ascii", "replace").partition(";")[0].strip()).strip()
            if text := re.sub(r"^N-?\d+ *", "", text):
                self._lines.append(text)

    def _report(self) -> None:
        now = time.monotonic()
        step, self._heated = (now - self._heated) * self._speed * 8, now
        for heater, target in self._targets.items():
            goal = max(target, ROOM)
            self._heat[heater] += max(-step, min(step, goal - self._heat[heater]))
        if self._reports and now >= self._next_report:
            self._next_report = now + self._reports
            self._say(
                self._temperatures(),
                "X:0.00 Y:0.00 Z:0.00 E:0.00 Count X: 0.00 Y:0.00 Z:0.00 E:0.00",
                "E0:0 RPM PRN1:0 RPM E0@:0 PRN1@:0",
            )

    def _temperatures(self) -> str:
        nozzle = f"{self._heat['nozzle']:.1f} /{self._targets['nozzle']:.1f}"
        bed = f"{self._heat['bed']:.1f} /{self._targets['bed']:.1f}"
        return f"T:{nozzle} B:{bed} T0:{nozzle} @:0 B@:0 P:20.0 A:20.0"

    def _work(self) -> None:
        """Go on with the line that is being worked on, else begin the next; those that wait let others wait."""
        while self._job is not None or self._lines:
            if self._job is None:
                self._job = self._obey(self._lines.popleft())
            try:
                next(self._job)
            except StopIteration:
                self._job = None
            else:
                now = time.monotonic()
                if now >= self._next_busy:
                    self._next_busy = now + 1.0
                    self._say("echo:busy: processing")
                return

    def _obey(self, line: str) -> Generator[None]:
        word, _, rest = line.partition(" ")
        self._next_busy = time.monotonic() + 1.0
        if word in {"M104", "M109", "M140", "M190"}:
            yield from self._warm(word, float(rest.removeprefix("S")))
        elif word in {"G0", "G1", "G28", "G92"} and not self._stopped:
            yield from self._until_planned(PLANNED - 1)
            self._plan(word, line, rest)
        elif word in {"G4", "M400", "M84"}:
            yield from self._until_planned(0)
        elif word in {"M601", "M602", "M603"}:
            if word == "M603":
                self._stop()
            self._say("// action:" + {"M601": "paused", "M602": "resumed", "M603": "cancel"}[word])
        else:
            self._tell(line, word, rest)
        self._say("ok")

    def _tell(self, line: str, word: str, rest: str) -> None:
        """Answer what only asks, or sets what is reported."""
        if word == "D3":
            self._memory(rest)
        elif word == "M155":
            self._reports = float(rest[1 : rest.index(" ")]) / 4
        elif word == "M105":
            self._say(self._temperatures())
        elif word == "M73":
            numbers = dict(re.findall(r"([PR])(-?\d+)", rest)) if rest else self._stats
            self._stats = numbers
            for mode in ("NORMAL", "SILENT"):
                percent, minutes = numbers.get("P", "-1"), numbers.get("R", "-1")
                self._say(
                    f"{mode} MODE: Percent done: {percent}; print time remaining in mins: {minutes}; "
                    "Change in mins: -1"
                )
        else:
            self._say(*ANSWERS.get(line, []))

    def _warm(self, word: str, target: float) -> Generator[None]:
        heater = "nozzle" if word in {"M104", "M109"} else "bed"
        self._targets[heater] = target
        while word in {"M109", "M190"} and abs(self._heat[heater] - target) > 1 and self._targets[heater]:
            yield

    def _until_planned(self, count: int) -> Generator[None]:
        """Wait until no more than so many moves are planned."""
        while len(self._moves) > count:
            now = time.monotonic()
            while self._moves and self._moves[0] <= now:
                self._moves.popleft()
            if len(self._moves) > count:
                yield

    def _plan(self, word: str, line: str, rest: str) -> None:
        words = {field[0]: float(field[1:]) for field in rest.split() if len(field) > 1}
        self._feed = words.get("F", self._feed)
        goal = {axis: words.get(axis, at) for axis, at in self._at.items()}
        distance = math.dist(goal.values(), self._at.values())
        seconds = {"G28": 3.0, "G92": 0.0}.get(word, distance / self._feed * 60)
        if word in {"G0", "G1"}:
            self._at = goal
        end = max(self._moves[-1] if self._moves else 0.0, time.monotonic()) + seconds / self._speed
        self._moves.append(end)
        self._log.append((end, line))

    def _memory(self, rest: str) -> None:
        """Read the EEPROM: all zero, but for the names of the steel sheets."""
        match = re.search(r"Ax([0-9A-Fa-f]+) C(\d+)", rest)
        if match is None:
            return
        address, count = int(match[1], 16), int(match[2])
        data = (b"Smooth \0\0\0\0" * 8 if count == 88 else b"").ljust(count, b"\0")
        for at in range(0, count, 16):
            self._say(f"{address + at:04x}  " + " ".join(f"{byte:02x}" for byte in data[at : at + 16]))
