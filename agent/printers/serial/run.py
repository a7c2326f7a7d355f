"""One print on an open port, from its start to an ending that is certain: print, pause, cancel, stop. Pure."""

import msgspec

from agent.printers.driver import Ending, Heat, PrinterError
from agent.printers.serial import texts
from agent.printers.serial.attention import Attention
from agent.printers.serial.board import Board
from agent.printers.serial.cooling import Cooling
from agent.printers.serial.emergency_stop import EmergencyStop
from agent.printers.serial.job import PrintJob
from agent.printers.serial.marlin import Marlin
from agent.printers.serial.options import PortOptions
from agent.printers.serial.other_use import OtherUse
from agent.printers.serial.parking import Parking
from agent.printers.serial.progress import PrintProgress
from agent.printers.serial.question import KnobQuestion
from agent.printers.serial.read_ahead import Batches
from agent.printers.serial.record import Printing, Record
from agent.printers.serial.stage import SessionStage
from agent.printers.watchdog import Watchdog

ASK_SECONDS = 10.0
"""How often an idle printer is asked whether somebody else uses it."""
URGE_SECONDS = 0.5
CANCEL_SECONDS = 300.0
"""After what may hold a firmware up, a print that was cancelled has stopped by then, or it is stopped for safety."""
TRIES = 8
OFF = (b"M104 S0", b"M140 S0", b"M107")


