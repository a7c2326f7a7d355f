"""The virtual printer as a process: its firmware behind a pty, its clock sped up, its knobs on standard input."""

import argparse
import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TextIO

from agent.printers.virtual.faults import KNOBS, ONCE, Faults
from agent.printers.virtual.firmware import Firmware

QUIET = 0.01
"""Real seconds between two words that nobody asked for, whatever the speed."""
TICK = 0.002
"""The printer looks at its clock no oftener than this, so that a fast one leaves the processor to others."""
LOOK_FOR_HOST = 0.05
LATE = 4.0
"""Seconds of the printer's that it may oversleep. What is more is lost to its clock: else a busy machine would see
its heaters leap."""
CHUNK = 65536


class Terminal:
    """A pty with a printer behind it. Nobody holds its near end but the host, so that the host can have it alone."""

    def __init__(self, link: Path | None) -> None:
        self._link = link
        self.descriptor, near = os.openpty()
        tty.setraw(near)
        self.name = os.ttyname(near)
        os.close(near)
        os.set_blocking(self.descriptor, False)
        if link:
            fresh = link.with_name(f".{link.name}.{os.getpid()}")
            fresh.symlink_to(self.name)
            fresh.replace(link)

    def close(self) -> None:
        """Pull the cable."""
        os.close(self.descriptor)
        if self._link:
            self._link.unlink(missing_ok=True)

    def has_host(self) -> bool:
        """Whether a host has opened the port, and has set it raw."""
        poller = select.poll()
        poller.register(self.descriptor, select.POLLIN)
        if any(event & select.POLLHUP for _, event in poller.poll(0)):
            return False
        return not termios.tcgetattr(self.descriptor)[3] & termios.ECHO


