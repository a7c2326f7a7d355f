"""Brings one file to a server in slices of time, as a printer may take minutes for a large plate.

No thread: whoever follows the printer calls `push` again and again, and looks at the printer in between.
"""

from collections.abc import Mapping

from msgspec import Struct

from agent.http.body import Body
from agent.http.connection import Connection
from agent.http.deadline import Clock
from agent.http.failure import Cause, NoAnswerError
from agent.http.response import CHUNK, Response, parse
from agent.printers.driver import PrinterError
from agent.printers.server.client import ServerClient

STALL = 120.0
"""Seconds without any progress after which a server has given up; a slow SD card is given that time."""
LAST_WORDS = 0.5
"""Seconds for a server that hung up to have said why."""


class UploadRequest(Struct, frozen=True):
    """How a file is sent; the headers are those of the body, but for its length."""

    method: str
    path: str
    body: Body
    headers: Mapping[str, str]


class Upload:
    """One file on its way. Once it has raised, it is over."""

    def __init__(self, client: ServerClient, request: UploadRequest, clock: Clock) -> None:
        """Send nothing yet."""
        self.response: Response | None = None
        """The server's answer, when all of it is there."""
        self._client, self._request, self._clock = client, request, clock
        self._size, self._pieces = len(request.body), iter(request.body)
        self._moved = clock()
        self._piece = memoryview(b"")
        self._sent = 0
        self._heard = b""
        self._connection: Connection | None = None

    @property
    def fraction(self) -> float:
        """How much has been sent, 0 to 1."""
        return min(1.0, self._sent / self._size)

    def push(self, until: float) -> Response | None:
        """Go on until the clock says `until`, or the server has answered; then its answer, good or bad.

        Raises:
            PrinterError: it is out of reach, or gave up.
        """
        if self.response:
            return self.response
        sent = self._sent
        if self._connection is None:
            headers = {**self._request.headers, "Content-Length": str(self._size)}
            self._connection = self._client.begin(self._request.method, self._request.path, headers)
        try:
            if self._send(self._connection, until):
                self._hear(self._connection, until)
        except NoAnswerError as failure:
            if failure.cause is not Cause.BROKEN:
                raise self._client.failure(failure) from failure
            if not self._has_last_words(self._connection):
                raise PrinterError(
                    f"{self._client.server} broke off at {self.fraction:.0%} of the file: "
                    "is its disk full, or was it restarted?"
                ) from failure
        if self._sent > sent or self.response:
            self._moved = self._clock()
        elif self._clock() - self._moved > STALL:
            raise PrinterError(
                f"{self._client.server} took {self.fraction:.0%} of the file and then nothing for {STALL:.0f} s"
            )
        return self.response

    def close(self) -> None:
        """Let go of the connection: what was not sent whole is not stored."""
        if self._connection is not None:
            self._connection.close()

    def _send(self, connection: Connection, until: float) -> bool:
        """Send until all is sent (then True), or it is `until`."""
        while True:
            if not self._piece:
                try:
                    piece = next(self._pieces, None)
                except OSError as error:
                    raise PrinterError(f"the job's file cannot be read: {error}") from error
                if piece is None:
                    return True
                self._piece = memoryview(piece)
            left = until - self._clock()
            if left <= 0:
                return False
            sent = connection.send_some(self._piece, left)
            if not sent:
                return False
            self._piece = self._piece[sent:]
            self._sent += sent

    def _hear(self, connection: Connection, until: float) -> None:
        """Wait for the answer until all of it is there, or it is `until`."""
        while not self.response and (left := until - self._clock()) > 0:
            piece = connection.receive(CHUNK, left)
            if piece is None:
                return
            self._heard += piece
            self.response = parse(self._heard, ended=not piece)
            if not self.response and (not piece or len(self._heard) > CHUNK):
                raise NoAnswerError(Cause.BROKEN)
        if self.response:
            self.close()

    def _has_last_words(self, connection: Connection) -> bool:
        """Whether a server that hung up has answered before."""
        try:
            self._hear(connection, self._clock() + LAST_WORDS)
        except NoAnswerError:
            return False
        return self.response is not None
