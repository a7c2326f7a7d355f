"""The process that drives one serial port: it holds the checked file and the watchdog, and outlives the agent.

One thread and one poll, over the port's descriptor and a Unix socket for the agent. What it decides stands in
`session.py`; here bytes are moved, and what must not be forgotten is written down.
"""

import argparse
import fcntl
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import BinaryIO, TextIO

from agent.printers.desk import Desk
from agent.printers.driver import Condition, PrinterError, Status
from agent.printers.order import (
    Answer,
    Order,
)
from agent.printers.record import Memory
from agent.printers.serial import Port, PortLost
from agent.printers.session import Session

LONELY_SECONDS = 30.0
"""A pump without a print ends when no agent was there for so long."""
REOPEN_SECONDS = 0.5
STUCK_SECONDS = 1.0
"""A port that takes no byte for so long is lost."""
CHUNK = 65536
LOCK_SECONDS = 2.0
"""How long a pump before us may take to end."""


def count_lines(stream: BinaryIO) -> int:
    """How many lines a file has; it stands at its beginning after that."""
    count, last = 0, b"\n"
    while block := stream.read(CHUNK):
        count += block.count(b"\n")
        last = block[-1:]
    stream.seek(0)
    return count + (last != b"\n")


def read_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a file without their ends, never more than a buffer of them in memory."""
    with stream:
        for line in stream:
            yield line.rstrip(b"\r\n")


class Pump:
    """Keeps the port open, the session going and the agent answered, until it is not needed any more."""

    def __init__(self, path: str, baud: int, folder: Path) -> None:
        self._path = path
        self._baud = baud
        self._poller = select.poll()
        self._desk = Desk(folder / "pump.sock", self._poller)
        self._memory = Memory(folder / "record.json")
        self._port: Port | None = None
        self._session: Session | None = None
        self._pending = b""
        self._stuck_since = 0.0
        self._why = "the port was not opened yet"
        self._reopen_at = 0.0
        self._met_at = time.monotonic()
        self._leaves = False
        self._wakes, self._signals = os.pipe()
        os.set_blocking(self._signals, False)
        self._poller.register(self._wakes, select.POLLIN)

    def run(self) -> None:
        """Pump until the agent leaves or is away for long, but finish a print first; or until a signal comes."""
        signal.set_wakeup_fd(self._signals)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _wake)
        try:
            while not self._is_over():
                self._turn()
        finally:
            signal.set_wakeup_fd(-1)
            self._let_go()
            self._desk.close()

    def _turn(self) -> None:
        """One round: wait, read, think, write down, write."""
        now = time.monotonic()
        if self._port is None and now >= self._reopen_at:
            self._open(now)
        due = self._session.wake_at(now) if self._session else self._reopen_at
        ready = dict(self._poller.poll(max(0.0, due - now) * 1000))
        now = time.monotonic()
        if self._wakes in ready:
            self._leaves = True
            if self._session:
                self._session.abandon()
        if self._port and (event := ready.pop(self._port.descriptor, 0)):
            self._read(self._port, event, now)
        if ready:
            for caller, order in self._desk.serve(set(ready)):
                self._desk.answer(caller, self._obey(order, now))
            if not self._desk.is_alone:
                self._met_at = now
        if self._session and self._port:
            self._session.tick(now)
            self._memory.keep(self._session.record)
            self._write(self._port, self._session.transmit(now), now)
            if self._session:
                self._memory.keep(self._session.record)

    def _is_over(self) -> bool:
        if self._memory.record.runs:
            return False
        if not self._desk.is_alone:
            self._met_at = time.monotonic()
        return self._leaves or time.monotonic() > self._met_at + LONELY_SECONDS

    # The agent

    def _obey(self, order: Order | str, now: float) -> Answer:
        error = order if isinstance(order, str) else ""
        if isinstance(order, Order):
            try:
                self._do(order, now)
            except PrinterError as refused:
                error = str(refused)
        return Answer(self._status(), error)

    def _do(self, order: Order, now: float) -> None:
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
        else:
            session.cancel(now)

    def _start(self, session: Session, order: Order, now: float) -> None:
        try:
            stream = Path(order.path).open("rb", buffering=CHUNK)  # noqa: SIM115 - read_lines closes it
        except OSError as error:
            raise PrinterError(f"the file can't be read: {error}") from error
        try:
            count = count_lines(stream)
            session.start(order.attempt, read_lines(stream), count, order.seconds, order.top, now)
        except PrinterError:
            stream.close()
            raise
        except OSError as error:
            stream.close()
            raise PrinterError(f"the file can't be read: {error}") from error
        self._memory.keep(session.record)

    def _status(self) -> Status:
        if self._session:
            return self._session.status()
        record = self._memory.record
        return Status(
            condition=Condition.UNREACHABLE,
            attempt=record.attempt,
            ending=record.ending,
            why=record.why or self._why,
            progress=record.progress,
        )

    # The port

    def _open(self, now: float) -> None:
        try:
            self._port = Port(self._path, self._baud)
        except PrinterError as error:
            self._why = str(error)
            self._reopen_at = now + REOPEN_SECONDS
            return
        self._poller.register(self._port.descriptor, select.POLLIN)
        self._session = Session(self._memory.record, now)
        self._memory.keep(self._session.record)

    def _read(self, port: Port, event: int, now: float) -> None:
        try:
            if event & (select.POLLIN | select.POLLHUP | select.POLLERR | select.POLLNVAL):
                data = port.read()
                if self._session:
                    self._session.receive(data, now)
        except PortLost as loss:
            self._lose(str(loss), now)

    def _write(self, port: Port, data: bytes, now: float) -> None:
        had = bool(self._pending)
        self._pending += data
        if not self._pending:
            return
        try:
            taken = port.write(self._pending)
            self._pending = self._pending[taken:]
            if taken or not had:
                self._stuck_since = now
        except PortLost as loss:
            self._lose(str(loss), now)
            return
        if self._pending and now > self._stuck_since + STUCK_SECONDS:
            self._lose("it takes no bytes", now)
            return
        if had or self._pending:
            self._poller.modify(port.descriptor, select.POLLIN | (select.POLLOUT if self._pending else 0))

    def _lose(self, how: str, now: float) -> None:
        """The printer was unplugged; look for it again from now on."""
        self._why = f"the connection to {self._path} was lost ({how}): is the cable plugged in?"
        if self._session:
            self._session.lose("the connection to the printer was lost")
            self._memory.keep(self._session.record)
        self._close()
        self._reopen_at = now + REOPEN_SECONDS

    def _let_go(self) -> None:
        """Say the last words and close the port."""
        if self._session and self._port:
            self._session.leave()
            now = time.monotonic()
            self._write(self._port, self._session.transmit(now), now)
        self._close()

    def _close(self) -> None:
        if self._port:
            self._poller.unregister(self._port.descriptor)
            self._port.close()
        self._port = self._session = None
        self._pending = b""


def _wake(_number: int, _frame: FrameType | None) -> None:
    """Take a signal; the byte that it leaves in the pipe ends the poll."""


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
    """`python -m agent.printers.pump`: started by the serial driver, one for each port."""
    parser = argparse.ArgumentParser(prog="agent.printers.pump", description=__doc__)
    parser.add_argument("--port", required=True)
    parser.add_argument("--baud", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args(argv)
    with (options.folder / "pump.lock").open("a+") as lock:
        if not _lock(lock):
            return 3
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        Pump(options.port, options.baud, options.folder).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
