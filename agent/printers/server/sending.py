"""Brings an attempt's file into a server, in slices of time, and sees that just its bytes are stored there."""

from collections.abc import Callable

from agent.http.deadline import Clock
from agent.http.status import HTTPStatus
from agent.printers.driver import PrinterError
from agent.printers.server.client import ServerRefusedError, UnansweredError
from agent.printers.server.outgoing import OutgoingFile
from agent.printers.server.printer_server import FileServer, StoredFile
from agent.printers.server.read_back import ReadBack
from agent.printers.server.upload import STALL, Upload, UploadRequest

PAUSE = 0.1
"""Seconds between two questions about a file of which the server does not tell yet."""


class Sending:
    """One file on its way. Once it has raised anything but `LateError`, it is over."""

    def __init__(
        self,
        server: FileServer,
        file: OutgoingFile,
        clock: Clock,
        sleep: Callable[[float], None],
    ) -> None:
        """Send nothing yet."""
        self._server = server
        self._file = file
        self._clock = clock
        self._sleep = sleep
        self._request: UploadRequest | None = None
        self._upload: Upload | None = None
        self._stored: StoredFile | None = None
        self._back: ReadBack | None = None
        self._moved: float | None = None
        self._whole = False

    @property
    def fraction(self) -> float:
        """How much has been sent, 0 to 1."""
        return self._upload.fraction if self._upload else 0.0

    def bring(self, until: float) -> bool:
        """Go on until the clock says `until`, or the file is there for certain; then True.

        Raises:
            LateError: the server is slow.
            PrinterError: it did not take the file, or holds other bytes.
        """
        if self._moved is None and not self._send(until):
            return False
        while not self._whole and not self._is_whole(until):
            if self._moved is not None and self._clock() - self._moved > STALL:
                raise PrinterError(
                    f"{self._server.client.server} took the file, and does not tell what it holds"
                )
            if self._clock() >= until:
                return False
            self._sleep(PAUSE)
        self._whole = True
        return True

    def close(self) -> None:
        """Let go of the file and the connections: what was not sent whole is not stored."""
        self._file.close()
        for way in (self._upload, self._back):
            if way is not None:
                way.close()

    def _send(self, until: float) -> bool:
        """Whether the server has taken all of it."""
        client = self._server.client
        request = self._request = self._request or self._server.upload(self._file)
        self._upload = self._upload or Upload(client, request, self._clock)
        response = self._upload.push(until)
        if response is None:
            return False
        try:
            content = client.judge(request.method, request.path, response).content
        except ServerRefusedError as refusal:
            raise _explained(client.server, refusal) from refusal
        self._server.took(self._file, content)
        self._moved = self._clock()
        return True

    def _is_whole(self, until: float) -> bool:
        """Whether it is certain that the server holds our bytes: it, or a plug-in of it, may rewrite uploads."""
        stored = self._stored = self._stored or self._server.stored(self._file)
        if stored is None:
            return False
        if stored.size not in {None, self._file.size} or stored.sha1 not in {None, self._file.sha1}:
            raise self._changed()
        if stored.sha1 is not None or not stored.path:
            return True
        back = self._back = self._back or ReadBack(self._server.client, stored.path, self._clock)
        read = back.read
        try:
            digest = back.push(until)
        except ServerRefusedError as refusal:
            raise PrinterError(stored.permission or str(refusal)) from refusal
        except UnansweredError:
            back.close()
            self._back = None  # it is read anew
            raise
        if back.read > read:
            self._moved = self._clock()
        if digest not in {None, self._file.sha256} or back.read > self._file.size:
            raise self._changed()
        return digest is not None

    def _changed(self) -> PrinterError:
        return PrinterError(
            f"{self._server.client.server}, or a plug-in in it, changed the uploaded file; nothing was started"
        )


def _explained(server: str, refusal: ServerRefusedError) -> ServerRefusedError:
    if refusal.code in {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.INSUFFICIENT_STORAGE}:
        why = f"{server} has no room for the file; delete old ones there. {refusal}"
    elif refusal.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        why = f"{server} could not store the file: is its disk full? {refusal}"
    else:
        return refusal
    return ServerRefusedError(refusal.code, why)
