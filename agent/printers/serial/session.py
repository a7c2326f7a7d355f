"""What is done with a printer from the moment its port is open until it is lost: greet, print, pause, cancel, stop.

Pure as the line discipline below it: bytes in, bytes out, time passed in. The pump around it moves the bytes.
"""

from collections.abc import Callable

import msgspec

from agent.printers.driver import Condition, Ending, Heat, PrinterError, Status
from agent.printers.serial import texts
from agent.printers.serial.board import Board
from agent.printers.serial.cooling import Cooling
from agent.printers.serial.job import PrintJob
from agent.printers.serial.marlin import Acknowledged, Broken, Event, Exhausted, Halted, Marlin
from agent.printers.serial.options import PortOptions
from agent.printers.serial.parking import Parking
from agent.printers.serial.question import WORDS, KnobQuestion
from agent.printers.serial.record import Printing, Record
from agent.printers.serial.replies import (
    Action,
    BoardIdentity,
    Busy,
    Capability,
    Complaint,
    Killed,
    Position,
    Reading,
    Restarted,
    SdCard,
    Temperatures,
)
from agent.printers.serial.resumption import PROBE, Resumption
from agent.printers.serial.run import ASK_SECONDS, OFF, URGE_SECONDS, PrintRun
from agent.printers.serial.stage import CONDITIONS, PASSES, PROVEN, SessionStage
from agent.printers.watchdog import Watchdog

__all__ = ["SerialSession", "SessionStage"]

BOOT_SECONDS = 0.3
"""A board that does not reset when its port is opened says nothing; one that does says `start`."""
GREETING_SECONDS = 40.0
"""After so much silence the greeting begins anew."""
REVIVING_SECONDS = 30.0
"""A board that could go on has told where it stands by then."""
POLL_SECONDS = 2.0
LOOK_SECONDS = 0.02
"""How often the disk is looked at while it keeps the print waiting."""
DRY_SECONDS = 30.0
"""So long a hot nozzle may stand still on its part because the disk gives nothing."""
WATCH_SECONDS = 0.2


