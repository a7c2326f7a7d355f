"""HTTP to one OctoPrint, in the shape that octorest expects of a session; each call ends by its deadline.

octorest's own `requests` bounds neither the lookup of a name nor an answer that trickles, and costs a
Raspberry Pi several times as much a request.
"""

import http.client
import json
import select
import socket
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from agent.printers.driver import PrinterError
from agent.printers.server.http import Clock, LateError, RefusedError
from agent.printers.server.lookup import Lookup, Resolver, system
from agent.printers.server.response import parse

LARGEST = 8 * 1024 * 1024
"""Bytes of one answer; a folder with thousands of files has a tenth of that."""


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

    server = "OctoPrint"

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
        self._headers = {"Host": self.origin.partition("://")[2], "Accept-Encoding": "identity"}
        if key:
            self._headers["X-Api-Key"] = key
        self._shared: socket.socket | None = None

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

    def ask(self, method: str, path: str, order: object = None) -> Reply:
        """Send one request and read its answer.

        Raises:
            RefusedError: the answer was no.
            PrinterError: there was none in time, or it makes no sense.
        """
        body = b"" if order is None else json.dumps(order).encode()
        sent = {"Content-Type": "application/json"} if body else {}
        if method == "POST":
            sent["Content-Length"] = str(len(body))
        try:
            connection = self._for_a_look() if method == "GET" else self.connect()
            try:
                self.begin(connection, method, path, sent)
                connection.sendall(body)
                answer, content = self._answer(connection)
            except (http.client.HTTPException, OSError, PrinterError):
                connection.close()
                raise
        except (http.client.HTTPException, OSError) as error:
            raise self.failure(error) from error
        if method == "GET" and not answer.will_close:
            self._shared = connection
        else:
            connection.close()
        return self.judge(method, path, answer, content)

    def connect(self) -> socket.socket:
        """A new connection.

        Raises:
            PrinterError: the host isn't found in time.
            OSError: nobody listens there.
        """
        refusal: OSError = TimeoutError()
        # Half of the time at most: what is known from before must still be of use.
        for family, address in self._lookup.addresses(self.left() / 2):
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.settimeout(self.left())
                connection.connect(address)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._context is None:
                    return connection
                return self._context.wrap_socket(connection, server_hostname=self._host)
            except OSError as error:
                connection.close()
                refusal = error
            except PrinterError:
                connection.close()
                raise
        raise refusal

    def begin(self, connection: socket.socket, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Send a request's head; its body is to follow.

        Raises:
            PrinterError: the path is none; nothing was sent.
            OSError: it could not be sent.
        """
        if not path.isascii() or not path.isprintable() or " " in path:
            raise PrinterError(f"OctoPrint has no {path!r}")
        lines = [f"{method} {self._prefix}{path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in (self._headers | dict(headers)).items()]
        connection.settimeout(self.left())
        connection.sendall("\r\n".join([*lines, "", ""]).encode())

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
            return LateError(f"OctoPrint at {self.origin} does not answer in time")
        if isinstance(error, ssl.SSLCertVerificationError):
            return PrinterError(
                f"the certificate of {self.origin} is not to be trusted: {error.verify_message}. Add its issuer to "
                "this machine's certificates, or use http inside the home"
            )
        return PrinterError(f"OctoPrint at {self.origin} is out of reach; is it running?")

    def left(self) -> float:
        """The seconds that are left, above 0.

        Raises:
            LateError: none are.
        """
        left = self.until - self._clock()
        if left <= 0:
            raise LateError(f"OctoPrint at {self.origin} takes too long: it does not answer in time")
        return left

    def close(self) -> None:
        """Close the connection of the looks."""
        if self._shared is not None:
            self._shared.close()
            self._shared = None

    def _for_a_look(self) -> socket.socket:
        shared, self._shared = self._shared, None
        if shared is None:
            return self.connect()
        readable, _, _ = select.select([shared], [], [], 0)
        if not readable:
            return shared
        shared.close()  # the other side has closed it, or says what nobody has asked
        return self.connect()

    def _answer(self, connection: socket.socket) -> tuple[http.client.HTTPResponse, bytes]:
        heard = b""
        while True:
            connection.settimeout(self.left())
            piece = connection.recv(64 * 1024)
            heard += piece
            answer = parse(heard, ended=not piece)
            if answer is not None:
                return answer
            if not piece:
                raise http.client.IncompleteRead(heard)
            if len(heard) > LARGEST:
                raise PrinterError(f"what answers at {self.origin} says too much to be OctoPrint")


def _reason(content: bytes) -> str:
    """What OctoPrint says of a refusal, `{"error": …}`, in short; empty if it says nothing of use."""
    try:
        said = msgspec.json.decode(content, type=dict[str, Any]).get("error")
    except msgspec.MsgspecError:
        return ""
    return f": {said[:200]}" if isinstance(said, str) and said.isprintable() else ""
