"""The process that drives one serial port: it holds the checked file and the watchdog, and outlives the agent.

One thread and one poll, over the port's descriptor and a Unix socket for the agent. What it decides stands in
`session.py`; here bytes are moved, and what must not be forgotten is written down. The port comes first, the disk
after it, and the agent last: a full, failing or slow disk keeps nobody from stopping a printer. Only a start waits
for the disk, and is refused where that takes no record of it.
"""

import argparse
import select
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from agent.printers.driver import Condition, PrinterError, Status
from agent.printers.serial import options
from agent.printers.serial.job import PrintJob
from agent.printers.serial.line_numbers import LineNumbers, boot_id
from agent.printers.serial.port import Port, PortLost
from agent.printers.serial.port_connection import PortConnection
from agent.printers.serial.port_identity import BY_ID
from agent.printers.serial.port_writer import REFUSAL_SECONDS, PortWriter
from agent.printers.serial.pump_lock import pump_lock
from agent.printers.serial.pump_orders import PumpOrders
from agent.printers.serial.pump_protocol import VERSION, PumpAnswer, PumpOrder
from agent.printers.serial.pump_server import PumpServer
from agent.printers.serial.read_ahead import ReadAhead
from agent.printers.serial.record import Printing, RecordFile
from agent.printers.serial.resumption import Resumption
from agent.printers.serial.session import SerialSession
from agent.printers.serial.signals import SignalPipe
from agent.printers.serial.stage import SessionStage

EVENTS = 8
"""As many are heard of at once; the others come next."""
LONELY_SECONDS = 30.0
"""A pump without a print ends when no agent was there for so long."""
SPARE_SECONDS = 0.02
"""There is time for homework if nothing comes, and nothing is due, for so long."""
RECORD_SECONDS = 1.0
"""After so long a record that the disk did not take is tried again."""
LAST_SECONDS = 1.0
"""How long the last words may take to be written."""


