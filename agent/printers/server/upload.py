"""Brings one file to a server in slices of time, as a printer may take minutes for a large plate.

No thread: whoever follows the printer calls `push` again and again, and looks at the printer in between.
"""

import http.client
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from agent.printers.driver import PrinterError
from agent.printers.server.response import parse

CHUNK = 64 * 1024
STALL = 120.0
"""Seconds without any progress after which a server has given up; a slow SD card is given that time."""
LAST_WORDS = 0.5
"""Seconds for a server that hung up to have said why."""


class Body(Protocol):
    """What is sent piece by piece; its length is known before."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...


class Carrier(Protocol):
    """The way to a server."""

    server: str
    """What its makers call it."""

    def connect(self) -> socket.socket:
        """A new connection."""
        ...

    def begin(self, connection: socket.socket, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Send a request's head; its body is to follow."""
        ...

    def failure(self, error: Exception) -> PrinterError:
        """What an owner should hear of a failed connection."""
        ...


class Shipment:
    """One file on its way. Once it has raised, it is over."""

    def __init__(
        self,
        carrier: Carrier,
        order: tuple[str, str],
        body: Body,
        headers: Mapping[str, str],
        clock: Callable[[], float],
    ) -> None:
        """Send nothing yet. `order` is method and path; the headers are those of the body, but for its length."""
        self.heard: tuple[http.client.HTTPResponse, bytes] | None = None
        """The server's answer, when all of it is there."""
        self._carrier, self._order, self._clock = carrier, order, clock
        self._size, self._pieces = len(body), iter(body)
        self._headers = {**headers, "Content-Length": str(len(body))}
        self._moved = clock()
        self._piece = memoryview(b"")
        self._sent = 0
        self._answer = b""
        self._connection: socket.socket | None = None

    @property
    def fraction(self) -> float:
        """How much has been sent, 0 to 1."""
        return min(1.0, self._sent / self._size)

    def push(self, until: float) -> bool:
        """Go on until the clock says `until`, or the server has answered; then True, and `heard` is the answer.

        Raises:
            PrinterError: it is out of reach, or gave up.
        """
        if self.heard:
            return True
        sent = self._sent
        try:
            if self._connection is None:
                self._connection = self._begin()
            if self._send(self._connection, until):
                self._hear(self._connection, until)
        except (BrokenPipeError, ConnectionResetError) as error:
            if not self._has_last_words():
                raise PrinterError(
                    f"{self._carrier.server} broke off at {self.fraction:.0%} of the file: "
                    "is its disk full, or was it restarted?"
                ) from error
        except (http.client.HTTPException, OSError) as error:
            raise self._carrier.failure(error) from error
        if self._sent > sent or self.heard:
            self._moved = self._clock()
        elif self._clock() - self._moved > STALL:
            raise PrinterError(
                f"{self._carrier.server} took {self.fraction:.0%} of the file and then nothing for {STALL:.0f} s"
            )
        return self.heard is not None

    def close(self) -> None:
        """Let go of the connection: what was not sent whole is not stored."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _begin(self) -> socket.socket:
        connection = self._carrier.connect()
        try:
            self._carrier.begin(connection, *self._order, self._headers)
        except (OSError, PrinterError):
            connection.close()
            raise
        return connection

    def _send(self, connection: socket.socket, until: float) -> bool:
        """Send until all is sent (then True), or it is `until`."""
        while True:
            if not self._piece:
                piece = next(self._pieces, None)
                if piece is None:
                    return True
                self._piece = memoryview(piece)
            left = until - self._clock()
            if left <= 0:
                return False
            connection.settimeout(left)
            try:
                sent = connection.send(self._piece)
            except TimeoutError:
                return False
            self._piece = self._piece[sent:]
            self._sent += sent

    def _hear(self, connection: socket.socket, until: float) -> None:
        """Wait for the answer until all of it is there, or it is `until`."""
        while not self.heard and (left := until - self._clock()) > 0:
            connection.settimeout(left)
            try:
                piece = connection.recv(CHUNK)
            except TimeoutError:
                return
            self._answer += piece
            self.heard = parse(self._answer, ended=not piece)
            if not self.heard and (not piece or len(self._answer) > CHUNK):
                raise ConnectionResetError
        if self.heard:
            self.close()

    def _has_last_words(self) -> bool:
        """Whether a server that hung up has answered before."""
        if self._connection is not None:
            try:
                self._hear(self._connection, self._clock() + LAST_WORDS)
            except (http.client.HTTPException, OSError):
                return False
        return self.heard is not None
