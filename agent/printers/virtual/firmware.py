"""Marlin 2 as a host sees it: bytes in, bytes out, no IO. Time is the printer's own, in seconds, passed in.

After Marlin's `queue.cpp`, `emergency_parser.h`, `temperature.cpp` and the G-codes' own files.
"""

import re
from collections import deque
from collections.abc import Callable
from typing import ClassVar

from agent.printers.virtual.faults import Faults
from agent.printers.virtual.heater import Heater
from agent.printers.virtual.intake import Intake
from agent.printers.virtual.planner import HOMING_SECONDS, Planner

QUEUE = 4
"""Commands that wait behind the one that is executed."""
BUSY_SECONDS = 2.0
WAIT_REPORT_SECONDS = 1.0

BANNER = b"start\necho: External Reset\necho:Marlin 2.1.2.5 (virtual)\necho: Last Updated: 2024-12-14\n"
IDENTITY = (
    b"FIRMWARE_NAME:Marlin 2.1.2.5 (virtual) SOURCE_CODE_URL:github.com/MarlinFirmware/Marlin"
    b" PROTOCOL_VERSION:1.0 MACHINE_TYPE:Virtual EXTRUDER_COUNT:1 UUID:00000000-0000-0000-0000-000000000000\n"
    b"Cap:SERIAL_XON_XOFF:0\nCap:EEPROM:0\nCap:AUTOREPORT_TEMP:1\nCap:AUTOREPORT_POS:0\nCap:PROGRESS:0\n"
    b"Cap:EMERGENCY_PARSER:%d\nCap:HOST_ACTION_COMMANDS:1\nCap:PROMPT_SUPPORT:0\nCap:THERMAL_PROTECTION:1\n"
)
WORD = re.compile(r"([A-Z])\s*([-+]?(?:\d+\.?\d*|\.\d+))?", re.ASCII)
UNLOGGED = frozenset({"M85", "M105", "M108", "M110", "M113", "M114", "M115", "M155", "M400"})
"""What changes nothing in the machine."""
ACCEPTED = frozenset(
    {"G21", "M17", "M18", "M73", "M75", "M77", "M84", "M85", "M106", "M107", "M108", "M110", "M113", "M117"}
    | {"M204", "M205", "M220", "M221"}
)
"""What has no effect that a host could see, but its ok."""

Words = dict[str, float]


