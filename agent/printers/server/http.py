"""HTTP with the server of a printer: one exchange a connection, each over by a given time.

The standard library's http.client makes them; the agent has it loaded for the coordinator. Beside that, requests
costs 6.7 MB of memory and httpx 9.8 MB, and neither keeps a deadline: their time-outs count from byte to byte.
A connection is never kept: so nobody has to guess whether an order on a stale one was heard.
"""

import hashlib
import http.client
import io
import os
import secrets
import socket
import ssl
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import BinaryIO, TypeVar, cast
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from agent.printers.driver import PrinterError
from agent.printers.server.upload import Body

CHUNK = 64 * 1024
MOST = 4 * 1024 * 1024
"""Bytes that an answer may have. The longest that is asked for is a list of files."""

Clock = Callable[[], float]


class RefusedError(PrinterError):
    """The server answered, and it was no. `code` is the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class LateError(PrinterError):
    """The server may be slow, and would have answered later. Nothing that it was told was heard whole."""


class SilentError(LateError):
    """The request went out whole, and no whole answer came: it may have been heard."""


class Content:
    """An open file as a body."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __len__(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(CHUNK):
            yield chunk


class Login(Struct, frozen=True):
    """A user's name and password, for digest authentication (RFC 7616): the password itself is never sent."""

    user: str
    password: str


Answer = TypeVar("Answer")


