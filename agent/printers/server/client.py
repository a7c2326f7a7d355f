"""Speaks to one printer's server: what it answers is read, and what fails is told in its owner's words."""

import time
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct

from agent.http.address import AddressError, Login, parse, redacted
from agent.http.body import Body, BytesBody
from agent.http.client import HttpClient
from agent.http.connection import Connection
from agent.http.deadline import Clock
from agent.http.failure import Cause, NoAnswerError
from agent.http.lookup import Resolver, system
from agent.http.response import Response
from agent.http.status import HTTPStatus
from agent.printers.driver import PrinterError

PATIENCE = 4.5
"""Seconds a call may take; the protocol of drivers allows five."""
NOTHING = BytesBody(b"")

Shape = TypeVar("Shape")


class ServerRefusedError(PrinterError):
    """The server answered, and it was no. `code` is the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class LateError(PrinterError):
    """The server may be slow, and would have answered later. Nothing that it was told was heard whole."""


class UnansweredError(LateError):
    """The request went out whole, and no whole answer came: it may have been heard."""


class ServerClient:
    """The way to one server. Each request ends by the time that was allowed for the call which it serves."""

    def __init__(
        self,
        server: str,
        url: str,
        clock: Clock = time.monotonic,
        *,
        advice: str = "",
        headers: Mapping[str, str] | None = None,
        login: Login | None = None,
        has_permissions: bool = False,
        keeps: bool = False,
        resolver: Resolver = system,
    ) -> None:
        """Make no contact yet.

        Args:
            server: what its makers call the server, for messages.
            url: its address as a browser has it, with its path if it is behind a proxy.
            clock: monotonic seconds.
            advice: what the owner can do when the server refuses the key or login.
            headers: what goes with every request, such as a key.
            login: used where the server asks for it.
            has_permissions: whether its keys may be allowed less than all, so that a 403 is about the key.
            keeps: whether looks share a connection.
            resolver: looks names up.

        Raises:
            PrinterError: the address is not one, or holds a login beside the one that is given.
        """
        try:
            address = parse(url)
        except AddressError as error:
            raise PrinterError(
                f"{redacted(url)!r} is not the address of {server}, like http://printer.local"
            ) from error
        if address.login and login:
            raise PrinterError(
                f"the address {address.origin} holds a name and password, and the settings others: leave one out"
            )
        self.server = server
        self.origin = address.origin
        """The server's scheme, host and port, to be shown."""
        self.until = 0.0
        """The clock's time at which all has to be over."""
        self._clock = clock
        self._advice = advice
        self._secret = "name and password" if login else "key"
        if address.login:
            self._secret = f"{self._secret}, or the name and password in the address"
        self._has_permissions = has_permissions
        # PrusaLink says why it refuses only to those who read JSON.
        every = {"Accept": "application/json", **(headers or {})}
        self._http = HttpClient(address, headers=every, login=login, keeps=keeps, resolver=resolver)

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────

    def allow(self, seconds: float = PATIENCE) -> None:
        """Begin a call: all that is asked from now on has to be over within this time."""
        self.until = self._clock() + seconds

    def left(self) -> float:
        """Seconds until then, above 0.

        Raises:
            LateError: none are left.
        """
        left = self._left()
        if left <= 0:
            raise LateError(f"{self.server} at {self.origin} does not answer in time")
        return left

    # ── requests ──────────────────────────────────────────────────────────────────────────────────────────

    def read(self, shape: type[Shape], method: str, path: str) -> Shape:
        """What the server answers, read as JSON of this shape.

        Raises:
            PrinterError: see `ask`; or what answers is not such a server.
        """
        return self.understood(shape, self.ask(method, path).content)

    def ask(
        self, method: str, path: str, *, body: Body = NOTHING, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The server's answer, which is a good one.

        Raises:
            UnansweredError: all was sent, and then nothing came in time.
            ServerRefusedError: the answer is not 2xx; redirects are not followed.
            PrinterError: out of reach, or no time left.
        """
        try:
            response = self._http.ask(method, path, self._left, body=body, headers=headers)
        except NoAnswerError as failure:
            raise self.failure(failure) from failure
        except AddressError as error:
            raise PrinterError(str(error)) from error
        return self.judge(method, path, response)

    def begin(self, method: str, path: str, headers: Mapping[str, str]) -> Connection:
        """Send a request's head; what follows is up to who asks.

        Raises:
            PrinterError: out of reach, or no time left.
        """
        try:
            return self._http.begin(method, path, self._left, headers)
        except NoAnswerError as failure:
            raise self.failure(failure) from failure

    def close(self) -> None:
        """Let go of a connection that was kept."""
        self._http.close()

    # ── what came of it ───────────────────────────────────────────────────────────────────────────────────

    def understood(self, shape: type[Shape], content: bytes) -> Shape:
        """An answer's content, read as JSON of this shape.

        Raises:
            PrinterError: it is none.
        """
        try:
            return msgspec.json.decode(content, type=shape)
        except msgspec.ValidationError as error:
            raise PrinterError(f"{self.server} answers in a way that is not known: {error}") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PrinterError(
                f"what answers at {self.origin} is not {self.server}, or it is still starting"
            ) from error

    def judge(self, method: str, path: str, response: Response) -> Response:
        """An answer if it is a good one.

        Raises:
            ServerRefusedError: it is not.
        """
        if response.is_good:
            return response
        code, path = response.status, path.partition("?")[0]
        if code == HTTPStatus.UNAUTHORIZED or (
            code == HTTPStatus.FORBIDDEN and (self._has_permissions or method == "GET")
        ):
            asked = f" for {method} {path}" if self._has_permissions else ""
            raise ServerRefusedError(
                code, f"{self.server} refuses the {self._secret}{asked}. {self._advice}".strip()
            )
        location = redacted(response.header("Location"))
        elsewhere = f" and points to {location}" if code < HTTPStatus.BAD_REQUEST and location else ""
        said = _said(response.content)
        raise ServerRefusedError(
            code,
            f"{self.server} answers {code} to {method} {path}{elsewhere}" + (f": {said}" if said else ""),
        )

    def failure(self, failure: NoAnswerError) -> PrinterError:
        """What an owner should hear of an answer that did not come."""
        place = f"{self.server} at {self.origin}"
        if failure.cause is Cause.LATE:
            late = f"{place} does not answer in time"
            return UnansweredError(late) if failure.sent else LateError(late)
        if failure.cause is Cause.BROKEN and failure.sent:
            return UnansweredError(f"{place} broke off; what it was told may have been heard")
        return PrinterError(self._explained(failure, place))

    def _explained(self, failure: NoAnswerError, place: str) -> str:
        host, strange = self._http.address.host, f"what answers at {self.origin}"
        match failure.cause:
            case Cause.UNKNOWN_NAME:
                return f"there is no {host} in this network: is it switched on, and is that its name?"
            case Cause.LATE_NAME:
                return f"looking up the name {host} takes too long; its number instead of its name would help"
            case Cause.UNTRUSTED:
                why = f"the certificate of {self.origin} is not trusted on this machine: {failure.detail}"
                return f"{why}. Add its issuer to this machine's certificates, or use http inside the home"
            case Cause.TOO_LONG:
                return f"{strange} says too much to be {self.server}"
            case Cause.STRANGE:
                return f"{strange} is not {self.server}: it does not speak HTTP"
            case _:
                return f"{place} is out of reach; is it running?"

    def _left(self) -> float:
        return self.until - self._clock()


class _Failure(Struct):
    message: str = ""


class _Failures(Struct):
    """How a server says no: OctoPrint and Moonraker under `error`, PrusaLink at the top."""

    error: _Failure | str | None = None
    message: str = ""


def _said(content: bytes) -> str:
    """The server's own words for a refusal, on one line; empty where there are none to be found."""
    try:
        told = msgspec.json.decode(content, type=_Failures)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    match told.error:
        case None:
            words = told.message
        case str():
            words = told.error
        case _Failure():
            words = told.error.message
    line = " ".join(words.split())[:200]
    return line if line.isprintable() else ""
