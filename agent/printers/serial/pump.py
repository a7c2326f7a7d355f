"""The process that drives one serial port: it holds the checked file and the watchdog, and outlives the agent.

One thread and one poll, over the port's descriptor and a Unix socket for the agent. What it decides stands in
`session.py`; here bytes are moved, and what must not be forgotten is written down. The port comes first, the disk
after it, and the agent last: a full, failing or slow disk keeps nobody from stopping a printer. Only a start waits
for the disk, and is refused where that takes no record of it.
"""

import argparse
import contextlib
import fcntl
import os
import select
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from agent.printers.driver import Condition, PrinterError, Status
from agent.printers.serial import options
from agent.printers.serial.driver import CALL_SECONDS
from agent.printers.serial.job import PrintJob
from agent.printers.serial.line_numbers import LineNumbers, boot_id
from agent.printers.serial.port import Port, PortLost
from agent.printers.serial.port_identity import BY_ID, PortLocator
from agent.printers.serial.progress import PrintProgress
from agent.printers.serial.pump_protocol import VERSION, PumpAnswer, PumpOrder
from agent.printers.serial.pump_server import PumpServer
from agent.printers.serial.read_ahead import ReadAhead
from agent.printers.serial.record import Printing, Record, RecordFile
from agent.printers.serial.resumption import Resumption
from agent.printers.serial.session import SerialSession, SessionStage
from agent.printers.serial.signals import SignalPipe

EVENTS = 8
"""As many are heard of at once; the others come next."""
LONELY_SECONDS = 30.0
"""A pump without a print ends when no agent was there for so long."""
REOPEN_SECONDS = 0.5
STUCK_SECONDS = 1.0
"""A port that takes no byte for so long is lost."""
WAKE_SECONDS = 0.2
"""One that takes none for so long is told to go on: somebody may have stopped its output."""
REFUSAL_SECONDS = 0.1
"""A refusal counts for so long at most, however long our last turn was: a slow disk, or a busy machine, is no fault of
the port's. While it refuses, it is tried that often."""
BAUDS = (115_200, 250_000, 230_400, 57_600, 500_000, 1_000_000, 38_400, 19_200, 9_600)
"""What boards speak, the most frequent first."""
BOOT_SECONDS = 8.0
"""The slowest boards are up by then."""
BAUD_SECONDS = 3.0
SPARE_SECONDS = 0.02
"""There is time for homework if nothing comes, and nothing is due, for so long."""
RECORD_SECONDS = 1.0
"""After so long a record that the disk did not take is tried again."""
COUNT_SECONDS = 3.0
"""How long the disk may take to give a whole file: whoever starts a print waits for that."""
LAST_SECONDS = 1.0
"""How long the last words may take to be written."""
LOCK_SECONDS = 2.0
"""How long a pump before us may take to end."""


