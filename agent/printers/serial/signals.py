"""Signals that tell a pump to end, as part of its own poll."""

import os
import select
import signal
from types import FrameType

ENDING = (signal.SIGTERM, signal.SIGINT)
CHUNK = 4096


class SignalPipe:
    """A pipe in which a byte lies for each signal that came and was not taken yet."""

    def __init__(self, poller: select.epoll) -> None:
        """Have `poller` look at it."""
        self._poller = poller
        self._listens = False
        self.descriptor, self._fed = os.pipe()
        for end in (self.descriptor, self._fed):
            os.set_blocking(end, False)
        poller.register(self.descriptor, select.EPOLLIN)

    def listen(self) -> None:
        """Have the signals that end a process come here instead, in its main thread."""
        signal.set_wakeup_fd(self._fed)
        self._listens = True
        for number in ENDING:
            signal.signal(number, _take)

    def drain(self) -> None:
        """Take what lies there: as long as a byte does, no poll waits."""
        try:
            while os.read(self.descriptor, CHUNK):
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        """Hear no more; a signal that comes from now on does nothing."""
        if self._listens:
            signal.set_wakeup_fd(-1)
            self._listens = False
        self._poller.unregister(self.descriptor)
        for end in (self.descriptor, self._fed):
            os.close(end)


def _take(_number: int, _frame: FrameType | None) -> None:
    """Let a signal end nothing by itself; the byte that it leaves in the pipe ends the poll."""
