"""Brings one file into OctoPrint in slices of time, as a Raspberry Pi may take minutes for a large plate.

No thread: whoever follows the printer calls `push` again and again, and looks at the printer in between.
"""

import hashlib
import http.client
import socket
from http import HTTPStatus
from pathlib import Path

import msgspec

from agent.printers.driver import PrinterError
from agent.printers.form import CHUNK, Form
from agent.printers.octoprint_answers import Uploaded
from agent.printers.octoprint_session import Clock, RefusedError, Session, head_of, parse
from agent.printers.shelf import FOLDER, path_of

STALL = 120.0
"""Seconds without any progress after which OctoPrint has given up; a slow SD card is given that time."""


class Upload:
    """One file on its way. Once it has raised, it is over."""

    def __init__(self, session: Session, attempt: str, path: Path, clock: Clock) -> None:
        """Open the file; send nothing yet.

        Raises:
            PrinterError: it can't be read.
        """
        self.attempt = attempt
        self._session = session
        self._clock = clock
        self._moved = clock()
        try:
            self._content = path.open("rb")
        except OSError as error:
            raise PrinterError(f"the job's file {path} cannot be read: {error}") from error
        self._form = Form({"path": FOLDER}, (f"{attempt}.gcode", self._content, "application/octet-stream"))
        self._pieces = iter(self._form)
        self._piece = memoryview(b"")
        self._sent = 0
        self._heard = b""
        self._connection: socket.socket | None = None
        self._answered = False

    @property
    def fraction(self) -> float:
        """How much has been sent, 0 to 1."""
        return min(1.0, self._sent / len(self._form))

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._form.size

    @property
    def digest(self) -> str:
        """SHA-1 of what was sent, in hexadecimal."""
        return self._form.digest.hexdigest()

    def push(self, until: float) -> bool:
        """Go on until the clock says `until`, or OctoPrint has the file under its name; then True.

        Raises:
            PrinterError: OctoPrint did not take it, or gave up.
        """
        if self._answered:
            return True
        sent = self._sent
        try:
            if self._connection is None:
                self._begin()
            if self._send(until):
                self._hear(until)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise self._refusal() from error
        except (http.client.HTTPException, OSError) as error:
            raise self._session.failure(error) from error
        if self._sent > sent or self._answered:
            self._moved = self._clock()
        elif self._clock() - self._moved > STALL:
            raise PrinterError(
                f"OctoPrint took {self.fraction:.0%} of the file and then nothing for {STALL:.0f} s"
            )
        return self._answered

    def close(self) -> None:
        """Let go of the file and the connection: what was not sent whole is not stored."""
        self._content.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _begin(self) -> None:
        connection = self._session.connect()
        headers = {"Content-Type": self._form.content_type, "Content-Length": str(len(self._form))}
        try:
            self._session.begin(connection, "POST", "/api/files/local", headers)
        except (OSError, PrinterError):
            connection.close()
            raise
        self._connection = connection

    def _send(self, until: float) -> bool:
        """Send until all is sent (then True), or it is `until`."""
        assert self._connection is not None
        while True:
            if not self._piece:
                piece = next(self._pieces, None)
                if piece is None:
                    return True
                self._piece = memoryview(piece)
            left = until - self._clock()
            if left <= 0:
                return False
            self._connection.settimeout(left)
            try:
                sent = self._connection.send(self._piece)
            except TimeoutError:
                return False
            self._piece = self._piece[sent:]
            self._sent += sent

    def _hear(self, until: float) -> None:
        """Wait for the answer until all of it is there, or it is `until`."""
        assert self._connection is not None
        while not self._answered and (left := until - self._clock()) > 0:
            self._connection.settimeout(left)
            try:
                piece = self._connection.recv(CHUNK)
            except TimeoutError:
                return
            self._heard += piece
            answer = parse(self._heard, ended=not piece)
            if answer is not None:
                self._judge(*answer)
            elif not piece or len(self._heard) > CHUNK:
                raise ConnectionResetError

    def _judge(self, answer: http.client.HTTPResponse, content: bytes) -> None:
        try:
            uploaded = self._session.judge("POST", "/api/files/local", answer, content).json()
            stored = msgspec.convert(uploaded, Uploaded).files.get("local")
        except RefusedError as refusal:
            raise _explained(refusal) from refusal
        except msgspec.ValidationError as error:
            raise PrinterError(f"OctoPrint answers in a way that is not known: {error}") from error
        if stored is None or stored.path != path_of(self.attempt):
            raise PrinterError(
                f"OctoPrint stored {path_of(self.attempt)} under another name; nothing was started"
            )
        self._answered = True
        self.close()

    def _refusal(self) -> PrinterError:
        """A server that hangs up may have said why before."""
        try:
            self._hear(self._clock() + 0.5)
        except (http.client.HTTPException, OSError):
            pass
        except PrinterError as refusal:
            return refusal
        return PrinterError(
            f"OctoPrint broke off at {self.fraction:.0%} of the file: is its disk full, or was it restarted?"
        )


class ReadBack:
    """Reads a file back in slices of time: OctoPrint 2.0 gives no check sum of what it has stored."""

    def __init__(self, session: Session, attempt: str, size: int, clock: Clock) -> None:
        self._session = session
        self._path = f"/downloads/files/local/{path_of(attempt)}"
        self._clock = clock
        self._left = size
        self._digest = hashlib.sha1(usedforsecurity=False)
        self._connection: socket.socket | None = None
        self._head: bytes | None = b""

    def push(self, until: float) -> str | None:
        """Go on until the clock says `until`, or all is read; then the SHA-1 of it, in hexadecimal.

        Raises:
            PrinterError: it can't be read, or isn't as long as it should be.
        """
        try:
            if self._connection is None:
                self._connection = self._session.connect()
                self._session.begin(self._connection, "GET", self._path, {"Connection": "close"})
            while self._left and (left := until - self._clock()) > 0:
                self._connection.settimeout(left)
                try:
                    piece = self._connection.recv(CHUNK)
                except TimeoutError:
                    return None
                if not piece:
                    raise ConnectionResetError
                self._take(piece)
        except (http.client.HTTPException, OSError) as error:
            raise self._session.failure(error) from error
        return None if self._left else self._digest.hexdigest()

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()

    def _take(self, piece: bytes) -> None:
        if self._head is not None:
            self._head += piece
            answer = head_of(self._head)
            if answer is None:
                return
            if answer.status != HTTPStatus.OK:
                raise PrinterError(
                    "OctoPrint 2 gives no check sum of what it stores: "
                    "allow the key's account to download files, so that it can be compared"
                )
            if answer.length != self._left:
                raise PrinterError("what OctoPrint has stored is not as long as what was sent")
            self._head, piece = None, self._head.partition(b"\r\n\r\n")[2]
        piece = piece[: self._left]
        self._left -= len(piece)
        self._digest.update(piece)


def _explained(refusal: RefusedError) -> RefusedError:
    if refusal.code in {413, 507}:
        return RefusedError(
            refusal.code, f"OctoPrint has no room for the file; delete old ones there. {refusal}"
        )
    if refusal.code >= 500:
        return RefusedError(refusal.code, f"OctoPrint could not store the file: is its disk full? {refusal}")
    return refusal
