"""Printers on a serial port. The agent's side is `SerialDriver`; what moves the bytes is a pump, a process of its own.

The only file that knows pyserial, which opens and configures ports; the bytes go past it, by their descriptor.
"""

import contextlib
import fcntl
import os
import struct
import termios
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import serial
from msgspec import Struct

from agent.printers.attachment import Attachment
from agent.printers.driver import Condition, PrinterError, Status
from agent.printers.flight import WINDOW
from agent.printers.order import Answer, Order, place
from agent.printers.record import decode
from agent.printers.replies import Identity
from agent.printers.setup import Dtr, Setup

CALL_SECONDS = 4.5
"""What a call may take in all; the protocol promises five."""
PULSE_SECONDS = 0.1
"""How long DTR is low: the capacitor in front of the reset pin wants an edge, some bridges a moment."""
CHUNK = 65536


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


def _why_not(port: str, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if isinstance(error, FileNotFoundError) or number == 2:
        return f"{port} is not there: is the printer plugged in and switched on?"
    if number == 13:
        return f"{port} may not be opened by this user: add it to the group dialout"
    if number in {11, 16}:
        return f"{port} is in use by another program: close that first"
    return f"{port} can't be opened: {error}"


class SerialDriver:
    """A printer on a serial port, driven by its pump. Starts the pump where none answers."""

    def __init__(
        self,
        name: str,
        port: str,
        baud: int,
        state: Path,
        *,
        top: float = 0.0,
        park: tuple[float, float] | None = None,
        window: int = WINDOW,
        dtr: Dtr = "stop",
        goes_on: bool = False,
    ) -> None:
        """Make no contact yet.

        Args:
            name: the printer's.
            port: a device, best by its link in /dev/serial/by-id.
            baud: 0 to find it by trying.
            state: a folder for all printers' pumps.
            top: how high a pause may lift the nozzle, in mm; 0 for never.
            park: where X and Y rest after a cancel, in mm.
            window: bytes of the board's receive buffer; 0 for one line at a time.
            dtr: when the board may be reset by DTR; see `Setup`.
            goes_on: whether a print goes on after its pump died, where the board proves that it did not reset.
        """
        self._name = name
        self._top = top
        self._folder = place(state, name)
        self._pump = Attachment(
            self._folder, Setup(port=port, baud=baud, window=window, dtr=dtr, park=park, goes_on=goes_on)
        )

    def status(self) -> Status:
        """Look at the printer."""
        try:
            return self._ask(Order("status")).status
        except PrinterError as error:
            return self._remembered(str(error))

    def start(self, attempt: str, path: Path, seconds: float) -> None:
        """Begin printing."""
        self._order(Order("start", attempt, str(path.absolute()), seconds, self._top))

    def pause(self) -> None:
        """Ask for a pause."""
        self._order(Order("pause"))

    def resume(self) -> None:
        """Go on."""
        self._order(Order("resume"))

    def cancel(self) -> None:
        """Motion stops, heaters go off."""
        self._order(Order("cancel"))

    def reset(self) -> None:
        """Its owner has looked at the printer: a fault is over.

        Raises:
            PrinterError: a print runs, or the pump does not answer.
        """
        self._order(Order("reset"))

    def ask(self, question: str) -> None:
        """Ask at the display whether the bed is clear."""
        self._order(Order("ask", question))

    def hush(self) -> None:
        """Ask no more."""
        self._order(Order("hush"))

    def identity(self) -> Identity | None:
        """What the board said of itself; None while it has not."""
        return self._ask(Order("status")).identity

    def close(self) -> None:
        """Let go: a pump that prints goes on without us, an idle one ends."""
        deadline = time.monotonic() + 1.0
        prints = False
        try:
            if self._pump.is_open or self._pump.connect(deadline):
                status = self._pump.exchange(Order("close"), deadline).status
                prints = status.attempt is not None and status.ending is None
        except (OSError, msgspec.MsgspecError):
            pass  # it is gone already, or it ends by itself when it is left alone
        self._pump.hang_up()
        if not prints:
            self._pump.outlive()
        self._pump.forget()

    def _order(self, order: Order) -> None:
        answer = self._ask(order)
        if answer.error:
            raise PrinterError(answer.error)

    def _ask(self, order: Order) -> Answer:
        """Say `order` to the pump, which is started if it is not there.

        Raises:
            PrinterError: there is no pump and none can be started, or it does not answer.
        """
        deadline = time.monotonic() + CALL_SECONDS
        fresh = not self._pump.is_open
        try:
            if fresh:
                self._pump.meet(deadline)
            return self._pump.ask(order, deadline)
        except (OSError, msgspec.MsgspecError) as error:
            self._pump.hang_up()
            if fresh or order.do != "status":
                raise self._silent(error) from error
        try:
            self._pump.meet(deadline)
            return self._pump.ask(order, deadline)
        except (OSError, msgspec.MsgspecError) as error:
            self._pump.hang_up()
            raise self._silent(error) from error

    def _silent(self, error: Exception) -> PrinterError:
        return PrinterError(f"the process that drives {self._name} does not answer: {error}")

    def _remembered(self, why: str) -> Status:
        """What the pump has left on disk, where none can be asked."""
        try:
            record = decode((self._folder / "record.json").read_bytes())
        except (OSError, msgspec.MsgspecError):
            return Status(condition=Condition.UNREACHABLE, why=why)
        return Status(
            condition=Condition.UNREACHABLE,
            attempt=record.attempt,
            ending=record.ending,
            why=record.fault or record.why or why,
            progress=record.progress,
        )


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
