"""HTTP to one OctoPrint, in the shape that octorest expects of a session; each call ends by its deadline.

octorest's own `requests` bounds neither the lookup of a name nor an answer that trickles, and costs a
Raspberry Pi several times as much a request.
"""

import http.client
import json
import select
import socket
import ssl
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from agent.printers.driver import PrinterError
from agent.printers.lookup import Lookup, Resolver, system

LARGEST = 8 * 1024 * 1024
"""Bytes of one answer; a folder with thousands of files has a tenth of that."""

Clock = Callable[[], float]


class RefusedError(PrinterError):
    """OctoPrint answered, and it was no. `code` is the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Reply(Struct, frozen=True):
    """A good answer; the names are those that octorest reads."""

    status_code: int
    content: bytes
    url: str

    def json(self) -> Any:
        """The content; None where there is none.

        Raises:
            PrinterError: it is no JSON.
        """
        try:
            return msgspec.json.decode(self.content or b"null")
        except msgspec.DecodeError as error:
            raise PrinterError(
                f"what answers at {self.url} is not OctoPrint, or it is still starting"
            ) from error


class Session:
    """What octorest sends through. `until` is the clock's time at which every request has to be over.

    Looks share a connection. An order has one of its own: on a shared one that has just been closed nobody
    knows whether it was heard, and nothing may be ordered twice.
    """

    def __init__(self, url: str, key: str, clock: Clock, resolver: Resolver = system) -> None:
        """Make no contact yet; an empty `key` is for those who have none.

        Raises:
            PrinterError: the address is none, or the key can't be one.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise PrinterError(f"{url!r} is not the address of an OctoPrint, like http://octopi.local")
        if not key.isascii() or not (key.isprintable()):
            raise PrinterError(
                "OctoPrint's key is missing or not a key; make one in its settings, Application Keys"
            )
        self.origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self.until = 0.0
        self._host = parts.hostname
        self._port = port or (443 if parts.scheme == "https" else 80)
        self._prefix = parts.path.rstrip("/")
        self._clock = clock
        self._lookup = Lookup(self._host, self._port, resolver)
        # The system's store: what its owner has added there counts.
        self._context = ssl.create_default_context() if parts.scheme == "https" else None
        self._headers = {"Connection": "keep-alive"} | ({"X-Api-Key": key} if key else {})
        self._shared: http.client.HTTPConnection | None = None

    # ── what octorest calls ───────────────────────────────────────────────────────────────────────────────

    def get(self, url: str, params: Mapping[str, Any] | None = None) -> Reply:
        """Look at something."""
        query = f"?{urlencode(params)}" if params else ""
        return self.ask("GET", url.removeprefix(self.origin) + query)

    def post(self, url: str, data: object = None, files: object = None, json: object = None) -> Reply:
        """Order something; `json` is the order."""
        assert data is None
        assert files is None
        return self.ask("POST", url.removeprefix(self.origin), json)

    def delete(self, url: str) -> Reply:
        """Delete something."""
        return self.ask("DELETE", url.removeprefix(self.origin))

    # ── for us ────────────────────────────────────────────────────────────────────────────────────────────

    def ask(
        self, method: str, path: str, order: object = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send one request and read its answer.

        Raises:
            RefusedError: the answer was no.
            PrinterError: there was none in time, or it makes no sense.
        """
        body = None if order is None else json.dumps(order).encode()
        sent = {"Content-Type": "application/json"} if body is not None else {}
        try:
            with_all = self._headers | sent | dict(headers or {})
            if method == "GET":
                answer, content = self._look(path, with_all)
            else:
                connection = self.connect()
                try:
                    answer, content = self._exchange(connection, method, path, body, with_all)
                finally:
                    connection.close()
        except (http.client.HTTPException, OSError) as error:
            raise self.failure(error) from error
        return self.judge(method, path, answer, content)

    def connect(self) -> http.client.HTTPConnection:
        """A new connection, made.

        Raises:
            PrinterError: the host isn't found in time.
            OSError: nobody listens there.
        """
        refusal: OSError = TimeoutError()
        # Half of the time at most: what is known from before must still be of use.
        for family, address in self._lookup.addresses(self.left() / 2):
            plain = socket.socket(family, socket.SOCK_STREAM)
            try:
                plain.settimeout(self.left())
                plain.connect(address)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                made = (
                    plain
                    if self._context is None
                    else self._context.wrap_socket(plain, server_hostname=self._host)
                )
            except (OSError, PrinterError) as error:
                plain.close()
                if isinstance(error, PrinterError):
                    raise
                refusal = error
                continue
            connection = http.client.HTTPConnection(self._host, self._port)
            connection.sock = made
            return connection
        raise refusal

    def begin(
        self, connection: http.client.HTTPConnection, method: str, path: str, headers: Mapping[str, str]
    ) -> None:
        """Send a request's head; its body is to follow."""
        netloc = self.origin.partition("://")[2]
        connection.putrequest(method, self._prefix + path, skip_host=True, skip_accept_encoding=True)
        for name, value in ({"Host": netloc} | self._headers | dict(headers)).items():
            connection.putheader(name, value)
        connection.endheaders()

    def answer(self, connection: http.client.HTTPConnection) -> tuple[http.client.HTTPResponse, bytes]:
        """Read the answer."""
        sock = connection.sock  # which http.client lets go of where the answer is the last one
        sock.settimeout(self.left())
        answer = connection.getresponse()
        content = bytearray()
        while piece := answer.read1(64 * 1024):
            content += piece
            if len(content) > LARGEST:
                raise PrinterError(f"what answers at {self.origin} says too much to be OctoPrint")
            sock.settimeout(self.left())
        if answer.length:
            raise http.client.IncompleteRead(bytes(content), answer.length)
        answer.close()
        return answer, bytes(content)

    def judge(self, method: str, path: str, answer: http.client.HTTPResponse, content: bytes) -> Reply:
        """The answer if it is a good one.

        Raises:
            RefusedError: it is not.
            PrinterError: it is no answer of OctoPrint's.
        """
        code = answer.status
        if code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise RefusedError(
                code,
                f"OctoPrint refuses the key for {method} {path}: "
                "make a new one in its settings, Application Keys, with an account that may print",
            )
        if not HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES:
            location = answer.getheader("Location")
            elsewhere = f" and points to {location}" if location and code < HTTPStatus.BAD_REQUEST else ""
            raise RefusedError(
                code, f"OctoPrint answers {code} to {method} {path}{elsewhere}{_reason(content)}"
            )
        return Reply(code, content, self.origin)

    def failure(self, error: Exception) -> PrinterError:
        """What an owner should hear of a failed connection."""
        if isinstance(error, TimeoutError):
            return PrinterError(f"OctoPrint at {self.origin} does not answer in time")
        if isinstance(error, ssl.SSLCertVerificationError):
            return PrinterError(
                f"the certificate of {self.origin} is not to be trusted: {error.verify_message}. Add its issuer to "
                "this machine's certificates, or use http inside the home"
            )
        return PrinterError(f"OctoPrint at {self.origin} is out of reach; is it running?")

    def left(self) -> float:
        """The seconds that are left, above 0.

        Raises:
            PrinterError: none are.
        """
        left = self.until - self._clock()
        if left <= 0:
            raise PrinterError(f"OctoPrint at {self.origin} takes too long: it does not answer in time")
        return left

    def close(self) -> None:
        """Close the connection of the looks."""
        if self._shared is not None:
            self._shared.close()
            self._shared = None

    def _look(self, path: str, headers: Mapping[str, str]) -> tuple[http.client.HTTPResponse, bytes]:
        connection, self._shared = self._shared, None
        if connection is not None and _has_ended(connection):
            connection.close()
            connection = None
        connection = connection or self.connect()
        try:
            answer, content = self._exchange(connection, "GET", path, None, headers)
        except (http.client.HTTPException, OSError, PrinterError):
            connection.close()
            raise
        self._shared = connection if is_open(connection) else None
        return answer, content

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection.sock.settimeout(self.left())
        length = {"Content-Length": str(len(body or b""))} if method == "POST" else {}
        self.begin(connection, method, path, dict(headers) | length)
        if body:
            connection.send(body)
        return self.answer(connection)


def _has_ended(connection: http.client.HTTPConnection) -> bool:
    """Whether the other side has closed it (or says what nobody has asked)."""
    readable, _, _ = select.select([connection.sock], [], [], 0)
    return bool(readable)


def is_open(connection: http.client.HTTPConnection) -> bool:
    """Whether there still is a connection: http.client lets go of one that is over."""
    return getattr(connection, "sock", None) is not None


def _reason(content: bytes) -> str:
    """What OctoPrint says of a refusal, `{"error": …}`, in short; empty if it says nothing of use."""
    try:
        said = msgspec.json.decode(content, type=dict[str, Any]).get("error")
    except msgspec.MsgspecError:
        return ""
    return f": {said[:200]}" if isinstance(said, str) and said.isprintable() else ""
