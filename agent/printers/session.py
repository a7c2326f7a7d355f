"""What is done with a printer from the moment its port is open until it is lost: greet, print, pause, cancel, stop.

Pure as the line discipline below it: bytes in, bytes out, time passed in. The pump around it moves the bytes.
"""

from collections.abc import Callable, Iterator

import msgspec

from agent.printers import diagnosis
from agent.printers.bell import Bell
from agent.printers.board import Board
from agent.printers.brake import Brake
from agent.printers.course import Course
from agent.printers.driver import Condition, Ending, Heat, PrinterError, Status
from agent.printers.hand import OtherHand
from agent.printers.job import Job
from agent.printers.marlin import Acknowledged, Broken, Event, Exhausted, Halted, Marlin
from agent.printers.record import Record
from agent.printers.replies import (
    Action,
    Busy,
    Capability,
    Complaint,
    Identity,
    Killed,
    Position,
    Reading,
    Restarted,
    SdCard,
    Temperatures,
)
from agent.printers.rest import Rest
from agent.printers.revival import PROBE, Printing, Revival
from agent.printers.setup import Setup
from agent.printers.stage import CONDITIONS, PASSES, PROVEN, Stage
from agent.printers.watchdog import Watchdog

__all__ = ["Session", "Stage"]

BOOT_SECONDS = 0.3
"""A board that does not reset when its port is opened says nothing; one that does says `start`."""
GREETING_SECONDS = 40.0
"""After so much silence the greeting begins anew."""
REVIVING_SECONDS = 30.0
"""A board that could go on has told where it stands by then."""
POLL_SECONDS = 2.0
ASK_SECONDS = 10.0
"""How often an idle printer is asked whether somebody else uses it."""
URGE_SECONDS = 0.5
WATCH_SECONDS = 0.2
CANCEL_SECONDS = 1800.0
TRIES = 5
OFF = (b"M104 S0", b"M140 S0", b"M107")