class Pump:
    """Keeps the port open, the session going and the agent answered, until it is not needed any more."""

    def __init__(self, wanted: options.PortOptions, folder: Path, links: Path = BY_ID) -> None:
        """`folder` is this pump's own; `links` is where udev names serial ports by what is plugged in there."""
        self.session: SerialSession | None = None
        """There is one as long as the port is open."""
        self._options = wanted
        self._poller = select.epoll()
        self.connection = PortConnection(wanted, folder, links, self._poller)
        self._server = PumpServer(folder / "pump.sock", self._poller)
        self._signals = SignalPipe(self._poller)
        self._record = RecordFile(folder / "record.json")
        self._numbers = LineNumbers(folder / "trail")
        self._orders = PumpOrders(self._record, self._numbers)
        self._is_new = True
        self._record_at = 0.0
        self._due = 0.0
        """When there is something to think about, even if nothing comes."""
        self._studies = self._is_told_to_end = False
        self._met_at = time.monotonic()

    def run(self) -> None:
        """Pump until the agent leaves or is away for long, but finish a print first; or until a signal comes."""
        self._signals.listen()
        try:
            while not self._is_over():
                self.turn()
        finally:
            self.close()

    def close(self) -> None:
        """Let go of everything, the printer first."""
        try:
            self._let_go()
        finally:
            self._server.close()
            self._signals.close()
            self._poller.close()

    def turn(self) -> None:
        """One round: wait, and then either go on with the stream or think about all there is."""
        now = time.monotonic()
        if self.connection.open(now):
            self._meet(now)
        port, writer, session = self.connection.port, self.connection.writer, self.session
        due = min(self._due, now + REFUSAL_SECONDS) if writer and writer.pending else self._due
        ready = self._wait(max(0.0, due - now))
        if port and writer and session and not writer.pending and ready == _bytes_came(port):
            try:
                self._flow(port, writer, session)
            except PortLost as loss:
                self._lose(loss, time.monotonic())
            ready = []
        self._think(dict(ready), time.monotonic())

    def obey(self, order: PumpOrder, now: float) -> None:
        """Do what the agent orders.

        Raises:
            PrinterError: it can't be done.
        """
        if order.do == "close":
            self._orders.close()
        elif order.do != "status":
            if self.session is None:
                raise PrinterError(self.connection.why)
            self._orders.obey(order, self.session, now)

    def status(self, now: float) -> Status:
        """One look at the printer; without a port, at what is remembered of it."""
        if self.session:
            return self.session.status(now)
        record = self._record.record
        return Status(
            condition=Condition.UNREACHABLE,
            attempt=record.attempt,
            ending=record.ending,
            why=record.fault or record.why or self.connection.why,
            progress=record.progress,
        )

    # One round

    def _wait(self, seconds: float) -> list[tuple[int, int]]:
        """Wait for bytes, orders or signals; if none come for a while, do some homework."""
        spare = 0.0 if self._studies else SPARE_SECONDS
        ready = self._poller.poll(min(seconds, spare), EVENTS)
        self._studies = False
        if ready or seconds <= spare:
            return ready
        if self.session and self.session.has_homework:
            self._studies = self.session.study()
            return []
        return self._poller.poll(seconds - spare, EVENTS)

    def _flow(self, port: Port, writer: PortWriter, session: SerialSession) -> None:
        """In the midst of a print, answer oks with the next lines, until anything else comes or is due.

        So it goes thousands of times a second: no thinking here.
        """
        bytes_came = _bytes_came(port)
        wait, clock, due = self._poller.poll, time.monotonic, self._due
        while True:
            now = clock()
            data = port.read()
            lines = session.stream(data, now) if now < due else None
            if lines is None:
                session.receive(data, now)
                return
            if lines:
                writer.write(lines, now)
            if (
                writer.pending
                or (not lines and session.has_news)
                or wait(SPARE_SECONDS, EVENTS) != bytes_came
            ):
                return

    def _think(self, ready: dict[int, int], now: float) -> None:
        """Hear everybody; then serve the port, the disk and the agent, in this order."""
        if ready.pop(self._signals.descriptor, 0):
            self._signals.drain()
            self._is_told_to_end = True
            if self.session:
                self.session.abandon()
        port = self.connection.port
        if port and ready.pop(port.descriptor, 0) & ~select.EPOLLOUT:
            self._hear(port, now)
        obeyed: list[tuple[int, str]] = []
        if ready:
            obeyed = [(caller, self._try(order, now)) for caller, order in self._server.serve(set(ready))]
            now = time.monotonic()  # a start has read a file, and has waited for the disk
            if not self._server.is_alone:
                self._met_at = now
        if self.session:
            self._speak(self.session, now)
        self._remember(now)
        for caller, error in obeyed:
            self._server.answer(caller, self._answer(error, now))
        self._due = self.session.wake_at(now) if self.session else self.connection.open_at

    def _hear(self, port: Port, now: float) -> None:
        """Take in what has come from the printer."""
        if not self.session:
            return
        try:
            data = port.read()
        except PortLost as loss:
            self._lose(loss, now)
        else:
            self.session.receive(data, now)

    def _speak(self, session: SerialSession, now: float) -> None:
        """Let time pass for the session, write what it has to say, and do what only the owner of the port can."""
        connection = self.connection
        session.tick(now)
        data = session.transmit(now)
        self._keep_numbers(session)
        try:
            if connection.writer:
                connection.writer.write(data, now)
            if session.emergency_stop.wants_reset and connection.port:
                session.emergency_stop.wants_reset = False
                connection.port.reset()
            if session.stage is SessionStage.IDLE:
                connection.remember()
            elif not session.is_understood and connection.try_next_rate(now):
                session.knock(now)
        except PortLost as loss:
            self._lose(loss, now)

    def _keep_numbers(self, session: SerialSession) -> None:
        """Write down, before they are sent, which numbers go to commands that don't stand in the file."""
        if session.keeps_numbers:
            if session.numbers:
                self._numbers.extend(session.numbers)
        else:
            self._numbers.forget()
        session.numbers.clear()

    def _remember(self, now: float) -> None:
        """Write the record down, unless the port has not taken all yet, or something is being stopped."""
        if self.session:
            self._record.note(self.session.record)
        writer = self.connection.writer
        is_busy = (writer and writer.pending) or (self.session and not self.session.is_calm)
        if self._record.is_kept or is_busy or now < self._record_at:
            return
        try:
            self._record.keep()
        except OSError:
            self._record_at = now + RECORD_SECONDS  # nothing starts meanwhile, and what runs can be stopped

    def _is_over(self) -> bool:
        """Whether to end. A signal is obeyed at once; whoever opens the port next reads in the record what ran."""
        if self._is_told_to_end:
            return True
        if self._record.record.runs:
            return False
        if not self._server.is_alone:
            self._met_at = time.monotonic()
        return self._orders.is_closed or time.monotonic() > self._met_at + LONELY_SECONDS

    # The agent

    def _try(self, order: PumpOrder | str, now: float) -> str:
        """Why an order was not carried out; empty if it was."""
        if isinstance(order, str):
            return order
        try:
            self.obey(order, now)
        except PrinterError as refused:
            return str(refused)
        return ""

    def _answer(self, error: str, now: float) -> PumpAnswer:
        identity = self.session.board.identity if self.session else None
        return PumpAnswer(self.status(now), error, VERSION, self._options, identity)

    # The port

    def _meet(self, now: float) -> None:
        """The port was opened: a session begins."""
        record = self._record.record
        may = self._is_new and record.printing is not None and record.printing.boot == boot_id()
        self.session = SerialSession(
            record, now, self._options, anew=self._is_new, find=self._find if may else None
        )
        self._is_new = False

    def _find(self, printing: Printing, job: PrintJob) -> Resumption:
        """What is left of a print that the pump before this one has fed."""
        lines = job.read(ReadAhead(Path(printing.path)))
        return Resumption(printing, self._numbers.read(), lines, job.modes.follow)

    def _lose(self, loss: PortLost, now: float) -> None:
        if self.session:
            self.session.lose()
            self._record.note(self.session.record)
        self.session = None
        self.connection.lose(loss, now)

    def _let_go(self) -> None:
        """Say the last words and close the port. A print that runs here still was cut short by a fault of ours."""
        session, writer, now = self.session, self.connection.writer, time.monotonic()
        try:
            if session and writer:
                session.abandon()
                session.leave()
                writer.write(session.transmit(now), now)
                self.connection.flush(now, now + LAST_SECONDS)
                self._remember(now)
        except PortLost as loss:
            self._lose(loss, now)
            self._remember(now)
        finally:
            self.connection.close()
            self.session = None


def _bytes_came(port: Port) -> list[tuple[int, int]]:
    """What is heard of if bytes have come from the printer, and nothing else."""
    return [(port.descriptor, select.EPOLLIN)]


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m agent.printers.serial.pump`: started by the serial driver, one for each port."""
    parser = argparse.ArgumentParser(prog="agent.printers.serial.pump", description=__doc__)
    parser.add_argument("--setup", type=options.decode, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--links", type=Path, default=BY_ID)
    found = parser.parse_args(argv)
    with pump_lock(found.folder) as is_ours:
        if not is_ours:
            return 3
        Pump(found.setup, found.folder, found.links).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
