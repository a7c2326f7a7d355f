"""A board as a host sees it: bytes in, bytes out, no IO. Time is the printer's own, in seconds, passed in.

After Marlin's `queue.cpp`, `emergency_parser.h`, `temperature.cpp` and the G-codes' own files. The main loop is the
firmware's: read lines until the command queue is full, execute one, and so on; what blocks stays in the queue.
"""

from collections import deque
from collections.abc import Callable
from math import inf
from random import Random
from typing import ClassVar

from agent.printers.virtual.command import ACCEPTED, UNLOGGED, parse
from agent.printers.virtual.faults import EVERY, Faults
from agent.printers.virtual.intake import Intake
from agent.printers.virtual.machine import MachineModel, Words, Work
from agent.printers.virtual.oks import Oks
from agent.printers.virtual.profile import PROFILES, BoardProfile, capabilities
from agent.printers.virtual.reporter import AutoReporter

MARLIN2 = PROFILES["marlin2"]
PREHEAT = 170.0
"""°C, as a display's menu offers it."""
LEAST_IDLE = 1000
"""How often longer than `quiet` M85 waits at least."""


class Firmware:
    """One board. `receive` what came, `advance` the time, and send what `take` gives."""

    def __init__(
        self,
        faults: Faults | None = None,
        log: Callable[[str], object] | None = None,
        *,
        profile: BoardProfile = MARLIN2,
        emergency: bool | None = None,
        quiet: float = 0.0,
        seed: int = 0,
    ) -> None:
        """`log` gets every executed command; `emergency` overrules the profile; `quiet` as in `AutoReporter`."""
        self.unplugged = False
        """A fault pulled the cable."""
        self.overflowed = 0
        """Bytes that found no room in the receive buffer."""
        self.dropped = 0
        """Bytes that a busy processor did not fetch in time."""
        self._faults = faults or Faults()
        self._log = log
        self._profile = profile
        self._emergency = profile.emergency if emergency is None else emergency
        self._quiet = quiet
        self._random = Random(seed)
        self._out: list[bytes] = []
        self._now = 0.0
        self._reset()

    def take(self) -> bytes:
        """The bytes that go to the host."""
        if not self._out:
            return b""
        out = b"".join(self._out)
        self._out.clear()
        return b"" if self._silent else out

    def restart(self) -> None:
        """Reset, as by the button; what was hot is still hot."""
        self.machine.heat()
        nozzle, bed = self.machine.nozzle.actual, self.machine.bed.actual
        self._reset()
        self.machine.nozzle.is_at(self._now, nozzle)
        self.machine.bed.is_at(self._now, bed)
        self._out = [self._profile.dialect.banner()]

    def strike(self, fault: str) -> None:
        """Let one of `faults.KNOBS` begin now, or with the next line or ok."""
        if fault in EVERY:
            self._faults.arm(fault)
        elif fault == "runaway":
            self._kill("Thermal Runaway, system stopped! Heater_ID: 0")
        elif fault == "mintemp":
            self._kill("MINTEMP triggered, system stopped! Heater_ID: 0")
        elif fault == "rise":
            self.machine.nozzle.at(self._now)
            self.machine.nozzle.runs_away = True
        elif fault == "cool":
            self.machine.nozzle.at(self._now)
            self.machine.nozzle.broken = True
        elif fault == "restart":
            self.restart()
        elif fault == "silence":
            self._silent = True
        elif fault == "unplug":
            self.unplugged = True
        elif fault == "preheat":
            self.machine.nozzle.at(self._now)
            self.machine.nozzle.target = PREHEAT
        elif fault == "press":
            self._go_on()
        else:
            self._say(f"//action:{fault}\n".encode())

    def receive(self, data: bytes) -> None:
        """Take bytes from the host; those that find no room are lost."""
        if self.killed:
            return
        if self._profile.loses and self.machine.planner.shortest:
            data = self._miss(data)
        self._active_at = self._now
        self._reporter.hear()
        intake = self._intake
        while data and not self.killed:
            room = intake.room
            if room <= 0:
                self.overflowed += len(data)
                return
            for code in intake.receive(data[:room]):
                if self._emergency:
                    self._do_at_once(code)
            data = data[room:]
            self._run()

    def advance(self, now: float) -> float | None:
        """Go on to `now`; gives when to call again at the latest, None if only bytes can change anything."""
        due = self._due_at()
        while due <= now and not (self.killed or self.unplugged):
            self._turn_clock(max(self._now, due))
            self._do_what_is_due()
            due = self._due_at()
        self._turn_clock(max(self._now, now))
        return None if due == inf or self.killed else due

    def _reset(self) -> None:
        profile = self._profile
        self.killed = False
        self.machine = MachineModel(profile.dialect, profile.limits, profile.blocks, self._say)
        self.machine.nozzle.is_at(self._now, self.machine.nozzle.actual)
        self.machine.bed.is_at(self._now, self.machine.bed.actual)
        self.machine.now = self._now
        self._silent = False
        self._oks = Oks(self._faults, self._say, self._random if profile.late else None)
        self._intake = Intake(profile, self._faults, self._say, self._ok)
        self._reporter = AutoReporter(
            self.machine, profile.dialect, self._say, self._quiet, waits=profile.waits
        )
        self._queue: deque[tuple[str, int | None]] = deque()
        self._work: Work | None = None
        """What the command does that holds everything up."""
        self._number: int | None = None
        """The number of the command that is executed."""
        self._look_at = inf
        self._idle_limit = 0.0
        self._active_at = self._now

    # Time

    def _turn_clock(self, now: float) -> None:
        self._now = self.machine.now = now

    def _due_at(self) -> float:
        due = min(self._look_at, self._reporter.due_at())
        due = min(due, self._oks.due_at)
        return min(due, self._active_at + self._idle_limit) if self._idle_limit else due

    def _do_what_is_due(self) -> None:
        now = self._now
        self._oks.release(now)
        self._reporter.tell()
        if self._look_at <= now:
            self._run()
        if self._idle_limit and now >= self._active_at + self._idle_limit:
            self.machine.planner.advance(now)
            if self._work is None and self.machine.planner.is_idle:
                self._kill("KILL caused by too much inactive time - current command: ")
            self._active_at = now

    # The main loop

    def _run(self) -> None:
        """Read and execute until something has to be waited for."""
        while True:
            self._fetch()
            if self.killed or self.unplugged:
                return
            if self._work is not None:
                if self._look_at > self._now:
                    return
                self._look_at = next(self._work, -1.0)
                if self._look_at < 0:
                    self._work, self._look_at, self._active_at = None, inf, self._now
                    self._reporter.end()
                    self._ok()
            elif self._queue:
                self._execute(*self._queue.popleft())
            else:
                return

    def _fetch(self) -> None:
        """Read lines until the command queue is full or none is left."""
        intake, queue = self._intake, self._queue
        room = self._profile.queue - (self._work is not None)
        while intake and len(queue) < room:
            taken = intake.read()
            if taken is None:
                continue
            if taken.command:
                queue.append((taken.command, taken.number))
            for fault in taken.begun:
                self.strike(fault)
                if fault in {"restart", "runaway", "mintemp", "unplug"}:
                    return
        if len(queue) < room:
            intake.begin_line()

    def _execute(self, command: str, number: int | None) -> None:
        self._number = number
        code, words = parse(command)
        if code in self._faults.commands and self._is_struck(code):
            return
        does = self.machine.does.get(code)
        tells = self._tells.get(code)
        if tells is not None:
            tells(self, words)
            return
        if self._log and code not in UNLOGGED and (does is not None or code in ACCEPTED):
            self._log(command)
        if does is not None:
            self._work = does(self.machine, words)
            if self._work is not None:
                self._begin_work()
                return
        elif code not in ACCEPTED:
            self._say(self._profile.dialect.unknown(command))
        self._ok()

    def _is_struck(self, code: str) -> bool:
        """Let the faults begin that are due at this command, and say whether that was its end."""
        for fault in self._faults.command(code):
            self.strike(fault)
            if self.killed or fault == "restart":
                return True
        return False

    def _begin_work(self) -> None:
        """Take the first step of what may take long; it is only told of if it does."""
        assert self._work is not None
        self._look_at = next(self._work, -1.0)
        if self._look_at < 0:
            self._work, self._look_at = None, inf
            self._ok()
        else:
            self._reporter.begin()

    def _do_at_once(self, code: str) -> None:
        """What the emergency parser does before the line has its turn."""
        if code == "112":
            self._kill()
        elif code == "410":
            self._stop()
        else:
            self._go_on()

    def _go_on(self) -> None:
        self.machine.go_on()
        self._look_again()

    def _stop(self) -> None:
        self.machine.stop()
        self._look_again()

    def _look_again(self) -> None:
        if self._work is not None:
            self._look_at = self._now

    def _kill(self, why: str = "") -> None:
        if why:
            self._say(f"Error:{why}\n".encode())
        self._say(b"Error:Printer halted. kill() called!\n")
        self.killed = True
        self.machine.stop()
        self.machine.cool()
        self._queue.clear()
        self._work, self._look_at = None, inf

    def _miss(self, data: bytes) -> bytes:
        """What is left of the bytes that come while the processor has no time for them."""
        kept = bytes(byte for byte in data if self._random.randrange(self._profile.loses))
        self.dropped += len(data) - len(kept)
        return kept

    # Words

    def _say(self, words: bytes) -> None:
        self._out.append(words)

    def _ok(self, more: bytes = b"") -> None:
        if self._profile.advanced_ok and not more:
            number = b"" if self._number is None else b" N%d" % self._number
            free = self._profile.queue - len(self._queue) - 1
            more = b"%b P%d B%d" % (number, self.machine.planner.free, free)
        self._oks.say(more, self._now)

    def _tell_temperatures(self, _: Words) -> None:
        machine = self.machine
        machine.heat()
        self._ok(b" " + self._profile.dialect.temperatures(machine.nozzle, machine.bed))

    def _set_number(self, words: Words) -> None:
        if "N" in words:
            self._intake.last = int(words["N"])
        self._ok()

    def _identify(self, _: Words) -> None:
        self._say(self._profile.dialect.identity(capabilities(self._profile, emergency=self._emergency)))
        self._ok()

    def _keep_alive(self, words: Words) -> None:
        self._reporter.busy_every = words.get("S", self._reporter.busy_every)
        self._ok()

    def _limit_idleness(self, words: Words) -> None:
        seconds = words.get("S", 0.0)
        self._idle_limit = max(seconds, LEAST_IDLE * self._quiet) if seconds else 0.0
        self._active_at = self._now
        self._ok()

    def _report_temperatures(self, words: Words) -> None:
        if self._profile.reports_temperatures:
            self._reporter.report_temperatures(words.get("S", 0.0))
        else:
            self._say(self._profile.dialect.unknown("M155"))
        self._ok()

    def _report_positions(self, words: Words) -> None:
        if self._profile.reports_positions:
            self._reporter.report_positions(words.get("S", 0.0))
        else:
            self._say(self._profile.dialect.unknown("M154"))
        self._ok()

    def _stop_for_good(self, _: Words) -> None:
        self._kill()

    _tells: ClassVar[dict[str, "Callable[[Firmware, Words], None]"]] = {
        "M85": _limit_idleness,
        "M105": _tell_temperatures,
        "M110": _set_number,
        "M112": _stop_for_good,
        "M113": _keep_alive,
        "M115": _identify,
        "M154": _report_positions,
        "M155": _report_temperatures,
    }
    """What concerns the conversation, not the machine."""