class SerialSession(PrintRun):
    """One open port, and the print on it.

    `record` is what has to outlive it; whoever runs the session writes it down when it changes.
    """

    def __init__(
        self,
        record: Record,
        now: float,
        setup: PortOptions | None = None,
        *,
        anew: bool = True,
        revival: Callable[[Printing, PrintJob], Resumption] | None = None,
    ) -> None:
        """Begin with an open port.

        Args:
            record: what is known of the last print.
            now: seconds, as everywhere here.
            setup: what the owner says.
            anew: whether this process has just begun: then a start that the board says is our doing.
            revival: finds what is left of a print that may go on; None if none may.
        """
        super().__init__(record, now, setup or PortOptions(port=""), opened=anew and bool(record.fault))
        self._greet_at = now + BOOT_SECONDS
        self._greeted = False
        self._poll_at = self._watch_at = self._fed_at = now
        self._revival: Resumption | None = None
        if record.runs and revival and record.printing:
            self._begin_revival(revival, record.printing, now)
        elif record.runs:
            self._end(Ending.FAILED, texts.DIED)
        if record.fault:
            self.stage = SessionStage.FAULT
            self._raw.append(b"\nM104 S0\nM140 S0\n")

    # Orders

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

    def ask(self, name: str, now: float) -> None:
        """Ask at the display whether the bed is clear.

        Raises:
            PrinterError: it is not idle, or a question could not be called off there: then a print would wait for it.
        """
        if self.stage is not SessionStage.IDLE or self._hand.why(now):
            raise PrinterError("the printer is not idle: it can't be asked")
        if not (self.board.parses_at_once and self.board.reports_heat):
            raise PrinterError(
                "its firmware can't be asked at its knob: it needs EMERGENCY_PARSER and AUTOREPORT_TEMP"
            )
        if self.question.is_unheeded:
            raise PrinterError("its firmware does not wait for its knob: set clear_by_knob to false")
        if self.question.asks:
            raise PrinterError("its display asks already")
        self.question.ask(name)
        self._marlin.send(WORDS, b"M105", tag="answered")

    def hush(self) -> None:
        """Ask no more."""
        if self.question.asks:
            self._marlin.urge(b"M108")
        self.question.call_off()

    def knock(self, now: float) -> None:
        """Nobody was understood: greet once more, as the port speaks at another rate now."""
        if self.stage is SessionStage.GREETING:
            self._greet_anew(now)

    def leave(self) -> None:
        """The port will be closed: let the firmware talk no more by itself."""
        if self.stage is SessionStage.IDLE:
            self._marlin.send(*self.board.farewell())

    def abandon(self) -> None:
        """This process is told to end in the middle of a print: nobody would watch over it any more."""
        if self.record.runs:
            self._raw.append(b"\nM108\nM410\nM104 S0\nM140 S0\nM84\n")
            self._end(Ending.FAILED, texts.ENDED)

    def lose(self) -> None:
        """The port is gone."""
        if self.record.runs:
            self._end(Ending.FAILED, texts.lost(self._job.modes.layer))

    def status(self, now: float) -> Status:
        """One look."""
        record = self.record
        condition, why = CONDITIONS[self.stage], record.fault or record.why
        if self.stage is SessionStage.GREETING:
            why = why or texts.NO_ANSWER
        elif self.stage is SessionStage.IDLE and (used := self._hand.why(now)):
            condition, why = Condition.BUSY, f"The printer is in use: {used}"
        elif self.stage is SessionStage.FAULT and self._cooling:
            why = f"{why}. {self._cooling.text}"
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
            protected=self.board.watches_heaters,
            asks=self.question.asks,
            answered=self.question.pressed,
        )

    @property
    def trail(self) -> list[int]:
        """Numbers that went to commands that don't stand in the file, since they were last taken from here."""
        return self._marlin.trail

    @property
    def leaves_trail(self) -> bool:
        """Whether the print may be gone on with, should this process die now: one that is being stopped may not."""
        runs = self.record.printing is not None and self.record.runs
        return runs and self.stage not in {SessionStage.CANCELLING, SessionStage.FAULT}

    @property
    def is_calm(self) -> bool:
        """Whether there is time for things that may take seconds: nothing is being stopped, or is yet to be cooled."""
        return not self.brake.is_pulled and (self._greeted or self.stage is not SessionStage.GREETING)

    @property
    def is_understood(self) -> bool:
        """Whether anything that a printer says has come."""
        return self._marlin.is_understood

    def has_homework(self) -> bool:
        """Whether there is something to compute, and time for it."""
        if self.stage is SessionStage.REVIVING:
            return self._revival is not None and self._revival.done > 0 and not self._greeted
        course = self._job.course
        if course is None or course.is_known or self.stage is not SessionStage.PRINTING:
            return False
        return self._marlin.waits_for_heat()

    def study(self) -> bool:
        """Do a little of it; gives whether there is more to do at once."""
        if self._revival is None:
            return self._job.study()
        if self._revival.wind():
            self._greeted = True
            self._marlin.go_on_after(self._revival.last)
            self._prove("found", b"M400")
        return not self._revival.is_dry

    # The wire

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the printer."""
        for event in self._marlin.receive(data, now):
            self._handle(event, now)

    def stream(self, data: bytes, now: float) -> bytes | None:
        """In the midst of a print: take nothing but oks, and give the lines for which they make room.

        None where there is more to do; then nothing has been taken.
        """
        return self._marlin.stream(data, now) if self.stage is SessionStage.PRINTING else None

    @property
    def has_news(self) -> bool:
        """Whether the stream has come upon something that `tick` has to deal with."""
        return self._marlin.has_news

    def tick(self, now: float) -> None:
        """Let time pass."""
        for event in self._marlin.tick(now):
            self._handle(event, now)
        if self.stage is SessionStage.GREETING:
            if not self._greeted and now >= self._greet_at:
                self._greet()
            elif self._greeted and self._marlin.silent_for(now) > GREETING_SECONDS:
                self._greet_anew(now)
        elif self.stage is SessionStage.FAULT:
            self.brake.tick(now)
            if self._cooling and not self.brake.is_pulled and self._cooling.is_due(now):
                self._raw.append(b"M105\n")
        elif self.stage is SessionStage.REVIVING:
            self._revive(now)
        else:
            self._ask(now)
            self._watch(now)

    def transmit(self, now: float) -> bytes:
        """The bytes to send now."""
        out = b"".join(self._raw)
        self._raw.clear()
        if self.stage is SessionStage.FAULT or (
            self.stage in {SessionStage.GREETING, SessionStage.REVIVING} and not self._greeted
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
        if self.stage in {SessionStage.GREETING, SessionStage.REVIVING} and not self._greeted:
            due = self._greet_at
        elif self._marlin.is_dry:
            due = now + LOOK_SECONDS
        return now + 1.0 if due is None else min(due, now + 1.0)

    # Time

    def _ask(self, now: float) -> None:
        """Ask for what the board does not tell by itself, and hurry it on where it may be hurried."""
        if self.stage is SessionStage.CANCELLING and now >= self._urge_at:
            self._urge_at = now + URGE_SECONDS
            if self.board.parses_at_once and self._marlin.waits_for_heat():
                self._marlin.urge(b"M108")  # a wait that began after the first one is not ended by it
        if self._marlin.has_orders():
            return
        if now >= self._poll_at:
            self._poll_at = now + POLL_SECONDS
            if not self.board.reports_heat:
                self._marlin.send(b"M105")
        if self.stage is SessionStage.IDLE and now >= self._ask_at:
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
        if self.stage is SessionStage.CANCELLING and now > self._stop_by:
            wrong = texts.SLOW_CANCEL
        if self.stage is not SessionStage.PRINTING or not marlin.is_dry:
            self._fed_at = now
        elif now > self._fed_at + DRY_SECONDS:
            self._stop_print(Ending.FAILED, texts.unread(self._job.modes.layer), now)
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
            if self.stage is SessionStage.PRINTING:
                self.pause(now)
        elif isinstance(event, Restarted):
            self._restart(now)
        elif isinstance(event, Killed):
            self.brake.confirm()
            self._fail(texts.killed(event.why))
        elif isinstance(event, Broken):
            self._stop_for_safety(event.why, now)
        elif isinstance(event, BoardIdentity | Capability):
            self.board.hear(event)
        else:
            self._notice_or_act(event, now)

    def _notice_or_act(self, event: Position | SdCard | Complaint | Busy | Action, now: float) -> None:
        if isinstance(event, Position):
            self._job.rest.hear(event)
            self.board.tells_place = True
            if self.stage is SessionStage.IDLE:
                self._hand.see_place(event, now)
        elif isinstance(event, SdCard):
            if self.stage is SessionStage.IDLE:
                self._hand.see_card(event, now)
        elif isinstance(event, Complaint):
            if self.stage in {SessionStage.PRINTING, SessionStage.PAUSING}:
                self._stop_print(Ending.FAILED, texts.refused(event.what, self._job.modes.layer), now)
        elif isinstance(event, Busy):
            if event.for_user:
                self.question.wait()
                self._bell.ring_once(now)
        else:
            self._act(event, now)

    def _act(self, action: Action, now: float) -> None:
        """Somebody pressed a button on the printer, or it asks for somebody."""
        self._bell.hear(action)
        name = action.name.partition(" ")[0]
        if name == "pause" and self.stage is SessionStage.PRINTING:
            self.pause(now)
        elif name == "paused" and self.stage is SessionStage.PRINTING:
            self._marlin.hold()
            self.stage, self._paused_at, self._paused_by_printer = SessionStage.PAUSED, now, True
        elif name in {"resume", "resumed"} and self.stage is SessionStage.PAUSED:
            self._paused_by_printer = False
            self.resume(now)
        elif name == "cancel" and self.record.runs:
            self.cancel(now)

    def _pass(self, tag: str, now: float) -> None:
        """A fence was passed."""
        if self.stage not in PASSES.get(tag, frozenset[SessionStage]()):
            return
        if tag == "greeted":
            self._welcome(now)
        elif tag in PROVEN and self.board.tells_place and self._job.rest.position is None:
            self._doubt(tag, now)
        elif tag == "found":
            self._go_on(now)
        elif tag == "answered":
            self.question.end()
        else:
            self._advance(tag, now)

    def _welcome(self, now: float) -> None:
        """The board has told who it is, and is cold if it had to be."""
        if self.record.runs:
            self._end(*self._verdict)  # it was cancelled by a reset
        self._marlin.send(*self.board.habits())
        self._watchdog = Watchdog(now)
        self.record = msgspec.structs.replace(self.record, hot=False)
        self.stage = SessionStage.IDLE
        self._rest_from_print(now)

    def _see(self, told: Temperatures, now: float) -> None:
        self._nozzle = _heat(told.nozzle, self._nozzle)
        self._bed = _heat(told.bed, self._bed)
        if self.stage is SessionStage.FAULT and self._cooling:
            self._check_cooling(self._cooling, now)
        if self.stage in {SessionStage.GREETING, SessionStage.REVIVING, SessionStage.FAULT}:
            return
        if self.stage is SessionStage.IDLE:
            self._hand.see_heat(self._nozzle, self._bed, now)
        if wrong := self._watchdog.see(self._nozzle, self._bed, now):
            self._stop_for_safety(wrong, now)

    def _check_cooling(self, cooling: Cooling, now: float) -> None:
        """What still heats after an emergency stop is told once more, and reset once more where that is allowed."""
        if cooling.see({"the nozzle": self._nozzle, "the bed": self._bed}, now):
            self._raw.append(b"M104 S0\nM140 S0\n")
            self.brake.reset(now)

    def _restart(self, now: float) -> None:
        """The board came up: by our own doing, by a person's, or because its power failed."""
        ours = self.brake.is_ours(now)
        if self.stage is SessionStage.FAULT:
            if ours:
                return
            self.record = msgspec.structs.replace(self.record, fault="")
        elif self.stage is SessionStage.REVIVING:
            self._end(Ending.FAILED, texts.DIED)
        elif self.record.runs and not ours:
            self._end(Ending.FAILED, texts.restarted(self._job.modes.layer))
        self._greet_anew(now)

    def _greet_anew(self, now: float) -> None:
        """Ask who is there, as if the port had just been opened."""
        self.stage = SessionStage.GREETING
        self._marlin = Marlin(self._setup.window)
        self.board = Board()
        self._cooling = None
        self.question = KnobQuestion()
        self._greeted, self._revival = False, None
        self._greet_at = now + BOOT_SECONDS

    # Words

    def _greet(self) -> None:
        self._greeted = True
        self._raw.append(b"\n")
        if self.record.hot:
            self._raw.append(b"M108\nM410\nM104 S0\nM140 S0\n")
        self._marlin.renumber()
        if self.record.hot:
            self._marlin.send(b"M410", *OFF, b"M84")
        self._marlin.send(b"M115", b"M114", b"M114")
        self._marlin.send(b"M105", tag="greeted")

    def _waits_for(self) -> str:
        if self.stage is SessionStage.REVIVING:
            return texts.REVIVING
        if not self._marlin.waits_for_heat():
            return ""
        return texts.UNINTERRUPTED if self.stage is SessionStage.CANCELLING else texts.HEATS

    # Going on

    def _begin_revival(
        self, revival: Callable[[Printing, PrintJob], Resumption], printing: Printing, now: float
    ) -> None:
        self.stage = SessionStage.REVIVING
        self._stop_by = now + REVIVING_SECONDS
        self._job = PrintJob(printing.count, Parking(printing.top, self._setup.park))
        self._revival = revival(printing, self._job)

    def _revive(self, now: float) -> None:
        """Ask for the last line, then wind the file forward to it, then compare."""
        revival = self._revival
        if revival is None or now > self._stop_by:
            self._give_up(now)
        elif revival.done:
            is_wound = self._greeted or revival.is_dry
            self._stop_by = self._stop_by if is_wound else max(self._stop_by, now + 1.0)
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
        self.stage, self._revival = SessionStage.PRINTING, None
        self._watchdog = Watchdog(now)
        self._watchdog.begin(revival.printing.seconds, now)
        self._marlin.feed(revival.lines, revival.done, self._job.modes.follow)
        self._marlin.send(b"M115")

    def _give_up(self, now: float) -> None:
        """The board can't prove that it stands where it must."""
        self._revival = None
        self._end(Ending.FAILED, texts.DIED)
        self._greet_anew(now)


def _heat(reading: Reading | None, last: Heat | None) -> Heat | None:
    """A reading whose target is not told keeps the last one."""
    if reading is None:
        return last
    target = reading.target if reading.target is not None else (last.target if last else 0.0)
    return Heat(reading.actual, target)
