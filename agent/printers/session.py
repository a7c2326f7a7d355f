"""What is done with a printer from the moment its port is open until it is lost: greet, print, pause, cancel, stop.

Pure as the line discipline below it: bytes in, bytes out, time passed in. The pump around it moves the bytes.
"""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from agent.printers.driver import Condition, Ending, Heat, PrinterError, Status
from agent.printers.marlin import Acknowledged, Broken, Event, Exhausted, Marlin
from agent.printers.modes import Modes
from agent.printers.record import Record
from agent.printers.replies import (
    Action,
    Capability,
    Identity,
    Killed,
    Position,
    Reading,
    Restarted,
    Temperatures,
)
from agent.printers.watchdog import Watchdog

BOOT_SECONDS = 0.3
"""A board that does not reset when its port is opened says nothing; one that does says `start`."""
GREETING_SECONDS = 40.0
"""After so much silence the greeting begins anew."""
LIFT = 5.0
POLL_SECONDS = 2.0
URGE_SECONDS = 0.5
OFF = (b"M104 S0", b"M140 S0", b"M107")
STOP = b"\nM108\nM112\nM104 S0\nM140 S0\n"
"""Everything at once: what an emergency parser sees, and what the queue would."""


class Stage(StrEnum):
    """Where a session stands."""

    GREETING = "greeting"
    IDLE = "idle"
    PRINTING = "printing"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    FAULT = "fault"


CONDITIONS = {
    Stage.GREETING: Condition.UNREACHABLE,
    Stage.IDLE: Condition.IDLE,
    Stage.PRINTING: Condition.PRINTING,
    Stage.PAUSING: Condition.PRINTING,
    Stage.PAUSED: Condition.PAUSED,
    Stage.CANCELLING: Condition.PRINTING,
    Stage.FAULT: Condition.FAULT,
}


