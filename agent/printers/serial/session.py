"""What is done with a printer from the moment its port is open until it is lost: greet, print, pause, cancel, stop.

Pure as the line discipline below it: bytes in, bytes out, time passed in. The pump around it moves the bytes. Here the
parts are put together, and asked in turn; each has a file of its own.
"""

from agent.printers.driver import Condition, Ending, PrinterError, Status
from agent.printers.serial import texts
from agent.printers.serial.bed_question import BedQuestion
from agent.printers.serial.board import Board
from agent.printers.serial.channel import Channel
from agent.printers.serial.current_print import CurrentPrint
from agent.printers.serial.emergency_stop import EmergencyStop
from agent.printers.serial.fault import Fault
from agent.printers.serial.greeting import Greeting
from agent.printers.serial.options import PortOptions
from agent.printers.serial.polling import Polling
from agent.printers.serial.reactions import Reactions
from agent.printers.serial.record import Record
from agent.printers.serial.resuming import Find, Resuming
from agent.printers.serial.run import PrintRun
from agent.printers.serial.session_state import SessionState
from agent.printers.serial.stage import CONDITIONS, SessionStage
from agent.printers.serial.supervision import Supervision

LOOK_SECONDS = 0.02
"""How often the disk is looked at while it keeps the print waiting."""


