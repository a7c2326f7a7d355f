"""Reads a stored file back in slices of time, like `Upload`: a server may have changed what it was sent."""

import hashlib

from agent.http.connection import Connection
from agent.http.deadline import Clock
from agent.http.failure import Cause, NoAnswerError
from agent.http.response import CHUNK, ResponseHead, head_of
from agent.printers.driver import PrinterError
from agent.printers.server.client import ServerClient


class ReadBack:
    """One file on its way back. Once it has raised, it is over."""

    def __init__(self, client: ServerClient, path: str, clock: Clock) -> None:
        """Ask for nothing yet."""
        self._client, self._path, self._clock = client, path, clock
        self.read = 0
        """Bytes of it that have come."""
        self._digest = hashlib.sha256()
        self._connection: Connection | None = None
        self._head = b""
        self._begun: ResponseHead | None = None
        self._over = False

    def push(self, until: float) -> str | None:
        """Go on until the clock says `until`, or all is read; then the SHA-256 of it, in hexadecimal.

        Raises:
            ServerRefusedError: it may not be read.
            PrinterError: it can't be read.
        """
        if self._connection is None:
            self._connection = self._client.begin("GET", self._path, {"Connection": "close"})
        try:
            while not self._over and (left := until - self._clock()) > 0:
                piece = self._connection.receive(CHUNK, left)
                if piece is None:
                    return None
                self._take(piece)
        except NoAnswerError as failure:
            raise self._client.failure(failure) from failure
        return self._digest.hexdigest() if self._over else None

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()

    def _take(self, piece: bytes) -> None:
        ended = not piece
        if self._begun is None:
            self._head += piece
            self._begun = head_of(self._head)
            if self._begun is None:
                if ended:
                    raise NoAnswerError(Cause.BROKEN, sent=True)
                return
            self._client.judge("GET", self._path, self._begun.response)
            if self._begun.chunked:
                raise PrinterError(f"{self._client.server} gives back no file whose length it tells")
            piece = self._begun.rest
        if self._begun.length is not None:
            piece = piece[: self._begun.length - self.read]
        self.read += len(piece)
        self._digest.update(piece)
        self._over = ended if self._begun.length is None else self.read == self._begun.length
        if ended and not self._over:
            raise NoAnswerError(Cause.BROKEN, sent=True)