class VirtualPrinter:
    """Runs one firmware until its process is ended."""

    def __init__(
        self, firmware: Firmware, link: Path | None, speed: float, *, steered: bool, log: TextIO | None
    ) -> None:
        """`speed` is how many of the printer's seconds pass in a real one; `steered` takes knobs from stdin."""
        self._firmware = firmware
        self._link = link
        self._speed = speed
        self._clock = 0.0
        self._looked_at = time.monotonic()
        self._poller = select.poll()
        self._terminal: Terminal | None = None
        self._present = False
        self._steered = steered
        self._log = log
        if steered:
            self._poller.register(sys.stdin.fileno(), select.POLLIN)
        self.plug()

    @property
    def name(self) -> str:
        """The path of the pty; empty while unplugged."""
        return self._terminal.name if self._terminal else ""

    def plug(self) -> None:
        """Put the cable in."""
        self._firmware.unplugged = False
        if not self._terminal:
            self._terminal = Terminal(self._link)

    def unplug(self) -> None:
        """Pull the cable; the board stays powered."""
        if self._terminal:
            self._watch(present=False)
            self._terminal.close()
            self._terminal = None

    def serve(self) -> None:
        """Never returns."""
        timeout: float | None = 0.0
        while True:
            events = self._poller.poll(None if timeout is None else timeout * 1000)
            self._tick(timeout)
            timeout = self._turn({descriptor for descriptor, _ in events})

    def _turn(self, ready: set[int]) -> float | None:
        """Do what is due; gives for how long there is nothing to do, None if for ever."""
        if self._steered and sys.stdin.fileno() in ready:
            self._steer()
        due = self._firmware.advance(self._clock)
        if self._terminal and not self._present:
            self._watch(present=self._terminal.has_host())
        if self._terminal and self._present:
            self._talk(self._terminal, readable=self._terminal.descriptor in ready)
            due = self._firmware.advance(self._clock)
            self._write(self._terminal)
        else:
            self._firmware.take()
        if self._firmware.unplugged:
            self.unplug()
        if self._log:
            self._log.flush()
        timeout = None if due is None else max(TICK, (due - self._clock) / self._speed)
        if self._terminal and not self._present:
            return min(LOOK_FOR_HOST, timeout or LOOK_FOR_HOST)
        return timeout

    def _tick(self, slept: float | None) -> None:
        """Let the printer's clock follow ours, but for what it overslept; `slept` is what it meant to sleep."""
        now = time.monotonic()
        elapsed = (now - self._looked_at) * self._speed
        self._looked_at = now
        self._clock += elapsed if slept is None else min(elapsed, slept * self._speed + LATE)

    def _talk(self, terminal: Terminal, *, readable: bool) -> None:
        if not readable:
            return
        try:
            data = os.read(terminal.descriptor, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self._watch(present=False)
            return
        self._firmware.receive(data)

    def _write(self, terminal: Terminal) -> None:
        out = self._firmware.take()
        if not out or not self._present:
            return
        try:
            os.write(terminal.descriptor, out)
        except BlockingIOError:
            return  # a host that does not read loses what comes, as on a real cable
        except OSError:
            self._watch(present=False)

    def _watch(self, *, present: bool) -> None:
        if self._terminal and present != self._present:
            self._present = present
            if present:
                self._poller.register(self._terminal.descriptor, select.POLLIN)
            else:
                self._poller.unregister(self._terminal.descriptor)

    def _steer(self) -> None:
        text = os.read(sys.stdin.fileno(), CHUNK)
        if not text:
            self._poller.unregister(sys.stdin.fileno())
            self._steered = False
        for knob in text.decode("utf-8", "replace").split():
            if knob == "plug":
                self.plug()
            elif knob == "unplug":
                self.unplug()
            elif knob in ONCE:
                self._firmware.strike(knob)
            else:
                print(f"{knob!r} is no knob; they are plug, {', '.join(sorted(ONCE))}", flush=True)  # noqa: T201
                continue
            print(knob, flush=True)  # noqa: T201 - the answer that the one who steers waits for


def run(
    link: Path | None,
    speed: float,
    faults: Sequence[str],
    log: Path | None,
    *,
    emergency: bool = True,
    steered: bool = False,
) -> None:
    """Be a printer until the process is ended. Prints the pty's path first; `steered` takes knobs from stdin.

    Raises:
        ValueError: a fault is none.
        OSError: the link or the log can't be written.
    """
    stream = log.open("w", encoding="utf-8") if log else None
    firmware = Firmware(
        Faults(faults),
        None if stream is None else (lambda line: stream.write(line + "\n")),
        emergency=emergency,
        quiet=QUIET * speed,
    )
    printer = VirtualPrinter(firmware, link, speed, steered=steered, log=stream)
    try:
        print(printer.name, flush=True)  # noqa: T201 - what the one who starts it waits for
        printer.serve()
    finally:
        printer.unplug()
        if stream:
            stream.close()


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def main(argv: Sequence[str] | None = None) -> int:
    """`muster-agent virtual-printer`: a printer to try things with, at the far end of a pty."""
    knobs = "; ".join(f"{name}:N {what}" for name, what in KNOBS.items())
    parser = argparse.ArgumentParser(prog="muster-agent virtual-printer", description=main.__doc__)
    parser.add_argument("--link", type=Path, help="a symbolic link to make to the pty")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster than a real one (1)")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME:N", help=knobs)
    parser.add_argument("--log", type=Path, help="a file for every executed command")
    parser.add_argument(
        "--steered", action="store_true", help="take plug and faults by name from standard input"
    )
    parser.add_argument("--no-emergency-parser", action="store_true", help="as most boards in the field")
    options = parser.parse_args(argv)
    if options.speed <= 0:
        parser.error("--speed must be above 0")
    try:
        Faults(options.fault)
        signal.signal(signal.SIGTERM, _end)
        run(
            *(options.link, options.speed, options.fault, options.log),
            emergency=not options.no_emergency_parser,
            steered=options.steered,
        )
    except (ValueError, OSError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        pass
    return 0