class Session:
    """One open port. `record` is what has to outlive it; whoever runs the session writes it down when it changes."""

    def __init__(
        self,
        record: Record,
        now: float,
        setup: Setup | None = None,
        *,
        anew: bool = True,
        revival: Callable[[Printing, Job], Revival] | None = None,
    ) -> None:
        """Begin with an open port.

        Args:
            record: what is known of the last print.
            now: seconds, as everywhere here.
            setup: what the owner says.
            anew: whether this process has just begun: then a start that the board says is our doing.
            revival: finds what is left of a print that may go on; None if none may.
        """
        self.record = record
        self.stage = Stage.GREETING
        self.board = Board()
        self.brake = Brake((setup or Setup(port="")).dtr, now, opened=anew and bool(record.fault))
        self._setup = setup or Setup(port="")
        self._marlin = Marlin(self._setup.window)
        self._watchdog = Watchdog(now)
        self._hand = OtherHand()
        self._bell = Bell()
        self._job = Job()
        self._nozzle: Heat | None = None
        self._bed: Heat | None = None
        self._raw: list[bytes] = []
        self._greet_at = now + BOOT_SECONDS
        self._greeted = False
        self._poll_at = self._ask_at = self._urge_at = self._watch_at = now
        self._paused_at = 0.0
        self._paused_by_printer = False
        self._verdict: tuple[Ending, str] = (Ending.CANCELLED, "")
        """What becomes of the print once it has stopped."""
        self._stop_by = 0.0
        self._tries = 0
        self._revival: Revival | None = None
        if record.runs and revival and record.printing:
            self._begin_revival(revival, record.printing, now)
        elif record.runs:
            self._end(Ending.FAILED, diagnosis.DIED)
        if record.fault:
            self.stage = Stage.FAULT
            self._raw.append(b"\nM104 S0\nM140 S0\n")

    # Orders

    def start(
        self,
        attempt: str,
        lines: Iterator[bytes],
        printing: Printing,
        now: float,
        course: Course | None = None,
    ) -> None:
        """Print `lines`.

        Raises:
            PrinterError: the printer is not idle, that attempt was made already, or there are no lines.
        """
        if not printing.count:
            raise PrinterError("the file is empty")
        if self.stage is not Stage.IDLE:
            raise PrinterError(f"the printer is {self.stage}, not idle: it can't start")
        if why := self._hand.why(now):
            raise PrinterError(f"the printer is in use: {why}")
        if attempt == self.record.attempt:
            raise PrinterError(f"attempt {attempt} was made already: it is not made twice")
        self.record = Record(attempt=attempt, hot=True, printing=printing if self._setup.goes_on else None)
        self.stage = Stage.PRINTING
        self._job = Job(printing.count, Rest(printing.top, self._setup.park), course)
        self._bell.silence()
        self._watchdog.begin(printing.seconds, now)
        self._marlin.renumber()
        if self.board.reports_place:
            self._marlin.send(b"M154 S0")  # a position has to be an answer from now on
        self._marlin.send(*self.board.guard(on=True))
        self._marlin.feed(self._job.read(lines))

    def pause(self, now: float) -> None:
        """Stop feeding, let what is planned finish, and lift the nozzle.

        Raises:
            PrinterError: nothing runs that could be paused.
        """
        if self.stage is not Stage.PRINTING:
            raise PrinterError(f"the printer is {self.stage}: there is nothing to pause")
        self.stage = Stage.PAUSING
        self._paused_at, self._tries = now, 0
        self._marlin.hold()
        self._prove("drained", b"M400", *self.board.guard(on=False))

    def resume(self, now: float) -> None:
        """Go back to where the print stood, and go on.

        Raises:
            PrinterError: nothing is paused.
        """
        if self.stage is not Stage.PAUSED:
            raise PrinterError(f"the printer is {self.stage}: there is nothing to resume")
        self.stage = Stage.PRINTING
        self._bell.silence()
        self._watchdog.wait(now - self._paused_at)
        if self._paused_by_printer:
            self._marlin.send(b"M108", *([b"M876 S0"] if self.board.prompts else []))
        self._paused_by_printer = False
        self._marlin.send(*self._job.rest.lower(self._job.modes), *self.board.guard(on=True))
        self._marlin.go_on()

    def cancel(self, now: float) -> None:
        """Stop, switch the heaters off, park, let go of the motors.

        Raises:
            PrinterError: nothing runs.
        """
        if self.stage not in {Stage.PRINTING, Stage.PAUSING, Stage.PAUSED, Stage.CANCELLING}:
            raise PrinterError(f"the printer is {self.stage}: there is nothing to cancel")
        if self.stage is not Stage.CANCELLING:
            self._stop_print(Ending.CANCELLED, "", now)

    def reset(self, now: float) -> None:
        """A person has looked at the printer: a fault is over.

        Raises:
            PrinterError: a print runs.
        """
        if self.record.runs:
            raise PrinterError("a print runs: cancel it first")
        self.record = msgspec.structs.replace(self.record, fault="")
        self.brake.reset(now)
        self._greet_anew(now)

    def knock(self, now: float) -> None:
        """Nobody was understood: greet once more, as the port speaks at another rate now."""
        if self.stage is Stage.GREETING:
            self._greet_anew(now)

    def leave(self) -> None:
        """The port will be closed: let the firmware talk no more by itself."""
        if self.stage is Stage.IDLE:
            self._marlin.send(*self.board.farewell())

    def abandon(self) -> None:
        """This process is told to end in the middle of a print: nobody would watch over it any more."""
        if self.record.runs:
            self._raw.append(b"\nM108\nM410\nM104 S0\nM140 S0\nM84\n")
            self._end(Ending.FAILED, diagnosis.ENDED)

    def lose(self) -> None:
        """The port is gone."""
        if self.record.runs:
            self._end(Ending.FAILED, diagnosis.lost(self._job.modes.layer))

    def status(self, now: float) -> Status:
        """One look."""
        record = self.record
        condition, why = CONDITIONS[self.stage], record.fault or record.why
        if self.stage is Stage.GREETING:
            why = why or diagnosis.NO_ANSWER
        elif self.stage is Stage.IDLE and (used := self._hand.why(now)):
            condition, why = Condition.BUSY, f"The printer is in use: {used}"
        elif record.runs:
            why = self._bell.text(now) or self._waits_for()
        return Status(
            condition=condition,
            attempt=record.attempt,
            ending=record.ending,
            why=why,
            progress=self._progress() if record.runs else record.progress,
            nozzle=self._nozzle,
            bed=self._bed,
        )

    @property
    def trail(self) -> list[int]:
        """Numbers that went to commands that don't stand in the file, since they were last taken from here."""
        return self._marlin.trail

    @property
    def is_understood(self) -> bool:
        """Whether anything that a printer says has come."""
        return self._marlin.is_understood

    def has_homework(self) -> bool:
        """Whether there is something to compute, and time for it."""
        if self.stage is Stage.REVIVING:
            return self._revival is not None and self._revival.done > 0 and not self._greeted
        course = self._job.course
        if course is None or course.is_known or self.stage is not Stage.PRINTING:
            return False
        return self._marlin.waits_for_heat()

    def study(self) -> None:
        """Do a little of it."""
        if self._revival is None:
            self._job.study()
        elif self._revival.wind():
            self._greeted = True
            self._marlin.go_on_after(self._revival.last)
            self._prove("found", b"M400")

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
        elif self.stage is Stage.FAULT:
            self.brake.tick(now)
        elif self.stage is Stage.REVIVING:
            self._revive(now)
        else:
            self._ask(now)
            self._watch(now)

    def transmit(self, now: float) -> bytes:
        """The bytes to send now."""
        out = b"".join(self._raw)
        self._raw.clear()
        if self.stage is Stage.FAULT or (
            self.stage in {Stage.GREETING, Stage.REVIVING} and not self._greeted
        ):
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
        if self.stage in {Stage.GREETING, Stage.REVIVING} and not self._greeted:
            due = self._greet_at
        return now + 1.0 if due is None else min(due, now + 1.0)

    # Time

    def _ask(self, now: float) -> None:
        """Ask for what the board does not tell by itself, and hurry it on where it may be hurried."""
        if self.stage is Stage.CANCELLING and now >= self._urge_at:
            self._urge_at = now + URGE_SECONDS
            if self.board.parses_at_once and self._marlin.waits_for_heat():
                self._marlin.urge(b"M108")  # a wait that began after the first one is not ended by it
        if self._marlin.has_orders():
            return
        if now >= self._poll_at:
            self._poll_at = now + POLL_SECONDS
            if not self.board.reports_heat:
                self._marlin.send(b"M105")
        if self.stage is Stage.IDLE and now >= self._ask_at:
            self._ask_at = now + ASK_SECONDS
            self._marlin.send(*([] if self.board.reports_place else [b"M114"]))
            self._marlin.send(*([b"M27"] if self.board.may_have_card else []))

    def _watch(self, now: float) -> None:
        if now < self._watch_at:
            return
        self._watch_at = now + WATCH_SECONDS
        marlin = self._marlin
        patience = marlin.allowance()
        wrong = self._watchdog.look(
            now, marlin.silent_for(now), patience=patience, reports=self.board.reports_heat
        )
        if self.stage is Stage.CANCELLING and now > self._stop_by:
            wrong = diagnosis.SLOW_CANCEL
        if wrong and self.record.runs:
            self._stop_for_safety(wrong, now)
        elif wrong:
            self._greet_anew(now)

    # Events

    def _handle(self, event: Event, now: float) -> None:
        if isinstance(event, Temperatures):
            self._see(event, now)
        elif isinstance(event, Acknowledged):
            self._pass(event.tag, now)
        elif isinstance(event, Exhausted):
            self._finish(now)
        elif isinstance(event, Halted):
            self._bell.ring(f"The file asks for you ({event.line}): resume when you are done")
            if self.stage is Stage.PRINTING:
                self.pause(now)
        elif isinstance(event, Restarted):
            self._restart(now)
        elif isinstance(event, Killed):
            self.brake.confirm()
            self._fail(diagnosis.killed(event.why))
        elif isinstance(event, Broken):
            self._stop_for_safety(event.why, now)
        elif isinstance(event, Identity | Capability):
            self.board.hear(event)
        else:
            self._notice_or_act(event, now)

    def _notice_or_act(self, event: Position | SdCard | Complaint | Busy | Action, now: float) -> None:
        if isinstance(event, Position):
            self._job.rest.hear(event)
            self.board.tells_place = True
            if self.stage is Stage.IDLE:
                self._hand.see_place(event, now)
        elif isinstance(event, SdCard):
            if self.stage is Stage.IDLE:
                self._hand.see_card(event, now)
        elif isinstance(event, Complaint):
            if self.stage in {Stage.PRINTING, Stage.PAUSING}:
                self._stop_print(Ending.FAILED, diagnosis.refused(event.what, self._job.modes.layer), now)
        elif isinstance(event, Busy):
            if event.for_user:
                self._bell.ring_once(now)
        else:
            self._act(event, now)

    def _act(self, action: Action, now: float) -> None:
        """Somebody pressed a button on the printer, or it asks for somebody."""
        self._bell.hear(action)
        name = action.name.partition(" ")[0]
        if name == "pause" and self.stage is Stage.PRINTING:
            self.pause(now)
        elif name == "paused" and self.stage is Stage.PRINTING:
            self._marlin.hold()
            self.stage, self._paused_at, self._paused_by_printer = Stage.PAUSED, now, True
        elif name in {"resume", "resumed"} and self.stage is Stage.PAUSED:
            self._paused_by_printer = False
            self.resume(now)
        elif name == "cancel" and self.record.runs:
            self.cancel(now)

    def _pass(self, tag: str, now: float) -> None:
        """A fence was passed."""
        if self.stage not in PASSES.get(tag, frozenset[Stage]()):
            return
        if tag == "greeted":
            self._welcome(now)
        elif tag in PROVEN and self.board.tells_place and self._job.rest.position is None:
            self._tries += 1
            if self._tries > TRIES:
                self._stop_for_safety("it does not tell where its head is", now)
            else:
                self._prove(tag)
        elif tag == "found":
            self._go_on(now)
        elif tag == "ended":
            self._end(Ending.DONE)
            self._rest_from_print(now)
        elif tag == "drained":
            self._marlin.send(*self._job.rest.lift(self._job.modes), b"M105", tag="parked")
        elif tag == "parked":
            self.stage = Stage.PAUSED
        elif tag == "stopped":
            self._marlin.send(
                *self._job.rest.park(self._job.modes), b"M400", b"M84", *self.board.guard(on=False)
            )
            self._marlin.send(b"M105", tag="cooled")
        elif tag == "cooled":
            self._check_cold(now)

    def _welcome(self, now: float) -> None:
        """The board has told who it is, and is cold if it had to be."""
        if self.record.runs:
            self._end(*self._verdict)  # it was cancelled by a reset
        self._marlin.send(*self.board.habits())
        self._watchdog = Watchdog(now)
        self.record = msgspec.structs.replace(self.record, hot=False)
        self.stage = Stage.IDLE
        self._rest_from_print(now)

    def _rest_from_print(self, now: float) -> None:
        """From now on whatever moves or heats is not our doing."""
        self._hand = OtherHand()
        self._ask_at = now + ASK_SECONDS
        self._bell.silence()
        if self.board.reports_place:
            self._marlin.send(b"M154 S5")

    def _check_cold(self, now: float) -> None:
        if not any(heat and heat.target for heat in (self._nozzle, self._bed)):
            self._end(*self._verdict)
            self._rest_from_print(now)
            return
        self._tries += 1
        if self._tries > TRIES:
            self._stop_for_safety(diagnosis.STAYS_HOT, now)
        else:
            self._marlin.send(*OFF, b"M105", tag="cooled")

    def _see(self, told: Temperatures, now: float) -> None:
        self._nozzle = _heat(told.nozzle, self._nozzle)
        self._bed = _heat(told.bed, self._bed)
        if self.stage in {Stage.GREETING, Stage.REVIVING, Stage.FAULT}:
            return
        if self.stage is Stage.IDLE:
            self._hand.see_heat(self._nozzle, self._bed, now)
        if wrong := self._watchdog.see(self._nozzle, self._bed, now):
            self._stop_for_safety(wrong, now)

    def _restart(self, now: float) -> None:
        """The board came up: by our own doing, by a person's, or because its power failed."""
        ours = self.brake.is_ours(now)
        if self.stage is Stage.FAULT:
            if ours:
                return
            self.record = msgspec.structs.replace(self.record, fault="")
        elif self.stage is Stage.REVIVING:
            self._end(Ending.FAILED, diagnosis.DIED)
        elif self.record.runs and not ours:
            self._end(Ending.FAILED, diagnosis.restarted(self._job.modes.layer))
        self._greet_anew(now)

    def _greet_anew(self, now: float) -> None:
        """Ask who is there, as if the port had just been opened."""
        self.stage = Stage.GREETING
        self._marlin = Marlin(self._setup.window)
        self.board = Board()
        self._greeted, self._revival = False, None
        self._greet_at = now + BOOT_SECONDS

    # Endings

    def _stop_print(self, ending: Ending, why: str, now: float) -> None:
        """Stop as soon as the firmware listens, and end the attempt when all stands still and is off."""
        self.stage = Stage.CANCELLING
        self._verdict, self._tries = (ending, why), 0
        self._stop_by = now + CANCEL_SECONDS
        self._urge_at = now + URGE_SECONDS
        self._marlin.drop()
        if self.board.parses_at_once:
            self._marlin.urge(b"M108")
            self._marlin.urge(b"M410")
        elif self._marlin.waits_for_heat():
            self.brake.reset_to_cancel(now)
        self._prove("stopped", b"M410", *OFF, b"M400")

    def _fail(self, why: str) -> None:
        if self.stage is Stage.FAULT:
            return
        if self.record.runs:
            self._end(Ending.FAILED, why)
        self.record = msgspec.structs.replace(self.record, fault=why)
        self.stage = Stage.FAULT

    def _stop_for_safety(self, why: str, now: float) -> None:
        """The watchdog barks: everything off, and a person has to look."""
        if self.stage is not Stage.FAULT:
            self._raw.append(self.brake.pull(self._marlin.numbered(b"M112"), now))
        self._fail(diagnosis.stopped(why))

    def _end(self, ending: Ending, why: str = "") -> None:
        done = ending is Ending.DONE
        progress = 1.0 if done else max(self._progress(), self.record.progress)
        cold = ending in {Ending.DONE, Ending.CANCELLED}
        self.record = msgspec.structs.replace(
            self.record, ending=ending, why=why, progress=progress, hot=not cold
        )
        self._watchdog.end()
        self._marlin.drop()
        self._job.course = None
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
        self._marlin.send(b"M115", b"M114", b"M114")
        self._marlin.send(b"M105", tag="greeted")

    def _finish(self, now: float) -> None:
        if self._job.is_cut_short:
            self._stop_print(Ending.FAILED, diagnosis.CUT_SHORT, now)
        else:
            self._tries = 0
            self._prove("ended", b"M400", *self.board.guard(on=False))

    def _prove(self, tag: str, *commands: bytes) -> None:
        """Have these done, for certain: the position is told after them, and only then; oks may be lost or doubled."""
        self._marlin.send(*commands, *self._job.rest.ask(), b"M105", tag=tag)

    def _waits_for(self) -> str:
        if self.stage is Stage.REVIVING:
            return diagnosis.REVIVING
        if not self._marlin.waits_for_heat():
            return ""
        return diagnosis.UNINTERRUPTED if self.stage is Stage.CANCELLING else diagnosis.HEATS

    def _progress(self) -> float:
        return self._job.progress(self._marlin.executed)

    # Going on

    def _begin_revival(
        self, revival: Callable[[Printing, Job], Revival], printing: Printing, now: float
    ) -> None:
        self.stage = Stage.REVIVING
        self._stop_by = now + REVIVING_SECONDS
        self._job = Job(printing.count, Rest(printing.top, self._setup.park))
        self._revival = revival(printing, self._job)

    def _revive(self, now: float) -> None:
        """Ask for the last line, then wind the file forward to it, then compare."""
        revival = self._revival
        if revival is None or now > self._stop_by:
            self._give_up(now)
        elif revival.done:
            self._stop_by = max(self._stop_by, now + 1.0) if not self._greeted else self._stop_by
        elif now >= self._greet_at:
            self._greet_at = now + POLL_SECONDS
            last, self._marlin.last_line = self._marlin.last_line, None
            if last is None:
                self._raw.append(PROBE)
            elif not revival.aim(last):
                self._give_up(now)

    def _go_on(self, now: float) -> None:
        revival = self._revival
        if revival is None or not revival.agrees(self._job.rest.position, self._nozzle, self._bed):
            self._give_up(now)
            return
        self.stage, self._revival = Stage.PRINTING, None
        self._watchdog = Watchdog(now)
        self._watchdog.begin(revival.printing.seconds, now)
        self._marlin.feed(revival.lines, revival.done)
        self._marlin.send(b"M115")

    def _give_up(self, now: float) -> None:
        """The board can't prove that it stands where it must."""
        self._revival = None
        self._end(Ending.FAILED, diagnosis.DIED)
        self._greet_anew(now)


def _heat(reading: Reading | None, last: Heat | None) -> Heat | None:
    """A reading whose target is not told keeps the last one."""
    if reading is None:
        return last
    target = reading.target if reading.target is not None else (last.target if last else 0.0)
    return Heat(reading.actual, target)
