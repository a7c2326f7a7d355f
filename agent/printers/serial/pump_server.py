"""Where the agent puts its orders: a pump's Unix socket, as part of the pump's own poll."""

import contextlib
import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

from agent.printers.serial.pump_protocol import (
    LONGEST,
    PumpAnswer,
    PumpOrder,
    decode_order,
    encode,
    reachable,
)


class PumpServer:
    """Where the agent puts its orders: a Unix socket in the pump's folder."""

    def __init__(self, path: Path, poller: select.epoll) -> None:
        self._path = path
        self._poller = poller
        self._callers: dict[int, tuple[socket.socket, bytes]] = {}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        os.set_blocking(self._listener.fileno(), False)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            path.unlink(missing_ok=True)  # a stale one: we hold the lock, so nobody listens there
            self._listener.bind(reachable(path, folder))
        finally:
            os.close(folder)
        self._listener.listen(4)
        # Heard of once for each caller: one who can't be let in for want of descriptors keeps no poll from waiting.
        poller.register(self._listener.fileno(), select.EPOLLIN | select.EPOLLET)

    @property
    def is_alone(self) -> bool:
        """Whether no agent is there."""
        return not self._callers

    def serve(self, ready: set[int]) -> Iterator[tuple[int, PumpOrder | str]]:
        """The orders that have come, each with its caller; a string says why it is none."""
        if self._listener.fileno() in ready:
            self._greet()
        for number in ready & self._callers.keys():
            yield from self._hear(number)

    def answer(self, number: int, answer: PumpAnswer) -> None:
        """Say something to a caller; one that does not listen is hung up on."""
        if number not in self._callers:
            return
        try:
            self._callers[number][0].sendall(encode(answer) + b"\n")
        except OSError:
            self._hang_up(number)

    def close(self) -> None:
        """Nobody is heard any more."""
        for number in list(self._callers):
            self._hang_up(number)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _greet(self) -> None:
        """Let in all who wait, as far as there are descriptors: too few are no reason to leave a printer alone."""
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                os.set_blocking(caller.fileno(), False)
                self._callers[caller.fileno()] = (caller, b"")
                self._poller.register(caller.fileno(), select.EPOLLIN)

    def _hear(self, number: int) -> Iterator[tuple[int, PumpOrder | str]]:
        caller, held = self._callers[number]
        try:
            data = caller.recv(LONGEST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data or len(held) + len(data) > LONGEST:
            self._hang_up(number)
            return
        *lines, rest = (held + data).split(b"\n")
        self._callers[number] = (caller, rest)
        for line in lines:
            try:
                yield number, decode_order(line)
            except msgspec.MsgspecError as error:
                yield number, str(error)

    def _hang_up(self, number: int) -> None:
        caller, _ = self._callers.pop(number)
        self._poller.unregister(number)
        caller.close()
