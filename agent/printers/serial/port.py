"""Serial ports: which there are, and one that is open. The bytes go past pyserial, by their descriptor.

The only file that knows pyserial, which finds, opens and configures ports.
"""

import contextlib
import fcntl
import os
import select
import struct
import termios
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import serial
from msgspec import Struct

from agent.printers.driver import PrinterError

PULSE_SECONDS = 0.1
"""How long DTR is low: the capacitor in front of the reset pin wants an edge, some bridges a moment."""
CHUNK = 65536
PTYS = range(136, 144)
"""Major numbers of the near ends of ptys (Linux's devices.txt)."""


class PortLost(Exception):
    """The port that was open is no more; the message says how that was noticed."""


class Port:
    """A port that we have alone: raw, never blocking, and not resetting the board when it is closed."""

    def __init__(self, path: str, baud: int) -> None:
        """Open it.

        Raises:
            PrinterError: it is not there, or not ours to open, or another program has it.
        """
        try:
            self._serial = serial.Serial(path, baud, timeout=0, write_timeout=0, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as error:
            raise PrinterError(_why_not(path, error)) from error
        self.descriptor: int = self._serial.fileno()
        try:
            if not is_pty(self.descriptor):
                fcntl.ioctl(self.descriptor, termios.TIOCEXCL)
            modes = termios.tcgetattr(self.descriptor)
            modes[2] &= ~termios.HUPCL
            termios.tcsetattr(self.descriptor, termios.TCSANOW, modes)
            os.set_blocking(self.descriptor, False)
        except (OSError, termios.error) as error:
            self.close()
            raise PrinterError(_why_not(path, error)) from error

    def read(self) -> bytes:
        """What has come; empty if nothing has.

        Raises:
            PortLost: the cable was pulled, or another program stole the bytes.
        """
        try:
            data = os.read(self.descriptor, CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise PortLost(str(error)) from error
        if not data:
            raise PortLost("nothing to read where there should be")
        return data

    def write(self, data: bytes) -> int:
        """How many bytes the port took.

        Raises:
            PortLost: the cable was pulled.
        """
        try:
            return os.write(self.descriptor, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise PortLost(str(error)) from error

    def wait_for_room(self, seconds: float) -> float:
        """Wait until the port takes bytes, but for no longer than this; gives the time then, by `time.monotonic`."""
        poller = select.poll()
        poller.register(self.descriptor, select.POLLOUT)
        poller.poll(seconds * 1000)
        return time.monotonic()

    def let_flow(self) -> None:
        """Let output go on that was stopped: by a ^S that came in, or by a program that had the port before us."""
        with contextlib.suppress(OSError, termios.error):
            termios.tcflow(self.descriptor, termios.TCOON)

    def retune(self, baud: int) -> None:
        """Go on at another rate.

        Raises:
            PortLost: the port can't do that, or is gone.
        """
        try:
            self._serial.baudrate = baud
        except (serial.SerialException, OSError, ValueError, termios.error) as error:
            raise PortLost(str(error)) from error

    def reset(self) -> bool:
        """Reset the board by DTR, as its button would; gives whether the port can do that."""
        line = struct.pack("I", termios.TIOCM_DTR)
        try:
            fcntl.ioctl(self.descriptor, termios.TIOCMBIC, line)
            time.sleep(PULSE_SECONDS)
            fcntl.ioctl(self.descriptor, termios.TIOCMBIS, line)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Let go of it, and let others open it."""
        with contextlib.suppress(OSError, termios.error, serial.SerialException):
            fcntl.ioctl(self.descriptor, termios.TIOCNXCL)
        with contextlib.suppress(OSError, termios.error, serial.SerialException):
            self._serial.close()


def is_pty(descriptor: int) -> bool:
    """Whether a program stands at the other end, and no cable.

    The kernel forgets TIOCEXCL when the last one closes a serial port, but that of a pty only when its far end is
    closed too: after a holder that was killed nobody but root could open it. There the lock that pyserial takes on
    the device (`exclusive`) has to do, as it ends with its holder.
    """
    return os.major(os.fstat(descriptor).st_rdev) in PTYS


def _why_not(port: str, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if isinstance(error, FileNotFoundError) or number == 2:
        return f"{port} is not there: is the printer plugged in and switched on?"
    if number == 13:
        return f"{port} may not be opened by this user: add it to the group dialout"
    if number in {11, 16}:
        return f"{port} is in use by another program: close that first"
    return f"{port} can't be opened: {error}"


class Outlet(Struct, frozen=True, kw_only=True):
    """A serial port of this machine. `path` is the name that stays when cables are plugged elsewhere, if it has one."""

    path: str
    device: str
    product: str = ""
    serial: str = ""
    usb: bool = True


class _Plugged(Protocol):
    """A port as pyserial finds it. `vid` and `pid` are None where it is not at USB."""

    device: str
    description: str
    product: str | None
    serial_number: str | None
    vid: int | None
    pid: int | None


def ports(
    by_id: Path = Path("/dev/serial/by-id"), by_path: Path = Path("/dev/serial/by-path")
) -> list[Outlet]:
    """The serial ports of this machine; none is opened. The folders hold names that stay, as udev makes them."""
    from serial.tools import list_ports  # noqa: PLC0415  to look around only

    return outlets(sorted(list_ports.comports()), by_id, by_path)


def outlets(plugged: Sequence[_Plugged], by_id: Path, by_path: Path) -> list[Outlet]:
    """Each of these ports by the name that stays: its adapter's, or that of the socket that it is plugged into.

    Two adapters of a kind that have no serial number share one name in `by_id`, which leads to either.
    """
    ids, paths = _names(by_id), _names(by_path)
    kinds = Counter((each.vid, each.pid) for each in plugged if not each.serial_number)
    found: list[Outlet] = []
    for each in plugged:
        is_one_of_many = not each.serial_number and kinds[each.vid, each.pid] > 1
        own = "" if is_one_of_many else ids.get(os.path.realpath(each.device), "")
        found.append(
            Outlet(
                path=own or paths.get(os.path.realpath(each.device), each.device),
                device=each.device,
                product=each.product or ("" if each.description == "n/a" else each.description),
                serial=each.serial_number or "",
                usb=each.vid is not None,
            )
        )
    return found


def _names(folder: Path) -> dict[str, str]:
    """Which link in a folder leads to which device."""
    with contextlib.suppress(OSError):
        return {str(link.resolve()): str(link) for link in sorted(folder.iterdir(), reverse=True)}
    return {}
