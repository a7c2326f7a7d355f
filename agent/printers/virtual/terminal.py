"""A pty with a printer behind it."""

import os
import select
import termios
import tty
from pathlib import Path


class PseudoTerminal:
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
