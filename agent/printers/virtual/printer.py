"""The virtual printer as a process: its firmware behind a pty, its clock sped up, its knobs on standard input."""

import os
import select
import sys
import time
from pathlib import Path
from typing import TextIO

from agent.printers.virtual.faults import KNOBS
from agent.printers.virtual.firmware import Firmware
from agent.printers.virtual.terminal import PseudoTerminal

QUIET = 0.01
"""Real seconds between two words that nobody asked for, whatever the speed."""
TICK = 0.001
FAST_TICK = 0.002
"""The printer looks at its clock no oftener than this, so that a fast one leaves the processor to others."""
FAST = 10.0
LOOK_FOR_HOST = 0.05
LATE = 4.0
"""Seconds of the printer's that it may oversleep. What is more is lost to its clock: else a busy machine would see
its heaters leap."""
DEAF = 0.1
"""Real seconds for which a board that was reset by hand hears nothing."""
CHUNK = 65536
BACKLOG = 65536
"""Bytes that wait for a host that does not read; what is more is lost, as on a real cable."""


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
        self._terminal: PseudoTerminal | None = None
        self._present = False
        self._steered = steered
        self._log = log
        self._least = TICK if speed < FAST else FAST_TICK
        self._unsent = b""
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
            self._terminal = PseudoTerminal(self._link)

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
        due = self._firmware.advance(self._clock)
        if self._steered and sys.stdin.fileno() in ready:
            if self._terminal and self._present:
                self._talk(self._terminal, readable=True)  # what was said before comes first
            self._steer()
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
        timeout = None if due is None else max(self._least, (due - self._clock) / self._speed)
        if self._terminal and not self._present:
            return min(LOOK_FOR_HOST, timeout or LOOK_FOR_HOST)
        return timeout

    def _tick(self, slept: float | None) -> None:
        """Let the printer's clock follow ours, but for what it overslept; `slept` is what it meant to sleep."""
        now = time.monotonic()
        elapsed = (now - self._looked_at) * self._speed
        self._looked_at = now
        self._clock += elapsed if slept is None else min(elapsed, slept * self._speed + LATE)

    def _talk(self, terminal: PseudoTerminal, *, readable: bool) -> None:
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

    def _write(self, terminal: PseudoTerminal) -> None:
        out = self._unsent + self._firmware.take()
        if not out or not self._present:
            return
        try:
            sent = os.write(terminal.descriptor, out)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._watch(present=False)
            return
        if bool(self._unsent) != (sent < len(out)):
            wanted = select.POLLIN | (select.POLLOUT if sent < len(out) else 0)
            self._poller.modify(terminal.descriptor, wanted)
        self._unsent = out[sent : sent + BACKLOG]

    def _watch(self, *, present: bool) -> None:
        if self._terminal and present != self._present:
            self._present = present
            self._unsent = b""
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
            elif knob in KNOBS:
                if knob == "restart" and self._terminal and self._present:
                    time.sleep(DEAF)
                    self._talk(self._terminal, readable=True)  # to the board as it was: it forgets this
                self._firmware.strike(knob)
            else:
                print(f"{knob!r} is no knob; they are plug, {', '.join(sorted(KNOBS))}", flush=True)  # noqa: T201
                continue
            print(knob, flush=True)  # noqa: T201 - the answer that the one who steers waits for
