"""Asks at a serial port who is there. Opening a port is all that it does to a board; many boards restart by that.

A port that another program has open is left alone: it would lose bytes to us.
"""

import os
import select
import time
from itertools import cycle
from pathlib import Path

from agent.discovery.interview import Interview, PortAnswer
from agent.printers.driver import PrinterError
from agent.printers.serial.port import Port, PortLost

BAUDS = (115_200, 250_000)
"""What nearly all firmware is built with; a board with USB of its own takes any."""
TURN_SECONDS = 1.8
"""How long one baud rate is listened to in silence."""


def ask(path: str, until: float) -> PortAnswer:
    """Ask at one port until the monotonic time `until`, at one baud rate after the other."""
    if who := holder(path):
        return PortAnswer(why=f"{path} is in use by {who}: close that first")
    heard, baud = 0, 0
    for baud in cycle(BAUDS):
        now = time.monotonic()
        if now >= until:
            break
        try:
            interview = _listen(path, baud, min(until, now + TURN_SECONDS), until)
        except (PrinterError, PortLost) as error:
            return PortAnswer(why=str(error))
        heard += interview.heard
        if interview.board.firmware or interview.board.fault:
            return PortAnswer(board=interview.board, baud=baud)
    if heard:
        why = "something talks there, but it is no firmware that we know, or its baud rate is unusual"
    else:
        why = "nobody answers: is the printer switched on? A board that wakes up slowly needs --seconds 12"
    return PortAnswer(why=why)


def holder(path: str) -> str:
    """The program that has a port open, as far as this user may see; empty if none."""
    device = os.path.realpath(path)
    if device.startswith("/dev/pts/"):
        return ""  # the program at the far end of a pty may hold both ends
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            for descriptor in (folder / "fd").iterdir():
                if str(descriptor.readlink()) == device:
                    return (folder / "comm").read_text().strip() or folder.name
        except OSError:
            continue  # it ended, or it is another user's
    return ""


def _listen(path: str, baud: int, until: float, last: float) -> Interview:
    """Ask at one baud rate. Who begins to talk sense is listened to until `last`."""
    port = Port(path, baud)
    try:
        poller = select.poll()
        poller.register(port.descriptor, select.POLLIN)
        now = time.monotonic()
        interview = Interview(now)
        while not (interview.is_over(now) or interview.is_noise):
            if interview.is_text:
                until = last
            if now >= until:
                break
            if words := interview.transmit(now):
                port.write(words)
            due = min(interview.wake_at(), until)
            if poller.poll(max(1.0, (due - now) * 1000)):
                interview.receive(port.read(), time.monotonic())
            now = time.monotonic()
    finally:
        port.close()
    return interview