class Session:
    """One open port. `record` is what has to outlive it; whoever runs the session writes it down when it changes."""

    def __init__(self, record: Record, now: float) -> None:
        self.record = record
        self.stage = Stage.GREETING
        self._marlin = Marlin()
        self._watchdog = Watchdog(now)
        self._nozzle: Heat | None = None
        self._bed: Heat | None = None
        self._capabilities: set[str] = set()
        self._is_marlin = False
        self._raw: list[bytes] = []
        self._greet_at = now + BOOT_SECONDS
        self._greeted = False
        self._poll_at = now
        self._urge_at = now
        self._lines = 0
        self._top = 0.0
        self._furthest = 0.0
        self._moves = Modes()
        self._position: Position | None = None
        self._paused_at = 0.0
        if record.runs:
            self._end(Ending.FAILED, "the process that drives the printer died; the heaters are switched off")

    # Orders

    def start(
        self, attempt: str, lines: Iterator[bytes], count: int, seconds: float, top: float, now: float
    ) -> None:
        """Print `count` lines; `top` is how high a lift may go in mm, 0 for no lift.

        Raises:
            PrinterError: the printer is not idle, that attempt was made already, or there are no lines.
        """
        if not count:
            raise PrinterError("the file is empty")
        if self.stage is not Stage.IDLE:
            raise PrinterError(f"the printer is {self.stage}, not idle: it can't start")
        if attempt == self.record.attempt:
            raise PrinterError(f"attempt {attempt} was made already: it is not made twice")
        self.record = Record(attempt=attempt, hot=True)
        self.stage = Stage.PRINTING
        self._lines, self._top, self._furthest = count, top, 0.0
        self._moves = Modes()
        self._watchdog.begin(seconds, now)
        self._marlin.renumber()
        if self._is_marlin:
            self._marlin.send(b"M85 S300")  # the board stops itself if nobody talks to it any more
        self._marlin.feed(self._moves.follow(lines))

    def pause(self, now: float) -> None:
        """Stop feeding, let what is planned finish, and lift the nozzle.

        Raises:
            PrinterError: nothing runs that could be paused.
        """
        if self.stage is not Stage.PRINTING:
            raise PrinterError(f"the printer is {self.stage}: there is nothing to pause")
        self.stage = Stage.PAUSING
        self._paused_at = now
        self._position = None
        self._marlin.hold()
        self._marlin.send(b"M400", *self._guard(b"M85 S0"), b"M114", b"M105", tag="drained")

    def resume(self, now: float) -> None:
        """Go back to where the print stood, and go on.

        Raises:
            PrinterError: nothing is paused.
        """
        if self.stage is not Stage.PAUSED:
            raise PrinterError(f"the printer is {self.stage}: there is nothing to resume")
        self.stage = Stage.PRINTING
        self._watchdog.wait(now - self._paused_at)
        self._marlin.send(*self._lower(), *self._guard(b"M85 S300"))
        self._marlin.go_on()

    def cancel(self, now: float) -> None:
        """Stop, switch the heaters off, let go of the motors.

        Raises:
            PrinterError: nothing runs.
        """
        if self.stage not in {Stage.PRINTING, Stage.PAUSING, Stage.PAUSED, Stage.CANCELLING}:
            raise PrinterError(f"the printer is {self.stage}: there is nothing to cancel")
        if self.stage is Stage.CANCELLING:
            return
        self.stage = Stage.CANCELLING
        self._marlin.drop()
        if "EMERGENCY_PARSER" in self._capabilities:
            self._marlin.urge(b"M108")
            self._marlin.urge(b"M410")
        self._urge_at = now + URGE_SECONDS
        self._cool("cancelled")

    def leave(self) -> None:
        """The port will be closed: let the firmware talk no more by itself."""
        if self.stage is Stage.IDLE and "AUTOREPORT_TEMP" in self._capabilities:
            self._marlin.send(b"M155 S0")

    def abandon(self) -> None:
        """This process is told to end in the middle of a print: nobody would watch over it any more."""
        if self.record.runs:
            self._raw.append(b"\nM108\nM410\nM104 S0\nM140 S0\nM84\n")
            self._end(
                Ending.FAILED, "the process that drives the printer was ended; the heaters were switched off"
            )

    def lose(self, why: str) -> None:
        """The port is gone."""
        if self.record.runs:
            self._end(
                Ending.FAILED,
                f"{why} in the middle of the print; the heaters may still be on: look at the printer now",
            )

    def status(self) -> Status:
        """One look."""
        record = self.record
        return Status(
            condition=CONDITIONS[self.stage],
            attempt=record.attempt,
            ending=record.ending,
            why=record.why or ("the printer does not answer yet" if self.stage is Stage.GREETING else ""),
            progress=self._progress() if record.runs else record.progress,
            nozzle=self._nozzle,
            bed=self._bed,
        )

    # The wire

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the printer."""
        for event in self._marlin.receive(data, now):
            self._handle(event, now)

    def tick(self, now: float) -> None:
        """Let time pass."""
        for event in self._marlin.tick(now):
            self._handle(event, now)
        if self.stage is Stage.GREETING:
            if not self._greeted and now >= self._greet_at:
                self._greet()
            elif self._greeted and self._marlin.silent_for(now) > GREETING_SECONDS:
                self._greet_anew(now)
            return
        if self.stage is Stage.FAULT:
            return
        if self.stage is Stage.CANCELLING and now >= self._urge_at:
            self._urge_at = now + URGE_SECONDS
            if "EMERGENCY_PARSER" in self._capabilities and self._marlin.waits_for_heat():
                self._marlin.urge(b"M108")  # a wait that began after the first one is not ended by it
        reports = "AUTOREPORT_TEMP" in self._capabilities
        if not reports and now >= self._poll_at and not self._marlin.has_orders():
            self._poll_at = now + POLL_SECONDS
            self._marlin.send(b"M105")
        wrong = self._watchdog.look(
            now, self._marlin.silent_for(now), long=self._marlin.allowance() > 60, reports=reports
        )
        if wrong and self.record.runs:
            self._stop_for_safety(wrong)
        elif wrong:
            self._greet_anew(now)

    def transmit(self, now: float) -> bytes:
        """The bytes to send now."""
        out = b"".join(self._raw)
        self._raw.clear()
        if self.stage is Stage.FAULT or (self.stage is Stage.GREETING and not self._greeted):
            return out
        more, events = self._marlin.transmit(now)
        for event in events:
            self._handle(event, now)
        if events:
            more += self._marlin.transmit(now)[0]
        return out + more

    def wake_at(self, now: float) -> float:
        """When `tick` has something to do, at the latest in a second."""
        due = self._marlin.wake_at()
        if self.stage is Stage.GREETING and not self._greeted:
            due = self._greet_at
        return now + 1.0 if due is None else min(due, now + 1.0)

    # Events

    def _handle(self, event: Event, now: float) -> None:
        if isinstance(event, Temperatures):
            self._see(event, now)
        elif isinstance(event, Acknowledged):
            self._pass(event.tag, now)
        elif isinstance(event, Exhausted):
            self._finish()
        elif isinstance(event, Restarted):
            self._restart(now)
        elif isinstance(event, Killed):
            self._fail(f"the printer stopped itself: {event.why}. Look at it, then reset it", Stage.FAULT)
        elif isinstance(event, Broken):
            self._stop_for_safety(event.why)
        elif isinstance(event, Position):
            self._position = event
        elif isinstance(event, Identity):
            self._is_marlin = "marlin" in event.firmware.lower()
        elif isinstance(event, Capability):
            if event.on:
                self._capabilities.add(event.name)
        elif isinstance(event, Action):
            self._act(event, now)

    def _act(self, action: Action, now: float) -> None:
        """Somebody pressed a button on the printer."""
        if action.name == "pause" and self.stage is Stage.PRINTING:
            self.pause(now)
        elif action.name == "resume" and self.stage is Stage.PAUSED:
            self.resume(now)
        elif action.name == "cancel" and self.record.runs:
            self.cancel(now)

    def _pass(self, tag: str, now: float) -> None:
        """A fence was passed."""
        if tag == "greeted":
            self._set_reports()
            self.stage = Stage.IDLE
            self._watchdog = Watchdog(now)
            self.record = msgspec.structs.replace(self.record, hot=False)
        elif tag == "ended":
            self._end(Ending.DONE)
        elif tag == "drained" and self.stage is Stage.PAUSING:
            self._marlin.send(*self._raise(), b"M105", tag="parked")
        elif tag == "parked" and self.stage is Stage.PAUSING:
            self.stage = Stage.PAUSED
        elif tag == "cancelled":
            if any(heat and heat.target for heat in (self._nozzle, self._bed)):
                self._cool("cancelled")
            else:
                self._end(Ending.CANCELLED)

    def _see(self, told: Temperatures, now: float) -> None:
        self._nozzle = _heat(told.nozzle, self._nozzle)
        self._bed = _heat(told.bed, self._bed)
        if self.stage in {Stage.GREETING, Stage.FAULT}:
            return
        if wrong := self._watchdog.see(self._nozzle, self._bed, now):
            self._stop_for_safety(wrong)

    def _restart(self, now: float) -> None:
        if self.record.runs:
            self._end(Ending.FAILED, "the printer restarted in the middle of the print")
        self._greet_anew(now)

    def _greet_anew(self, now: float) -> None:
        """Ask who is there, as if the port had just been opened."""
        self.stage = Stage.GREETING
        self._marlin = Marlin()
        self._capabilities.clear()
        self._greeted = False
        self._greet_at = now + BOOT_SECONDS

    def _fail(self, why: str, stage: Stage) -> None:
        if self.stage is Stage.FAULT:
            return
        if self.record.runs:
            self._end(Ending.FAILED, why)
        else:
            self.record = msgspec.structs.replace(self.record, why=why)
        self.stage = stage

    def _stop_for_safety(self, why: str) -> None:
        """The watchdog barks: everything off, and a person has to look."""
        if self.stage is not Stage.FAULT:
            self._raw.append(STOP)
        self._fail(f"stopped for safety: {why}. Look at the printer, then reset it", Stage.FAULT)

    def _end(self, ending: Ending, why: str = "") -> None:
        done = ending is Ending.DONE
        progress = 1.0 if done else max(self._progress(), self.record.progress)
        cold = ending in {Ending.DONE, Ending.CANCELLED}
        self.record = msgspec.structs.replace(
            self.record, ending=ending, why=why, progress=progress, hot=not cold
        )
        self._watchdog.end()
        self._marlin.drop()
        if self.stage is not Stage.GREETING:
            self.stage = Stage.IDLE

    # Words

    def _greet(self) -> None:
        self._greeted = True
        self._raw.append(b"\n")
        if self.record.hot:
            self._raw.append(b"M108\nM410\n")
        self._marlin.renumber()
        if self.record.hot:
            self._marlin.send(b"M410", *OFF, b"M84")
        self._marlin.send(b"M115")
        self._marlin.send(b"M105", tag="greeted")

    def _set_reports(self) -> None:
        if "AUTOREPORT_TEMP" in self._capabilities:
            self._marlin.send(b"M155 S2")

    def _finish(self) -> None:
        self._marlin.send(b"M400", *self._guard(b"M85 S0"), b"M105", tag="ended")

    def _cool(self, tag: str) -> None:
        self._marlin.send(b"M410", *OFF, b"M400", b"M84", *self._guard(b"M85 S0"), b"M105", tag=tag)

    def _guard(self, command: bytes) -> list[bytes]:
        """The firmware's own idle stop, where we know what it means."""
        return [command] if self._is_marlin else []

    def _raise(self) -> list[bytes]:
        """Lift the nozzle off the part, if it is known where it is and that there is room; E, X and Y stay."""
        if self._position is None or not self._moves.can_lift or self._position.z + LIFT > self._top:
            self._position = None
            return []
        return [b"G1 Z%.2f F600" % (self._position.z + LIFT), b"M400"]

    def _lower(self) -> list[bytes]:
        if self._position is None:
            return []
        return [
            b"G1 Z%.2f F600" % self._position.z,
            *([b"G1 " + self._moves.feed] if self._moves.feed else []),
        ]

    def _progress(self) -> float:
        """By lines that the firmware took; a line that is asked for again does not turn it back."""
        if self._lines:
            self._furthest = max(self._furthest, min(self._marlin.executed / self._lines, 0.999))
        return self._furthest


def _heat(reading: Reading | None, last: Heat | None) -> Heat | None:
    """A reading whose target is not told keeps the last one."""
    if reading is None:
        return last
    target = reading.target if reading.target is not None else (last.target if last else 0.0)
    return Heat(reading.actual, target)