class Pump:
    """Keeps the port open, the session going and the agent answered, until it is not needed any more."""

    def __init__(self, wanted: options.PortOptions, folder: Path, links: Path = BY_ID) -> None:
        """`folder` is this pump's own; `links` is where udev names serial ports by what is plugged in there."""
        self._setup = wanted
        self._whereabouts = PortLocator(folder / "passport.json", Path(wanted.port), links)
        self._baud = wanted.baud or self._whereabouts.passport.baud or BAUDS[0]
        self._retune_at = 0.0
        self._poller = select.epoll()
        self._desk = PumpServer(folder / "pump.sock", self._poller)
        self._memory = RecordFile(folder / "record.json")
        self._trail = LineNumbers(folder / "trail")
        self._port: Port | None = None
        self._path = Path(wanted.port)
        self._session: SerialSession | None = None
        self._is_new = True
        self._pending = b""
        self._refused_for = self._tried_at = 0.0
        self._why = "the port was not opened yet"
        self._reopen_at = self._record_at = 0.0
        self._due = 0.0
        """When there is something to think about, even if nothing comes."""
        self._studies = False
        self._met_at = time.monotonic()
        self._leaves = self._is_told_to_end = False
        self._signals = SignalPipe(self._poller)

    def run(self) -> None:
        """Pump until the agent leaves or is away for long, but finish a print first; or until a signal comes."""
        self._signals.listen()
        try:
            while not self._is_over():
                self._turn()
        finally:
            self.close()

    def close(self) -> None:
        """Let go of everything, the printer first."""
        try:
            self._let_go()
        finally:
            self._desk.close()
            self._signals.close()
            self._poller.close()

    def _turn(self) -> None:
        """One round: wait, and then either go on with the stream or think about all there is."""
        now = time.monotonic()
        if self._port is None and now >= self._reopen_at:
            self._open(now)
        due = min(self._due, now + REFUSAL_SECONDS) if self._pending else self._due
        ready = self._wait(max(0.0, due - now))
        if self._port and self._session and not self._pending and ready == _bytes_came(self._port):
            self._flow(self._port, self._session)
            ready = []
        self._think(dict(ready), time.monotonic())

    def _flow(self, port: Port, session: SerialSession) -> None:
        """In the midst of a print, answer oks with the next lines, until anything else comes or is due.

        So it goes thousands of times a second: no thinking here.
        """
        bytes_came = _bytes_came(port)
        wait, clock, due = self._poller.poll, time.monotonic, self._due
        while True:
            now = clock()
            data = self._read(port, now)
            lines = session.stream(data, now) if now < due else None
            if lines is None:
                session.receive(data, now)
                return
            if lines:
                self._write(port, lines, now)
            if self._pending or (not lines and session.has_news) or wait(SPARE_SECONDS, EVENTS) != bytes_came:
                return

    def _think(self, ready: dict[int, int], now: float) -> None:
        """Hear everybody; then serve the port, the disk and the agent, in this order."""
        if ready.pop(self._signals.descriptor, 0):
            self._signals.drain()
            self._is_told_to_end = True
            if self._session:
                self._session.abandon()
        if self._port and ready.pop(self._port.descriptor, 0) & ~select.EPOLLOUT and self._session:
            self._session.receive(self._read(self._port, now), now)
        obeyed: list[tuple[int, str]] = []
        if ready:
            obeyed = [(caller, self._obey(order, now)) for caller, order in self._desk.serve(set(ready))]
            now = time.monotonic()  # a start has read a file, and has waited for the disk
            if not self._desk.is_alone:
                self._met_at = now
        if self._session and self._port:
            self._session.tick(now)
            data = self._session.transmit(now)
            self._leave_trail(self._session)
            self._write(self._port, data, now)
            if self._session:
                self._attend(self._session, now)
        self._remember(now)
        for caller, error in obeyed:
            self._desk.answer(caller, self._answer(error, now))
        self._due = self._session.wake_at(now) if self._session else self._reopen_at

    def _leave_trail(self, session: SerialSession) -> None:
        """Write down, before they are sent, which numbers go to commands that don't stand in the file."""
        if session.leaves_trail:
            if session.trail:
                self._trail.extend(session.trail)
        else:
            self._trail.forget()
        session.trail.clear()

    def _remember(self, now: float) -> None:
        """Write the record down, unless the port has not taken all yet, or something is being stopped."""
        if self._session:
            self._memory.note(self._session.record)
        is_busy = self._pending or (self._session is not None and not self._session.is_calm)
        if self._memory.is_kept or is_busy or now < self._record_at:
            return
        try:
            self._memory.keep()
        except OSError:
            self._record_at = now + RECORD_SECONDS  # nothing starts meanwhile, and what runs can be stopped

    def _revival(self, printing: Printing, job: PrintJob) -> Resumption:
        lines = job.read(ReadAhead(Path(printing.path)))
        return Resumption(printing, self._trail.read(), lines, job.modes.follow)

    def _wait(self, seconds: float) -> list[tuple[int, int]]:
        """Wait for bytes, orders or signals; if none come for a while, do some homework."""
        spare = 0.0 if self._studies else SPARE_SECONDS
        ready = self._poller.poll(min(seconds, spare), EVENTS)
        self._studies = False
        if ready or seconds <= spare:
            return ready
        if self._session and self._session.has_homework():
            self._studies = self._session.study()
            return []
        return self._poller.poll(seconds - spare, EVENTS)

    def _attend(self, session: SerialSession, now: float) -> None:
        """Do for the session what only the owner of the port can."""
        if session.brake.wants_reset and self._port:
            session.brake.wants_reset = False
            self._port.reset()
        if session.stage is SessionStage.IDLE:
            self._whereabouts.keep(self._path, self._baud)
        elif session.stage is SessionStage.GREETING and not (self._setup.baud or session.is_understood):
            self._search(session, now)

    def _search(self, session: SerialSession, now: float) -> None:
        """Nothing that makes sense has come: try the next rate."""
        if now < self._retune_at or not self._port:
            return
        self._retune_at = now + BAUD_SECONDS
        place = BAUDS.index(self._baud) + 1 if self._baud in BAUDS else 0
        self._baud = BAUDS[place % len(BAUDS)]
        try:
            self._port.retune(self._baud)
        except PortLost as loss:
            self._lose(str(loss), now)
            return
        session.knock(now)

    def _is_over(self) -> bool:
        """Whether to end. A signal is obeyed at once; whoever opens the port next reads in the record what ran."""
        if self._is_told_to_end:
            return True
        if self._memory.record.runs:
            return False
        if not self._desk.is_alone:
            self._met_at = time.monotonic()
        return self._leaves or time.monotonic() > self._met_at + LONELY_SECONDS

    # The agent

    def _obey(self, order: PumpOrder | str, now: float) -> str:
        """Why not; empty if it was done."""
        if isinstance(order, str):
            return order
        try:
            self._do(order, now)
        except PrinterError as refused:
            return str(refused)
        return ""

    def _answer(self, error: str, now: float) -> PumpAnswer:
        identity = self._session.board.identity if self._session else None
        return PumpAnswer(self._status(now), error, VERSION, self._setup, identity)

    def _do(self, order: PumpOrder, now: float) -> None:
        session = self._session
        if order.do == "status":
            return
        if order.do == "close":
            self._leaves = not self._memory.record.runs
        elif session is None:
            raise PrinterError(self._why)
        elif order.do == "start":
            self._start(session, order, now)
        elif order.do == "pause":
            session.pause(now)
        elif order.do == "resume":
            session.resume(now)
        elif order.do == "reset":
            session.reset(now)
        elif order.do == "ask":
            session.ask(order.attempt, now)
        elif order.do == "hush":
            session.hush()
        else:
            session.cancel(now)

    def _start(self, session: SerialSession, order: PumpOrder, now: float) -> None:
        path = Path(order.path)
        supply = ReadAhead(path)
        printing = self._plan(supply, order)
        self._record(session.admit(order.attempt, printing, now))
        if time.monotonic() > now + CALL_SECONDS:
            raise PrinterError("the disk took too long to record the start: is it failing? Nothing was sent")
        session.start(order.attempt, supply, printing, time.monotonic(), PrintProgress(ReadAhead(path)))

    def _plan(self, supply: ReadAhead, order: PumpOrder) -> Printing:
        try:
            count = supply.count(COUNT_SECONDS)
        except OSError as error:
            raise PrinterError(f"the file can't be read: {error}") from error
        return Printing(path=order.path, count=count, seconds=order.seconds, top=order.top, boot=boot_id())

    def _record(self, record: Record) -> None:
        """Have it on disk, before anything moves."""
        try:
            self._trail.clear()
            self._memory.secure(record)
        except OSError as error:
            raise PrinterError(
                f"the start can't be recorded ({error.strerror}): is the disk full or failing? Nothing was sent"
            ) from error

    def _status(self, now: float) -> Status:
        if self._session:
            return self._session.status(now)
        record = self._memory.record
        return Status(
            condition=Condition.UNREACHABLE,
            attempt=record.attempt,
            ending=record.ending,
            why=record.fault or record.why or self._why,
            progress=record.progress,
        )

    # The port

    def _open(self, now: float) -> None:
        try:
            self._path = self._whereabouts.find()
            self._port = Port(str(self._path), self._baud)
        except PrinterError as error:
            self._why = str(error)
            self._reopen_at = now + REOPEN_SECONDS
            return
        self._poller.register(self._port.descriptor, select.EPOLLIN)
        record = self._memory.record
        may = self._is_new and record.printing is not None and record.printing.boot == boot_id()
        self._session = SerialSession(
            record, now, self._setup, anew=self._is_new, revival=self._revival if may else None
        )
        self._is_new = False
        self._retune_at = now + BOOT_SECONDS

    def _read(self, port: Port, now: float) -> bytes:
        """What has come; nothing from a port that is lost."""
        try:
            return port.read()
        except PortLost as loss:
            self._lose(str(loss), now)
            return b""

    def _write(self, port: Port, data: bytes, now: float) -> None:
        had = bool(self._pending)
        data = self._pending + data
        if not data:
            return
        try:
            taken = port.write(data)
        except PortLost as loss:
            self._lose(str(loss), now)
            return
        if taken == len(data) and not had:
            return
        self._pending = data[taken:]
        self._refused_for = self._add_refusal(now) if had and not taken else 0.0
        self._tried_at = now
        if self._refused_for > STUCK_SECONDS:
            self._lose(f"it has taken none of {len(self._pending)} bytes for {self._refused_for:.1f} s", now)
            return
        if self._refused_for > WAKE_SECONDS:
            port.let_flow()
        self._poller.modify(port.descriptor, select.EPOLLIN | (select.EPOLLOUT if self._pending else 0))

    def _add_refusal(self, now: float) -> float:
        """For how long the port has refused: by what was tried, not by a clock that went on while we did not."""
        return self._refused_for + min(now - self._tried_at, REFUSAL_SECONDS)

    def _lose(self, how: str, now: float) -> None:
        """The printer was unplugged; look for it again from now on."""
        self._why = (
            f"The connection to {self._path} was lost ({how}): is the cable plugged in, and the printer on?"
        )
        if self._session:
            self._session.lose()
            self._memory.note(self._session.record)
        self._close()
        self._reopen_at = now + REOPEN_SECONDS

    def _let_go(self) -> None:
        """Say the last words and close the port. A print that runs here still was cut short by a fault of ours."""
        try:
            if self._session and self._port:
                self._session.abandon()
                self._session.leave()
                now = time.monotonic()
                self._write(self._port, self._session.transmit(now), now)
                self._flush(now + LAST_SECONDS)
                self._remember(now)
        finally:
            self._close()

    def _flush(self, until: float) -> None:
        """Wait until the port has taken all, but not for long."""
        while self._port and self._pending and (now := time.monotonic()) < until:
            self._port.wait_for_room(until - now)
            self._write(self._port, b"", now)

    def _close(self) -> None:
        if self._port:
            self._poller.unregister(self._port.descriptor)
            self._port.close()
        self._port = self._session = None
        self._pending, self._refused_for = b"", 0.0


def _bytes_came(port: Port) -> list[tuple[int, int]]:
    """What is heard of if bytes have come from the printer, and nothing else."""
    return [(port.descriptor, select.EPOLLIN)]


def _lock(stream: TextIO) -> bool:
    """Become the only pump in this folder."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m agent.printers.serial.pump`: started by the serial driver, one for each port."""
    parser = argparse.ArgumentParser(prog="agent.printers.serial.pump", description=__doc__)
    parser.add_argument("--setup", type=options.decode, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--links", type=Path, default=BY_ID)
    found = parser.parse_args(argv)
    with (found.folder / "pump.lock").open("a+") as lock:
        if not _lock(lock):
            return 3
        with contextlib.suppress(OSError):  # a full disk is no reason not to cool a printer
            os.ftruncate(lock.fileno(), 0)
            os.write(lock.fileno(), str(os.getpid()).encode())
        Pump(found.setup, found.folder, found.links).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
