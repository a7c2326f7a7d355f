"""One print on an open port, from its start to an ending that is certain: print, pause, cancel, stop. Pure."""

from agent.printers.driver import Ending, PrinterError
from agent.printers.serial import texts
from agent.printers.serial.channel import Channel
from agent.printers.serial.current_print import CurrentPrint
from agent.printers.serial.fault import Fault
from agent.printers.serial.job import PrintJob
from agent.printers.serial.options import PortOptions
from agent.printers.serial.parking import Parking
from agent.printers.serial.polling import Polling
from agent.printers.serial.progress import PrintProgress
from agent.printers.serial.read_ahead import Batches
from agent.printers.serial.record import Printing, Record
from agent.printers.serial.session_state import SessionState
from agent.printers.serial.stage import PROVEN, SessionStage

CANCEL_SECONDS = 300.0
"""After what may hold a firmware up, a print that was cancelled has stopped by then, or it is stopped for safety."""
TRIES = 8
OFF = (b"M104 S0", b"M140 S0", b"M107")


class PrintRun:
    """Leads the current print through its stages."""

    def __init__(
        self,
        state: SessionState,
        channel: Channel,
        current: CurrentPrint,
        fault: Fault,
        polling: Polling,
        options: PortOptions,
    ) -> None:
        self.stop_by = 0.0
        """When a print that was cancelled must have stopped."""
        self._state = state
        self._channel = channel
        self._current = current
        self._fault = fault
        self._polling = polling
        self._options = options
        self._paused_at = 0.0
        self._paused_by_printer = False
        self._verdict: tuple[Ending, str] = (Ending.CANCELLED, "")
        """What becomes of the print once it has stopped."""
        self._tries = 0

    def admit(self, attempt: str, printing: Printing, now: float) -> Record:
        """What has to be on disk before this print starts; nothing has changed yet.

        Raises:
            PrinterError: the printer is not idle, that attempt was made already, or there are no lines.
        """
        state = self._state
        if not printing.count:
            raise PrinterError("the file is empty")
        if state.stage is not SessionStage.IDLE:
            raise PrinterError(f"the printer is {state.stage}, not idle: it can't start")
        if why := state.other_use.why(now):
            raise PrinterError(f"the printer is in use: {why}")
        if state.question.asks:
            raise PrinterError(
                "its display asks whether the bed is clear: answer it there, or say muster-agent clear"
            )
        if attempt == state.record.attempt:
            raise PrinterError(f"attempt {attempt} was made already: it is not made twice")
        return Record(attempt=attempt, hot=True, printing=printing if self._options.goes_on else None)

    def start(
        self,
        attempt: str,
        lines: Batches,
        printing: Printing,
        now: float,
        times: PrintProgress | None = None,
    ) -> None:
        """Print `lines`.

        Raises:
            PrinterError: see `admit`.
        """
        state, channel, board = self._state, self._channel, self._channel.board
        state.record = self.admit(attempt, printing, now)
        state.stage = SessionStage.PRINTING
        state.question.forget()
        job = self._current.job = PrintJob(printing.count, Parking(printing.top, self._options.park), times)
        state.attention.silence()
        self._current.watchdog.begin(printing.seconds, now)
        channel.marlin.sender.renumber()
        # A position that is told unasked would pass for the answer to M114, which proves what was done (`prove`).
        # And it has nothing to say while we print: it is where the planned moves end, which we know. Progress is
        # the time of executed lines; somebody else's hand can only move what is idle.
        if board.reports_place:
            channel.send(b"M154 S0")
        channel.send(*board.guard(on=True))
        channel.marlin.feed(job.read(lines), follow=job.modes.follow)

    def pause(self, now: float) -> None:
        """Stop feeding, let what is planned finish, and lift the nozzle.

        Raises:
            PrinterError: nothing runs that could be paused.
        """
        if self._state.stage is not SessionStage.PRINTING:
            raise PrinterError(f"the printer is {self._state.stage}: there is nothing to pause")
        self._state.stage = SessionStage.PAUSING
        self._paused_at, self._tries = now, 0
        self._channel.marlin.sender.source.hold()
        self.prove("drained", b"M400", *self._channel.board.guard(on=False))

    def is_paused(self, now: float) -> None:
        """The printer has paused itself."""
        self._channel.marlin.sender.source.hold()
        self._state.stage, self._paused_at, self._paused_by_printer = SessionStage.PAUSED, now, True

    def resume(self, now: float) -> None:
        """Go back to where the print stood, and go on.

        Raises:
            PrinterError: nothing is paused.
        """
        state, channel, job = self._state, self._channel, self._current.job
        if state.stage is not SessionStage.PAUSED:
            raise PrinterError(f"the printer is {state.stage}: there is nothing to resume")
        state.stage = SessionStage.PRINTING
        state.attention.silence()
        self._current.watchdog.wait(now - self._paused_at)
        if self._paused_by_printer:
            channel.send(b"M108", *([b"M876 S0"] if channel.board.prompts else []))
        self._paused_by_printer = False
        channel.send(*job.parking.lower(job.modes), *channel.board.guard(on=True))
        channel.marlin.sender.source.go_on()

    def is_resumed(self, now: float) -> None:
        """Somebody had the printer go on."""
        self._paused_by_printer = False
        self.resume(now)

    def cancel(self, now: float) -> None:
        """Stop, switch the heaters off, park, let go of the motors.

        Raises:
            PrinterError: nothing runs.
        """
        stage = self._state.stage
        if stage is SessionStage.CANCELLING:
            return
        if stage not in {SessionStage.PRINTING, SessionStage.PAUSING, SessionStage.PAUSED}:
            raise PrinterError(f"the printer is {stage}: there is nothing to cancel")
        self.stop(Ending.CANCELLED, "", now)

    def stop(self, ending: Ending, why: str, now: float) -> None:
        """Stop as soon as the firmware listens, and end the attempt when all stands still and is off."""
        channel, silence = self._channel, self._channel.marlin.silence
        self._state.stage = SessionStage.CANCELLING
        self._verdict, self._tries = (ending, why), 0
        self.stop_by = now + silence.longest() + CANCEL_SECONDS
        self._polling.urge_later(now)
        channel.marlin.sender.drop()
        if channel.board.parses_at_once:
            channel.urge(b"M108")
            channel.urge(b"M410")
        elif silence.waits_for_heat:
            self._fault.emergency_stop.reset_to_cancel(now)
        self.prove("stopped", b"M410", *OFF, b"M400")

    def finish(self, now: float) -> None:
        """The lines have come to their end."""
        if self._current.job.is_cut_short:
            self.stop(Ending.FAILED, texts.CUT_SHORT, now)
        else:
            self._tries = 0
            self.prove("ended", b"M400", *self._channel.board.guard(on=False))

    def end_as_judged(self) -> None:
        """It has stopped."""
        self._current.end(*self._verdict)

    def rest(self, now: float) -> None:
        """From now on whatever moves or heats is not our doing."""
        self._state.other_use.forget()
        self._polling.rest(now)
        self._state.attention.silence()
        if self._channel.board.reports_place:
            self._channel.send(b"M154 S5")

    def prove(self, tag: str, *commands: bytes) -> None:
        """Have these done, for certain: the position is told after them, and only then; oks may be lost or doubled."""
        self._channel.send(*commands, *self._current.job.parking.ask(), b"M105", tag=tag)

    def pass_fence(self, tag: str, now: float) -> None:
        """A fence of the print was passed."""
        job, board = self._current.job, self._channel.board
        if self.is_doubtful(tag):
            self._doubt(tag, now)
        elif tag == "ended":
            self._current.end(Ending.DONE)
            self.rest(now)
        elif tag == "drained":
            self.prove("parked", *job.parking.lift(job.modes))
        elif tag == "parked":
            self._state.stage = SessionStage.PAUSED
        elif tag == "stopped":
            self.prove("cooled", *job.parking.park(job.modes), b"M400", b"M84", *board.guard(on=False))
        elif tag == "cooled":
            self._check_cold(now)

    def is_doubtful(self, tag: str) -> bool:
        """Whether the position that should have come before this fence did not."""
        return (
            tag in PROVEN and self._channel.board.tells_place and self._current.job.parking.position is None
        )

    def _doubt(self, tag: str, now: float) -> None:
        self._tries += 1
        if self._tries > TRIES:
            self._fault.stop("it does not tell where its head is", now)
        else:
            self.prove(tag)

    def _check_cold(self, now: float) -> None:
        if not self._state.heaters.are_on:
            self.end_as_judged()
            self.rest(now)
            return
        self._tries += 1
        if self._tries > TRIES:
            self._fault.stop(texts.STAYS_HOT, now)
        else:
            self.prove("cooled", *OFF)
