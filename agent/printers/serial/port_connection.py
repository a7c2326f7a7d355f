"""The port that a pump has open, or looks for."""

import select
from pathlib import Path

from agent.printers.driver import PrinterError
from agent.printers.serial.baud_search import BaudSearch
from agent.printers.serial.options import PortOptions
from agent.printers.serial.port import Port, PortLost
from agent.printers.serial.port_identity import PortLocator
from agent.printers.serial.port_writer import PortWriter

REOPEN_SECONDS = 0.5


class PortConnection:
    """One printer's port: found, opened, in the pump's poll while it is open, and looked for again once it is lost."""

    def __init__(self, options: PortOptions, folder: Path, links: Path, poller: select.epoll) -> None:
        """`folder` is the pump's own; `links` is where udev names serial ports by what is plugged in there."""
        self.port: Port | None = None
        self.writer: PortWriter | None = None
        """There is one as long as there is a port."""
        self.why = "the port was not opened yet"
        """Why there is none."""
        self.open_at = 0.0
        self._locator = PortLocator(folder / "passport.json", Path(options.port), links)
        self._rates = BaudSearch(options.baud, self._locator.known.baud)
        self._path = Path(options.port)
        self._poller = poller

    def open(self, now: float) -> bool:
        """Open the port, if it is time; whether it was opened."""
        if self.port or now < self.open_at:
            return False
        try:
            self._path = self._locator.find()
            self.port = Port(str(self._path), self._rates.baud)
        except PrinterError as error:
            self.why = str(error)
            self.open_at = now + REOPEN_SECONDS
            return False
        self._poller.register(self.port.descriptor, select.EPOLLIN)
        self.writer = PortWriter(self.port, self._poller)
        self._rates.begin(now)
        return True

    def remember(self) -> None:
        """The printer is understood: it is known by where it is and how it speaks."""
        self._locator.keep(self._path, self._rates.baud)

    def try_next_rate(self, now: float) -> bool:
        """Nothing that makes sense has come; whether it goes on at another rate now.

        Raises:
            PortLost: the port can't do that, or is gone.
        """
        if not self.port or not self._rates.try_next(now):
            return False
        self.port.retune(self._rates.baud)
        return True

    def lose(self, loss: PortLost, now: float) -> None:
        """The printer was unplugged; look for it again from now on."""
        self.why = (
            f"The connection to {self._path} was lost ({loss}): is the cable plugged in, and the printer on?"
        )
        self.close()
        self.open_at = now + REOPEN_SECONDS

    def flush(self, now: float, until: float) -> None:
        """Wait until the port has taken all, but not for long.

        Raises:
            PortLost: it is gone.
        """
        while self.port and self.writer and self.writer.pending and now < until:
            now = self.port.wait_for_room(until - now)
            self.writer.write(b"", now)

    def close(self) -> None:
        """Let go of the port."""
        if self.port:
            self._poller.unregister(self.port.descriptor)
            self.port.close()
        self.port = self.writer = None