class PrintRun:
    """The print that runs, was, or will be on a port; the session around it is what keeps the port."""

    def __init__(self, record: Record, now: float, setup: PortOptions, *, opened: bool) -> None:
        """`opened` if a start that the board says now may be due to our opening of the port."""
        self.record = record
        self.stage = SessionStage.GREETING
        self.board = Board()
        self.brake = EmergencyStop(setup.dtr, now, opened=opened)
        self._setup = setup
        self._marlin = Marlin(setup.window)
        self._watchdog = Watchdog(now)
        self._hand = OtherUse()
        self._bell = Attention()
        self._job = PrintJob()
        self.question = KnobQuestion()
        self._cooling: Cooling | None = None
        """Since it was stopped for safety, or stopped itself."""
        self._nozzle: Heat | None = None
        self._bed: Heat | None = None
        self._raw: list[bytes] = []
        self._ask_at = self._urge_at = now
        self._paused_at = 0.0
        self._paused_by_printer = False
        self._verdict: tuple[Ending, str] = (Ending.CANCELLED, "")
        """What becomes of the print once it has stopped."""
        self._stop_by = 0.0
        self._tries = 0

    def admit(self, attempt: str, printing: Printing, now: float) -> Record:
        """What has to be on disk before this print starts; nothing has changed yet.

        Raises:
            PrinterError: the printer is not idle, that attempt was made already, or there are no lines.
        """
        if not printing.count:
            raise PrinterError("the file is empty")
        if self.stage is not SessionStage.IDLE:
            raise PrinterError(f"the printer is {self.stage}, not idle: it can't start")
        if why := self._hand.why(now):
            raise PrinterError(f"the printer is in use: {why}")
        if self.question.asks:
            raise PrinterError(
                "its display asks whether the bed is clear: answer it there, or say muster-agent clear"
            )
        if attempt == self.record.attempt:
            raise PrinterError(f"attempt {attempt} was made already: it is not made twice")
        return Record(attempt=attempt, hot=True, printing=printing if self._setup.goes_on else None)

    def start(
        self,
        attempt: str,
        lines: Batches,
        printing: Printing,
        now: float,
        course: PrintProgress | None = None,
    ) -> None:
        """Print `lines`.

        Raises:
            PrinterError: see `admit`.
        """
        self.record = self.admit(attempt, printing, now)
        self.stage = SessionStage.PRINTING
        self.question = KnobQuestion()
        self._job = PrintJob(printing.count, Parking(printing.top, self._setup.park), course)
        self._bell.silence()
        self._watchdog.begin(printing.seconds, now)
        self._marlin.renumber()
        # A position that is told unasked would pass for the answer to M114, which proves what was done (`_prove`).
        # And it has nothing to say while we print: it is where the planned moves end, which we know. Progress is
        # the time of executed lines; somebody else's hand can only move what is idle.
        if self.board.reports_place:
            self._marlin.send(b"M154 S0")
        self._marlin.send(*self.board.guard(on=True))
        self._marlin.feed(self._job.read(lines), follow=self._job.modes.follow)

    def pause(self, now: float) -> None:
        """Stop feeding, let what is planned finish, and lift the nozzle.

        Raises:
            PrinterError: nothing runs that could be paused.
        """
        if self.stage is not SessionStage.PRINTING:
            raise PrinterError(f"the printer is {self.stage}: there is nothing to pause")
        self.stage = SessionStage.PAUSING
        self._paused_at, self._tries = now, 0
        self._marlin.hold()
        self._prove("drained", b"M400", *self.board.guard(on=False))

    def resume(self, now: float) -> None:
        """Go back to where the print stood, and go on.

        Raises:
            PrinterError: nothing is paused.
        """
        if self.stage is not SessionStage.PAUSED:
            raise PrinterError(f"the printer is {self.stage}: there is nothing to resume")
        self.stage = SessionStage.PRINTING
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
        if self.stage not in {
            SessionStage.PRINTING,
            SessionStage.PAUSING,
            SessionStage.PAUSED,
            SessionStage.CANCELLING,
        }:
            raise PrinterError(f"the printer is {self.stage}: there is nothing to cancel")
        if self.stage is not SessionStage.CANCELLING:
            self._stop_print(Ending.CANCELLED, "", now)

    def _advance(self, tag: str, now: float) -> None:
        """A fence of the print was passed."""
        if tag == "ended":
            self._end(Ending.DONE)
            self._rest_from_print(now)
        elif tag == "drained":
            self._prove("parked", *self._job.rest.lift(self._job.modes))
        elif tag == "parked":
            self.stage = SessionStage.PAUSED
        elif tag == "stopped":
            park = self._job.rest.park(self._job.modes)
            self._prove("cooled", *park, b"M400", b"M84", *self.board.guard(on=False))
        elif tag == "cooled":
            self._check_cold(now)

    def _doubt(self, tag: str, now: float) -> None:
        """The fence was passed, but the position that should have come before it did not."""
        self._tries += 1
        if self._tries > TRIES:
            self._stop_for_safety("it does not tell where its head is", now)
        else:
            self._prove(tag)

    def _check_cold(self, now: float) -> None:
        if not any(heat and heat.target for heat in (self._nozzle, self._bed)):
            self._end(*self._verdict)
            self._rest_from_print(now)
            return
        self._tries += 1
        if self._tries > TRIES:
            self._stop_for_safety(texts.STAYS_HOT, now)
        else:
            self._prove("cooled", *OFF)

    def _stop_print(self, ending: Ending, why: str, now: float) -> None:
        """Stop as soon as the firmware listens, and end the attempt when all stands still and is off."""
        self.stage = SessionStage.CANCELLING
        self._verdict, self._tries = (ending, why), 0
        self._stop_by = now + self._marlin.longest() + CANCEL_SECONDS
        self._urge_at = now + URGE_SECONDS
        self._marlin.drop()
        if self.board.parses_at_once:
            self._marlin.urge(b"M108")
            self._marlin.urge(b"M410")
        elif self._marlin.waits_for_heat():
            self.brake.reset_to_cancel(now)
        self._prove("stopped", b"M410", *OFF, b"M400")

    def _fail(self, why: str) -> None:
        if self.stage is SessionStage.FAULT:
            return
        if self.record.runs:
            self._end(Ending.FAILED, why)
        self.record = msgspec.structs.replace(self.record, fault=why)
        self.stage = SessionStage.FAULT

    def _stop_for_safety(self, why: str, now: float) -> None:
        """The watchdog barks: everything off, and a person has to look."""
        if self.stage is not SessionStage.FAULT:
            self._raw.append(self.brake.pull(self._marlin.numbered(b"M112"), now))
            self._cooling = Cooling(now)
        self._fail(texts.stopped(why))

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
        if self.stage is not SessionStage.GREETING:
            self.stage = SessionStage.IDLE

    def _finish(self, now: float) -> None:
        if self._job.is_cut_short:
            self._stop_print(Ending.FAILED, texts.CUT_SHORT, now)
        else:
            self._tries = 0
            self._prove("ended", b"M400", *self.board.guard(on=False))

    def _prove(self, tag: str, *commands: bytes) -> None:
        """Have these done, for certain: the position is told after them, and only then; oks may be lost or doubled."""
        self._marlin.send(*commands, *self._job.rest.ask(), b"M105", tag=tag)

    def _progress(self) -> float:
        return self._job.progress(self._marlin.executed)

    def _rest_from_print(self, now: float) -> None:
        """From now on whatever moves or heats is not our doing."""
        self._hand = OtherUse()
        self._ask_at = now + ASK_SECONDS
        self._bell.silence()
        if self.board.reports_place:
            self._marlin.send(b"M154 S5")
