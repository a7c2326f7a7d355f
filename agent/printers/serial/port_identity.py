"""What a printer was known by, so that it is found again where it has moved to, and no other is taken for it."""

import contextlib
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.printers.driver import PrinterError

BY_ID = Path("/dev/serial/by-id")
SYS = Path("/sys/class/tty")


class PortIdentity(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`link` is the name of its USB adapter (maker, kind, serial number) as udev writes it; `baud` what it spoke."""

    link: str = ""
    baud: int = 0


decode = msgspec.json.Decoder(PortIdentity).decode


def nameless(device: Path, sys: Path = SYS) -> str:
    """The kind of a USB adapter without a serial number, all of which share one name; empty for any other port."""
    for folder in (sys / device.name / "device").resolve().parents:
        if (folder / "idVendor").exists():
            if (folder / "serial").exists():
                return ""
            return ":".join((folder / file).read_text().strip() for file in ("idVendor", "idProduct"))
    return ""


def has_twin(device: Path, sys: Path = SYS) -> bool:
    """Whether another adapter is plugged in that goes by the same name."""
    kind = nameless(device, sys)
    others = (Path("/dev") / each.name for each in sys.iterdir()) if kind else ()
    return any(nameless(other, sys) == kind for other in others if other.name != device.name)


def link_of(port: Path, links: Path, sys: Path = SYS) -> str:
    """The name under `links` of the device that is at `port`; empty if it has none, or none of its own."""
    with contextlib.suppress(OSError):
        device = port.resolve(strict=True)
        if nameless(device, sys):
            return ""
        return next((link.name for link in sorted(links.iterdir()) if link.resolve() == device), "")
    return ""


class PortLocator:
    """Where one printer is. Kept on disk at `path`."""

    def __init__(self, path: Path, port: Path, links: Path = BY_ID, sys: Path = SYS) -> None:
        self._path = path
        self._port = port
        self._links = links
        self._sys = sys
        self.known = PortIdentity()
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            self.known = decode(path.read_bytes())

    def find(self) -> Path:
        """The port at which the printer is now.

        Raises:
            PrinterError: another device is at its port, and it is nowhere else; or nobody can tell which it is.
        """
        self._check_alone()
        known = self.known.link
        if not known or self._port.parent == self._links:
            return self._port
        here = link_of(self._port, self._links, self._sys)
        if here == known:
            return self._port
        if (self._links / known).exists():
            return (self._links / known).resolve()
        if here:
            raise PrinterError(
                f"another device ({here}) is at {self._port} than the printer that was there ({known}):"
                f" plug that in again, or delete {self._path} if you changed it on purpose"
            )
        return self._port

    def keep(self, port: Path, baud: int) -> None:
        """The printer answers at `port`, at this rate."""
        identity = PortIdentity(link=link_of(port, self._links, self._sys), baud=baud)
        if identity == self.known:
            return
        self.known = identity
        with contextlib.suppress(OSError):  # it is known again after the next greeting
            self._path.write_bytes(msgspec.json.encode(identity))

    def _check_alone(self) -> None:
        """A name that two adapters share leads to one of them today, and to the other tomorrow."""
        with contextlib.suppress(OSError):
            if self._port.parent != self._links or not has_twin(self._port.resolve(strict=True), self._sys):
                return
            raise PrinterError(
                f"two adapters of one kind go by the name {self._port}, so nobody can tell which one is meant:"
                " give the printer's port by its name in /dev/serial/by-path (muster-agent printers shows it)"
            )