class Exchange:
    """Speaks to one server. `until` is the clock's time at which every exchange has to be over."""

    def __init__(
        self,
        server: str,
        url: str,
        clock: Clock,
        *,
        advice: str = "",
        headers: Mapping[str, str] | None = None,
        login: Login | None = None,
    ) -> None:
        """Make no contact yet.

        Args:
            server: what its makers call the server, for messages.
            url: its address as a browser has it, with its path if it is behind a proxy.
            clock: monotonic seconds.
            advice: what the owner can do when the server refuses the key or login.
            headers: what goes with every request, such as a key.
            login: used where the server asks for it.

        Raises:
            PrinterError: the address is not one.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise PrinterError(f"{url!r} is not the address of a {server}, like http://printer.local")
        self.server = server
        self.until = 0.0
        self._scheme, self._host = parts.scheme, parts.hostname
        self._port = port or {"http": 80, "https": 443}[parts.scheme]
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._prefix = parts.path.rstrip("/")
        self._clock = clock
        self._advice = advice
        # PrusaLink wants a name with a login, and says why it refuses only to those who read JSON.
        self._headers = {"User-Agent": "muster-agent", "Accept": "application/json", **(headers or {})}
        self._digest = None if login is None else _Digest(login)

    def read(
        self,
        kind: type[Answer],
        method: str,
        path: str,
        *,
        body: Body | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """What the server answers, read as JSON of this kind.

        Raises:
            PrinterError: see `send`; or what answers is not such a server.
        """
        return self.understood(kind, self.send(method, path, body=body, headers=headers))

    def understood(self, kind: type[Answer], content: bytes) -> Answer:
        """An answer's content, read as JSON of this kind.

        Raises:
            PrinterError: it is none.
        """
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.ValidationError as error:
            raise PrinterError(f"{self.server} answers in a way that is not known: {error}") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PrinterError(
                f"what answers at {self._origin} is not {self.server}, or it is still starting"
            ) from error

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Body | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The content of the server's answer.

        Raises:
            SilentError: all was sent, and then nothing came in time.
            RefusedError: the answer is not 2xx; redirects are not followed.
            PrinterError: out of reach, or no time left.
        """
        content = bytearray()

        def keep(chunk: bytes) -> None:
            content.extend(chunk)
            if len(content) > MOST:
                raise PrinterError(f"{self.server} at {self._origin} answers with more than can be")

        self._send(method, path, body, headers or {}, keep)
        return bytes(content)

    def sha256(self, path: str) -> str:
        """The SHA-256, in hexadecimal digits, of what the server gives for this path, whatever its length.

        Raises:
            PrinterError: see `send`.
        """
        digest = hashlib.sha256()
        self._send("GET", path, None, {}, digest.update)
        return digest.hexdigest()

    def remaining(self) -> float:
        """Seconds until the time is over.

        Raises:
            PrinterError: it is.
        """
        left = self.until - self._clock()
        if left <= 0:
            raise LateError(f"{self.server} at {self._origin} does not answer in time")
        return left

    def connect(self) -> socket.socket:
        """Try one address of the host after another; each gets its share of the time.

        Raises:
            LateError: no time is left.
            OSError: nobody listens there.
        """
        places = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        for number, (family, kind, protocol, _, address) in enumerate(places):
            wire = socket.socket(family, kind, protocol)
            try:
                wire.settimeout(self.remaining() / (len(places) - number))
                wire.connect(address)
                if self._scheme == "https":
                    wire = ssl.create_default_context().wrap_socket(wire, server_hostname=self._host)
            except ssl.SSLError:
                wire.close()
                raise
            except OSError:
                wire.close()
                if number == len(places) - 1:
                    raise
            else:
                return wire
        raise OSError(f"{self._host} has no address")

    def begin(self, connection: socket.socket, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Send a request's head; its body is to follow, and the headers tell its length.

        Raises:
            LateError: no time is left.
            OSError: it could not be sent.
        """
        self._begin(connection, method, f"{self._prefix}{path}", self._headers | dict(headers))

    def judge(self, method: str, path: str, answer: http.client.HTTPResponse, content: bytes) -> bytes:
        """The content of an answer if it is a good one.

        Raises:
            RefusedError: it is not.
        """
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise self._refusal(method, path, answer, content)
        return content

    def failure(self, error: Exception) -> PrinterError:
        """What an owner should hear of a connection that failed before all was sent."""
        if isinstance(error, TimeoutError | LateError):
            return LateError(f"{self.server} at {self._origin} does not answer in time")
        if isinstance(error, ssl.SSLCertVerificationError):
            return PrinterError(
                f"the certificate of {self._origin} is not trusted on this machine: {error.verify_message}"
            )
        return PrinterError(f"{self.server} at {self._origin} is out of reach; is it running?")

    def _begin(
        self, wire: socket.socket, method: str, path: str, headers: Mapping[str, str]
    ) -> http.client.HTTPConnection:
        """Send a head; the connection that goes on from there."""
        connection = http.client.HTTPConnection(self._host, self._port)
        connection.sock = cast("socket.socket", _Wire(wire, self.remaining))
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if self._digest and (credentials := self._digest.credentials(method, path)):
            connection.putheader("Authorization", credentials)
        connection.putheader("Connection", "close")
        connection.endheaders()
        return connection

    def _send(
        self,
        method: str,
        path: str,
        body: Body | bytes | None,
        headers: Mapping[str, str],
        keep: Callable[[bytes], object],
    ) -> None:
        every = self._headers | dict(headers)
        response, content = self._exchange(method, path, body, every, keep)
        if response.status == HTTPStatus.UNAUTHORIZED and self._digest and self._digest.asked(response):
            response, content = self._exchange(method, path, body, every, keep)
        self.judge(method, path, response, content)

    def _exchange(
        self,
        method: str,
        path: str,
        body: Body | bytes | None,
        headers: Mapping[str, str],
        keep: Callable[[bytes], object],
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Send a request; `keep` what a good answer holds, and give what a refusal says."""
        sent, wire = False, None
        length = {"Content-Length": str(len(body or b""))} if body is not None or method != "GET" else {}
        try:
            wire = self.connect()
            connection = self._begin(wire, method, f"{self._prefix}{path}", {**headers, **length})
            for piece in [body] if isinstance(body, bytes) else body or ():
                connection.send(piece)
            sent = True
            response = connection.getresponse()
            if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                return response, response.read(CHUNK)
            while chunk := response.read(CHUNK):
                keep(chunk)
        except (LateError, OSError, http.client.HTTPException) as error:
            if not sent:
                raise self.failure(error) from error
            late = isinstance(error, TimeoutError | LateError)
            said = "does not answer in time" if late else "broke off; what it was told may have been heard"
            raise SilentError(f"{self.server} at {self._origin} {said}") from error
        finally:
            if wire is not None:
                wire.close()
        return response, b""

    def _refusal(
        self, method: str, path: str, response: http.client.HTTPResponse, content: bytes
    ) -> RefusedError:
        code, path = response.status, path.partition("?")[0]
        if code == HTTPStatus.UNAUTHORIZED or (code == HTTPStatus.FORBIDDEN and method == "GET"):
            what = "name and password" if self._digest else "key"
            return RefusedError(code, f"{self.server} refuses the {what}. {self._advice}".strip())
        location = response.getheader("Location")
        elsewhere = f" and points to {location}" if code < HTTPStatus.BAD_REQUEST and location else ""
        said = _said(content)
        return RefusedError(
            code,
            f"{self.server} answers {code} to {method} {path}{elsewhere}" + (f": {said}" if said else ""),
        )


class _Failure(Struct):
    message: str = ""


class _Failures(Struct):
    """How a server says no: Moonraker inside `error`, PrusaLink at the top."""

    error: _Failure | None = None
    message: str = ""


def _said(content: bytes) -> str:
    """The server's own words for a refusal, on one line; empty where there are none to be found."""
    try:
        failures = msgspec.json.decode(content, type=_Failures)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return " ".join((failures.error.message if failures.error else failures.message).split())[:200]


class _Wire:
    """A socket, as http.client uses one, whose every operation is over in the time that remains."""

    def __init__(self, wire: socket.socket, remaining: Callable[[], float]) -> None:
        self._wire = wire
        self._remaining = remaining

    def sendall(self, data: bytes) -> None:
        self._wire.settimeout(self._remaining())
        self._wire.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self._wire, self._remaining))

    def close(self) -> None:
        """Nothing yet: http.client closes it as soon as an answer begins that is to be the last."""


