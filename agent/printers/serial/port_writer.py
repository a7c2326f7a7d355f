"""Bytes for a port that it has not taken yet, and for how long it has refused them."""

import select

from agent.printers.serial.port import Port, PortLost

STUCK_SECONDS = 1.0
"""A port that takes no byte for so long is lost."""
WAKE_SECONDS = 0.2
"""One that takes none for so long is told to go on: somebody may have stopped its output."""
REFUSAL_SECONDS = 0.1
"""A refusal counts for so long at most, however long our last turn was: a slow disk, or a busy machine, is no fault of
the port's. While it refuses, it is tried that often."""


class PortWriter:
    """One open port's; it has the poll tell of room only while there is something to write."""

    def __init__(self, port: Port, poller: select.epoll) -> None:
        """The port is in the poll already."""
        self.pending = b""
        """What it has not taken."""
        self._port = port
        self._poller = poller
        self._refused_for = self._tried_at = 0.0

    def write(self, data: bytes, now: float) -> None:
        """Write what was left, and `data` after it, as far as there is room.

        Raises:
            PortLost: the cable was pulled, or the port takes nothing any more.
        """
        had = bool(self.pending)
        data = self.pending + data
        if not data:
            return
        taken = self._port.write(data)
        if taken == len(data) and not had:
            return
        self.pending = data[taken:]
        self._refused_for = self._add_refusal(now) if had and not taken else 0.0
        self._tried_at = now
        if self._refused_for > STUCK_SECONDS:
            raise PortLost(f"it has taken none of {len(self.pending)} bytes for {self._refused_for:.1f} s")
        if self._refused_for > WAKE_SECONDS:
            self._port.let_flow()
        wanted = select.EPOLLIN | (select.EPOLLOUT if self.pending else 0)
        self._poller.modify(self._port.descriptor, wanted)

    def _add_refusal(self, now: float) -> float:
        """For how long the port has refused: by what was tried, not by a clock that went on while we did not."""
        return self._refused_for + min(now - self._tried_at, REFUSAL_SECONDS)
