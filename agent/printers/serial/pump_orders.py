"""What the agent orders of a pump, done. Only a start waits for the disk, and is refused where that takes no record."""

import time
from pathlib import Path

from agent.printers.driver import PrinterError
from agent.printers.serial.line_numbers import LineNumbers, boot_id
from agent.printers.serial.progress import PrintProgress
from agent.printers.serial.pump_protocol import CALL_SECONDS, PumpOrder
from agent.printers.serial.read_ahead import ReadAhead
from agent.printers.serial.record import Printing, Record, RecordFile
from agent.printers.serial.session import SerialSession

COUNT_SECONDS = 3.0
"""How long the disk may take to give a whole file: whoever starts a print waits for that."""


class PumpOrders:
    """One pump's."""

    def __init__(self, record: RecordFile, numbers: LineNumbers) -> None:
        self.is_closed = False
        """Whether the agent has left on purpose while nothing runs."""
        self._record = record
        self._numbers = numbers

    def obey(self, order: PumpOrder, session: SerialSession, now: float) -> None:
        """Do it, at an open port.

        Raises:
            PrinterError: it can't be done.
        """
        if order.do == "start":
            self._start(session, order, now)
        elif order.do == "pause":
            session.run.pause(now)
        elif order.do == "resume":
            session.run.resume(now)
        elif order.do == "reset":
            session.reset(now)
        elif order.do == "ask":
            session.bed_question.ask(order.attempt, now)
        elif order.do == "hush":
            session.bed_question.hush()
        elif order.do == "cancel":
            session.run.cancel(now)

    def close(self) -> None:
        """The agent leaves on purpose."""
        self.is_closed = not self._record.record.runs

    def _start(self, session: SerialSession, order: PumpOrder, now: float) -> None:
        path = Path(order.path)
        lines = ReadAhead(path)
        printing = _plan(lines, order)
        self._secure(session.run.admit(order.attempt, printing, now))
        if time.monotonic() > now + CALL_SECONDS:
            raise PrinterError("the disk took too long to record the start: is it failing? Nothing was sent")
        times = PrintProgress(ReadAhead(path))
        session.run.start(order.attempt, lines, printing, time.monotonic(), times)

    def _secure(self, record: Record) -> None:
        """Have it on disk, before anything moves."""
        try:
            self._numbers.clear()
            self._record.secure(record)
        except OSError as error:
            raise PrinterError(
                f"the start can't be recorded ({error.strerror}): is the disk full or failing? Nothing was sent"
            ) from error


def _plan(lines: ReadAhead, order: PumpOrder) -> Printing:
    try:
        count = lines.count(COUNT_SECONDS)
    except OSError as error:
        raise PrinterError(f"the file can't be read: {error}") from error
    return Printing(path=order.path, count=count, seconds=order.seconds, top=order.top, boot=boot_id())