class SerialSession:
    """One open port, and the print on it.

    `record` is what has to outlive it; whoever has the session writes it down when it changes. `run` starts, pauses and
    cancels prints.
    """

    def __init__(
        self,
        record: Record,
        now: float,
        options: PortOptions | None = None,
        *,
        anew: bool = True,
        find: Find | None = None,
    ) -> None:
        """Begin with an open port.

        Args:
            record: what is known of the last print.
            now: seconds, as everywhere here.
            options: what the owner says.
            anew: whether this process has just begun: then a start that the board says is our doing.
            find: finds what is left of a print that may go on; None if none may.
        """
        options = options or PortOptions(port="")
        self.emergency_stop = EmergencyStop(options.dtr, now, opened=anew and bool(record.fault))
        self.channel = Channel(options.window)
        state = self._state = SessionState(record)
        channel = self.channel
        current = self._current = CurrentPrint(state, channel, now)
        fault = self._fault = Fault(state, channel, current, self.emergency_stop)
        self._polling = Polling(state, channel, now)
        run = self.run = PrintRun(state, channel, current, fault, self._polling, options)
        greeting = self._greeting = Greeting(state, channel, current, fault, run, now)
        resuming = self._resuming = Resuming(state, channel, current, run, greeting)
        supervision = self._supervision = Supervision(state, channel, current, fault, run, greeting, now)
        self.bed_question = BedQuestion(state, channel)
        self._reactions = Reactions(state, channel, current, fault, run, greeting, resuming, supervision)
        if record.runs and find and record.printing:
            resuming.begin(find, record.printing, options.park, now)
        elif record.runs:
            current.end(Ending.FAILED, texts.DIED)
        if record.fault:
            fault.stand()

    @property
    def stage(self) -> SessionStage:
        """Where it stands."""
        return self._state.stage

    @property
    def record(self) -> Record:
        """What has to outlive it."""
        return self._state.record

    @property
    def board(self) -> Board:
        """What the board told of itself."""
        return self.channel.board

    # Orders

    def reset(self, now: float) -> None:
        """A person has looked at the printer: a fault is over.

        Raises:
            PrinterError: a print runs.
        """
        if self.record.runs:
            raise PrinterError("a print runs: cancel it first")
        self._fault.end()
        self.emergency_stop.reset(now)
        self._greeting.begin_anew(now)

    def knock(self, now: float) -> None:
        """Nobody was understood: greet once more, as the port speaks at another rate now."""
        if self.stage is SessionStage.GREETING:
            self._greeting.begin_anew(now)

    def leave(self) -> None:
        """The port will be closed: let the firmware talk no more by itself."""
        if self.stage is SessionStage.IDLE:
            self.channel.send(*self.board.farewell())

    def abandon(self) -> None:
        """This process is told to end in the middle of a print: nobody would watch over it any more."""
        if self.record.runs:
            self.channel.say_past(b"\nM108\nM410\nM104 S0\nM140 S0\nM84\n")
            self._current.end(Ending.FAILED, texts.ENDED)

    def lose(self) -> None:
        """The port is gone."""
        if self.record.runs:
            self._current.end(Ending.FAILED, texts.lost(self._current.job.modes.layer))

    # Looks

    def status(self, now: float) -> Status:
        """One look."""
        state, record = self._state, self.record
        condition, why = CONDITIONS[self.stage], record.fault or record.why
        if self.stage is SessionStage.GREETING:
            why = why or texts.NO_ANSWER
        elif self.stage is SessionStage.IDLE and (used := state.other_use.why(now)):
            condition, why = Condition.BUSY, f"The printer is in use: {used}"
        elif self.stage is SessionStage.FAULT:
            why += self._fault.text
        elif record.runs:
            why = state.attention.text(now) or self._waits_for()
        return Status(
            condition=condition,
            attempt=record.attempt,
            ending=record.ending,
            why=why,
            progress=self._current.progress() if record.runs else record.progress,
            nozzle=state.heaters.nozzle,
            bed=state.heaters.bed,
            protected=self.board.watches_heaters,
            asks=state.question.asks,
            answered=state.question.pressed,
        )

    @property
    def numbers(self) -> list[int]:
        """Numbers that went to commands that don't stand in the file, since they were last taken from here."""
        return self.channel.marlin.sender.numbers

    @property
    def keeps_numbers(self) -> bool:
        """Whether the print may be gone on with, should this process die now: one that is being stopped may not."""
        runs = self.record.printing is not None and self.record.runs
        return runs and self.stage not in {SessionStage.CANCELLING, SessionStage.FAULT}

    @property
    def is_calm(self) -> bool:
        """Whether there is time for things that may take seconds: nothing is being stopped, or is yet to be cooled."""
        is_greeted = self._greeting.is_said or self.stage is not SessionStage.GREETING
        return is_greeted and not self.emergency_stop.is_pulled

    @property
    def is_understood(self) -> bool:
        """Whether anything that a printer says has come."""
        return self.channel.marlin.is_understood

    @property
    def has_homework(self) -> bool:
        """Whether there is something to compute, and time for it."""
        if self.stage is SessionStage.REVIVING:
            return self._resuming.winds
        times = self._current.job.times
        if times is None or times.is_known or self.stage is not SessionStage.PRINTING:
            return False
        return self.channel.marlin.silence.waits_for_heat

    def study(self) -> bool:
        """Do a little of it; gives whether there is more to do at once."""
        return self._resuming.wind() if self.stage is SessionStage.REVIVING else self._current.job.study()

    # The wire

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the printer."""
        for event in self.channel.marlin.receive(data, now):
            self._reactions.handle(event, now)

    def stream(self, data: bytes, now: float) -> bytes | None:
        """In the midst of a print: take nothing but oks, and give the lines for which they make room.

        None where there is more to do; then nothing has been taken.
        """
        if self._state.stage is not SessionStage.PRINTING:
            return None
        return self.channel.marlin.stream(data, now)

    @property
    def has_news(self) -> bool:
        """Whether the stream has come upon something that `tick` has to deal with."""
        return self.channel.marlin.has_news

    def tick(self, now: float) -> None:
        """Let time pass."""
        for event in self.channel.marlin.tick(now):
            self._reactions.handle(event, now)
        if self.stage is SessionStage.GREETING:
            self._greeting.tick(now)
        elif self.stage is SessionStage.FAULT:
            self._fault.tick(now)
        elif self.stage is SessionStage.REVIVING:
            self._resuming.tick(now)
        else:
            self._polling.tick(now)
            self._supervision.tick(now)

    def transmit(self, now: float) -> bytes:
        """The bytes to send now."""
        out = self.channel.take_past()
        if self.stage is SessionStage.FAULT or self._opens_at() is not None:
            return out
        more, events = self.channel.marlin.transmit(now)
        for event in events:
            self._reactions.handle(event, now)
        if events:
            more += self.channel.marlin.transmit(now)[0]
        return out + more

    def wake_at(self, now: float) -> float:
        """When `tick` has something to do, at the latest in a second."""
        due = self._opens_at()
        if due is None:
            marlin = self.channel.marlin
            due = now + LOOK_SECONDS if marlin.sender.source.is_dry else marlin.wake_at()
        return now + 1.0 if due is None else min(due, now + 1.0)

    def _opens_at(self) -> float | None:
        """When something is said past a conversation that has not begun; None once it has."""
        if self.stage is SessionStage.GREETING:
            return self._greeting.wake_at()
        return self._resuming.wake_at() if self.stage is SessionStage.REVIVING else None

    def _waits_for(self) -> str:
        if self.stage is SessionStage.REVIVING:
            return texts.REVIVING
        if not self.channel.marlin.silence.waits_for_heat:
            return ""
        return texts.UNINTERRUPTED if self.stage is SessionStage.CANCELLING else texts.HEATS
