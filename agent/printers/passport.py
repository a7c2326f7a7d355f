"""What a printer was known by, so that it is found again where it has moved to, and no other is taken for it."""

import contextlib
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.printers.driver import PrinterError

BY_ID = Path("/dev/serial/by-id")


class Passport(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`link` is the name of its USB adapter (maker, kind, serial number) as udev writes it; `baud` what it spoke."""

    link: str = ""
    baud: int = 0


decode = msgspec.json.Decoder(Passport).decode


def link_of(port: Path, links: Path) -> str:
    """The name under `links` of the device that is at `port`; empty if it has none."""
    with contextlib.suppress(OSError):
        device = port.resolve(strict=True)
        return next((link.name for link in sorted(links.iterdir()) if link.resolve() == device), "")
    return ""


class Whereabouts:
    """Where one printer is. Kept on disk at `path`."""

    def __init__(self, path: Path, port: Path, links: Path = BY_ID) -> None:
        self._path = path
        self._port = port
        self._links = links
        self.passport = Passport()
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            self.passport = decode(path.read_bytes())

    def find(self) -> Path:
        """The port at which the printer is now.

        Raises:
            PrinterError: another device is at its port, and it is nowhere else.
        """
        known = self.passport.link
        if not known or self._port.parent == self._links:
            return self._port
        here = link_of(self._port, self._links)
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
        passport = Passport(link=link_of(port, self._links), baud=baud)
        if passport == self.passport:
            return
        self.passport = passport
        with contextlib.suppress(OSError):  # it is known again after the next greeting
            self._path.write_bytes(msgspec.json.encode(passport))