class _Incoming(io.RawIOBase):
    """What comes in on a socket."""

    def __init__(self, wire: socket.socket, remaining: Callable[[], float]) -> None:
        self._wire = wire
        self._remaining = remaining

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] - typeshed's Buffer has a name only from 3.12 on
        self._wire.settimeout(self._remaining())
        return self._wire.recv_into(buffer)


class _Digest:
    """Answers a server's challenge (RFC 7616). The standard library's arithmetic has no `-sess` algorithms."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._challenge: dict[str, str] | None = None
        self._count = 0

    def asked(self, response: http.client.HTTPResponse) -> bool:
        """Keep the challenge of a 401. False if it is none that can be answered, or this login was refused."""
        answered = self._count > 0
        for value in response.headers.get_all("WWW-Authenticate") or []:
            scheme, _, rest = value.partition(" ")
            fields = urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))
            if scheme.lower() == "digest" and _family(fields) in {"MD5", "SHA-256"}:
                fresh = not answered or fields.get("stale", "").lower() == "true"
                self._challenge, self._count = fields if fresh else None, 0
                return fresh
        return False

    def credentials(self, method: str, path: str) -> str | None:
        """The header for a request, None as long as nobody asked for it."""
        if self._challenge is None:
            return None
        self._count += 1
        asked, count, own = self._challenge, f"{self._count:08x}", secrets.token_hex(8)
        algorithm, nonce, realm = (
            asked.get("algorithm", "MD5"),
            asked.get("nonce", ""),
            asked.get("realm", ""),
        )
        secret = _hash(algorithm, f"{self._login.user}:{realm}:{self._login.password}")
        if algorithm.lower().endswith("-sess"):
            secret = _hash(algorithm, f"{secret}:{nonce}:{own}")
        request = _hash(algorithm, f"{method}:{path}")
        between = f"{nonce}:{count}:{own}:auth" if "qop" in asked else nonce
        words = {
            "username": self._login.user,
            "realm": realm,
            "nonce": nonce,
            "uri": path,
            "response": _hash(algorithm, f"{secret}:{between}:{request}"),
        }
        if "qop" in asked or algorithm.lower().endswith("-sess"):
            words["cnonce"] = own  # which must not be there otherwise
        if "opaque" in asked:
            words["opaque"] = asked["opaque"]
        quoted = ", ".join(f'{name}="{value}"' for name, value in words.items())
        return f"Digest {quoted}, algorithm={algorithm}" + (
            f", qop=auth, nc={count}" if "qop" in asked else ""
        )


def _family(challenge: Mapping[str, str]) -> str:
    return challenge.get("algorithm", "MD5").upper().removesuffix("-SESS")


def _hash(algorithm: str, text: str) -> str:
    if algorithm.upper().startswith("SHA-256"):
        return hashlib.sha256(text.encode()).hexdigest()
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