class Firmware:
    """One board. `receive` what came, `advance` the time, and send what `take` gives."""

    def __init__(
        self,
        faults: Faults | None = None,
        log: Callable[[str], object] | None = None,
        *,
        emergency: bool = True,
        quiet: float = 0.0,
    ) -> None:
        """`log` gets every executed command; unasked words come no sooner than `quiet` seconds one after the other."""
        self.unplugged = False
        """A fault pulled the cable."""
        self._faults = faults or Faults()
        self._log = log
        self._emergency = emergency
        self._quiet = quiet
        self._out: list[bytes] = []
        self._now = 0.0
        self._reset()

    @property
    def overflowed(self) -> int:
        """Bytes that found no room in the receive buffer."""
        return self._intake.overflowed

    def take(self) -> bytes:
        """The bytes that go to the host."""
        out = b"".join(self._out)
        self._out.clear()
        return b"" if self._silent else out

    def restart(self) -> None:
        """Reset, as by the button; what was hot is still hot."""
        nozzle, bed = self.nozzle.at(self._now), self.bed.at(self._now)
        self._reset()
        self.nozzle.is_at(self._now, nozzle)
        self.bed.is_at(self._now, bed)
        self._out = [BANNER]

    def strike(self, fault: str) -> None:
        """Let a fault begin that is no matter of counting."""
        if fault == "runaway":
            self._kill("Thermal Runaway, system stopped! Heater_ID: 0")
        elif fault == "rise":
            self.nozzle.runs_away = True
        elif fault == "cool":
            self.nozzle.broken = True
        elif fault == "restart":
            self.restart()
        elif fault == "silence":
            self._silent = True
        elif fault == "unplug":
            self.unplugged = True

    def receive(self, data: bytes) -> None:
        """Take bytes from the host; those that find no room are lost."""
        if self.killed:
            return
        for code in self._intake.receive(data):
            if self._emergency:
                self._do_at_once(code)
        self._run()

    def advance(self, now: float) -> float | None:
        """Go on to `now`; gives when to call again at the latest, None if only bytes can change anything."""
        self._now = now
        if self.killed:
            return None
        self._run()
        due: list[float] = []
        if self._report_every:
            if now >= self._report_at:
                self._out.append(b" %b\n" % self._temperatures())
                self._report_at = now + max(self._report_every, self._quiet)
            due.append(self._report_at)
        if self._over is not None:
            if now >= self._said_at:
                self._say_what_takes_long()
            due += [self._said_at, self._over_at]
        return min(due) if due else None

    def _reset(self) -> None:
        self.killed = False
        self.planner = Planner()
        self.nozzle = Heater(rate=2.5, cooling=120)
        self.bed = Heater(rate=1.2, cooling=400)
        self._silent = False
        self._intake = Intake(self._faults, self._out.append, self._ok)
        self._queue: deque[str] = deque()
        self._over: Callable[[float], bool] | None = None
        """Says whether the command that blocks is over."""
        self._over_at = 0.0
        self._heats = False
        self._said_at = 0.0
        self._report_every = 0.0
        self._report_at = 0.0

    def _run(self) -> None:
        """Read and execute until something has to be waited for."""
        while not (self.killed or self.unplugged):
            if self._over is not None:
                if not self._over(self._now):
                    break
                self._over = None
                self._ok()
            elif self._queue:
                self._execute(self._queue.popleft())
            elif self._intake:
                self._read()
            else:
                return
        while self._intake and len(self._queue) < QUEUE and not (self.killed or self.unplugged):
            self._read()

    def _note(self, command: str) -> None:
        if self._log:
            self._log(command)

    def _read(self) -> None:
        command, begun = self._intake.read()
        if command:
            self._queue.append(command)
        for fault in begun:
            self.strike(fault)

    def _execute(self, command: str) -> None:
        code, words = "", Words()
        for letter, number in WORD.findall(command):
            if not code:
                code = letter + number
            else:
                words[letter] = float(number) if number else 0.0
        if code in {"G1", "G0"}:
            self._note(command)
            self._move(words)
            return
        known = code in self._does or code in ACCEPTED
        if known and code not in UNLOGGED:
            self._note(command)
        if code in self._does:
            self._does[code](self, words)
            return
        if not known:
            self._out.append(b'echo:Unknown command: "%b"\n' % command.encode("latin-1", "replace"))
        self._ok()

    def _ok(self, more: bytes = b"") -> None:
        if not (self._faults.any and self._faults.every("lose-ok")):
            self._out.append(b"ok%b\n" % more)

    def _block(self, over: Callable[[float], bool], at: float, *, heats: bool = False) -> None:
        """Hold the ok back until `over`, which is not before `at`."""
        self._over, self._over_at, self._heats = over, at, heats
        self._said_at = self._now + max(WAIT_REPORT_SECONDS if heats else BUSY_SECONDS, self._quiet)

    def _block_until(self, end: float) -> None:
        self._block(lambda now: now >= end, end)

    def _say_what_takes_long(self) -> None:
        if self._heats:
            self._out.append(b" %b W:?\n" % self._temperatures())
        else:
            self._out.append(b"echo:busy: processing\n")
        self._said_at = self._now + max(WAIT_REPORT_SECONDS if self._heats else BUSY_SECONDS, self._quiet)

    def _move(self, words: Words) -> None:
        planner = self.planner
        planner.advance(self._now)
        room = planner.room_at(self._now)
        planner.move(words, self._now)
        if room <= self._now:
            self._ok()
        else:
            self._block_until(room)

    def _home(self, words: Words) -> None:
        end = self.planner.free_at(self._now) + HOMING_SECONDS
        self.planner.home(set(words))
        self._block_until(end)

    def _dwell(self, words: Words) -> None:
        self._block_until(self.planner.free_at(self._now) + words.get("S", words.get("P", 0) / 1000))

    def _finish(self, _: Words) -> None:
        self._block(lambda now: self.planner.free_at(now) <= now, self.planner.free_at(self._now))

    def _quick_stop(self, _: Words) -> None:
        self.planner.stop()
        self._ok()

    def _absolute(self, _: Words) -> None:
        self.planner.absolute = self.planner.absolute_e = True
        self._ok()

    def _relative(self, _: Words) -> None:
        self.planner.absolute = self.planner.absolute_e = False
        self._ok()

    def _absolute_e(self, _: Words) -> None:
        self.planner.absolute_e = True
        self._ok()

    def _relative_e(self, _: Words) -> None:
        self.planner.absolute_e = False
        self._ok()

    def _shift(self, words: Words) -> None:
        self.planner.shift(words)
        self._ok()

    def _heat(self, heater: Heater, words: Words, *, wait: bool) -> None:
        heater.at(self._now)
        heater.target = words.get("S", heater.target)
        if wait and heater.target:
            self._block(heater.is_there, self._now + heater.seconds_to_go(), heats=True)
        else:
            self._ok()

    def _heat_nozzle(self, words: Words) -> None:
        self._heat(self.nozzle, words, wait=False)

    def _wait_for_nozzle(self, words: Words) -> None:
        self._heat(self.nozzle, words, wait=True)

    def _heat_bed(self, words: Words) -> None:
        self._heat(self.bed, words, wait=False)

    def _wait_for_bed(self, words: Words) -> None:
        self._heat(self.bed, words, wait=True)

    def _report(self, words: Words) -> None:
        self._report_every, self._report_at = words.get("S", 0.0), self._now
        self._ok()

    def _tell_temperatures(self, _: Words) -> None:
        self._ok(b" " + self._temperatures())

    def _identify(self, _: Words) -> None:
        self._out.append(IDENTITY % self._emergency)
        self._ok()

    def _tell_position(self, _: Words) -> None:
        self._out.append(b"X:%.2f Y:%.2f Z:%.2f E:%.2f Count X:0 Y:0 Z:0\n" % tuple(self.planner.position))
        self._ok()

    def _stop_for_good(self, _: Words) -> None:
        self._kill()

    def _temperatures(self) -> bytes:
        nozzle, bed = self.nozzle, self.bed
        return b"T:%.2f /%.2f B:%.2f /%.2f @:0 B@:0" % (
            *(nozzle.at(self._now), nozzle.target),
            *(bed.at(self._now), bed.target),
        )

    def _do_at_once(self, code: str) -> None:
        """What the emergency parser does before the line has its turn."""
        if code == "112":
            self._kill()
        elif code == "410":
            self.planner.stop()
        elif self._over is not None and self._heats:
            self._block_until(self._now)

    def _kill(self, why: str = "") -> None:
        if why:
            self._out.append(f"Error:{why}\n".encode())
        self._out.append(b"Error:Printer halted. kill() called!\n")
        self.killed = True
        self.nozzle.target = self.bed.target = 0.0
        self.nozzle.runs_away = False
        self.planner.stop()
        self._queue.clear()

    _does: ClassVar[dict[str, Callable[["Firmware", Words], None]]] = {
        "G4": _dwell,
        "G28": _home,
        "G90": _absolute,
        "G91": _relative,
        "G92": _shift,
        "M82": _absolute_e,
        "M83": _relative_e,
        "M104": _heat_nozzle,
        "M105": _tell_temperatures,
        "M109": _wait_for_nozzle,
        "M112": _stop_for_good,
        "M114": _tell_position,
        "M115": _identify,
        "M140": _heat_bed,
        "M155": _report,
        "M190": _wait_for_bed,
        "M400": _finish,
        "M410": _quick_stop,
    }
