"""Brings one file into OctoPrint, and reads it back where that is needed, in slices of time."""

import hashlib
import http.client
import socket
from http import HTTPStatus
from pathlib import Path

import msgspec

from agent.printers.driver import PrinterError
from agent.printers.octoprint.answers import Uploaded
from agent.printers.octoprint.session import Session
from agent.printers.server.http import Clock, RefusedError
from agent.printers.server.multipart import CHUNK, Form
from agent.printers.server.paths import FOLDER, path_of
from agent.printers.server.response import head_of
from agent.printers.server.upload import Shipment

ORDER = ("POST", "/api/files/local")


class Upload:
    """One file on its way. Once it has raised, it is over."""

    def __init__(self, session: Session, attempt: str, path: Path, clock: Clock) -> None:
        """Open the file; send nothing yet.

        Raises:
            PrinterError: it can't be read.
        """
        self.attempt = attempt
        self._session = session
        try:
            self._content = path.open("rb")
        except OSError as error:
            raise PrinterError(f"the job's file {path} cannot be read: {error}") from error
        self._form = Form({"path": FOLDER}, (f"{attempt}.gcode", self._content, "application/octet-stream"))
        headers = {"Content-Type": self._form.content_type}
        self._shipment = Shipment(session, ORDER, self._form, headers, clock)
        self._stored = False

    @property
    def fraction(self) -> float:
        """How much has been sent, 0 to 1."""
        return self._shipment.fraction

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
        if not self._stored and self._shipment.push(until) and self._shipment.heard:
            self._judge(*self._shipment.heard)
        return self._stored

    def close(self) -> None:
        """Let go of the file and the connection: what was not sent whole is not stored."""
        self._content.close()
        self._shipment.close()

    def _judge(self, answer: http.client.HTTPResponse, content: bytes) -> None:
        try:
            uploaded = self._session.judge(*ORDER, answer, content).json()
            stored = msgspec.convert(uploaded, Uploaded).files.get("local")
        except RefusedError as refusal:
            raise _explained(refusal) from refusal
        except msgspec.ValidationError as error:
            raise PrinterError(f"OctoPrint answers in a way that is not known: {error}") from error
        if stored is None or stored.path != path_of(self.attempt):
            raise PrinterError(
                f"OctoPrint stored {path_of(self.attempt)} under another name; nothing was started"
            )
        self._stored = True
        self.close()


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
