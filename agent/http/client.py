"""Speaks HTTP to one server: no redirect is followed, no time-out is left to a library, nothing is unbounded.

The standard library's http.client reads the answers; the rest of it, like `requests` and `httpx`, keeps no deadline:
their time-outs count from byte to byte, and none bounds the look-up of a name. No proxy of the environment is used:
what an agent speaks to beside this is a broker, and no such proxy leads there.
"""

import ssl
from collections.abc import Mapping

from agent.http.address import Address, AddressError, Login
from agent.http.authorization import DigestAuth, basic
from agent.http.body import Body, BytesBody
from agent.http.connection import Connection, connect, trusting
from agent.http.deadline import Left
from agent.http.failure import Cause, NoAnswerError
from agent.http.lookup import Lookup, Resolver, system
from agent.http.response import Response, ResponseStream, begin
from agent.http.status import HTTPStatus

MOST = 8 * 1024 * 1024
"""Bytes that a whole answer may have. The longest that is asked for is a list of files, of a tenth of that."""
NOTHING = BytesBody(b"")


class HttpClient:
    """The way to one server. With a login or kept connections, not for two threads at a time.

    A connection is used once: on one that has just been closed nobody knows whether an order was heard, and nothing
    may be ordered twice. Looks (GET) share one where that `keeps` a slow machine from work.
    """

    def __init__(
        self,
        address: Address,
        *,
        headers: Mapping[str, str] | None = None,
        login: Login | None = None,
        ca: str = "",
        keeps: bool = False,
        resolver: Resolver = system,
    ) -> None:
        """Make no contact yet.

        Args:
            address: where it is. A login in it is sent.
            headers: what goes with every request, such as a key.
            login: proved by digest, where the server asks for it.
            ca: certificates in PEM to trust beside the machine's own.
            keeps: whether to keep a connection for the next look.
            resolver: looks names up.
        """
        self.address = address
        self._lookup = Lookup(address.host, address.port, resolver)
        self._ca = ca
        self._trust: ssl.SSLContext | None = None
        self._keeps = keeps
        self._kept: Connection | None = None
        self._headers = {
            "Host": address.place,
            "User-Agent": "muster-agent",  # PrusaLink wants a name with a login
            "Accept-Encoding": "identity",
            **(headers or {}),
        }
        known = login or address.login
        self._digest = DigestAuth(known) if known else None
        self._basic = basic(address.login) if address.login and not login else ""

    def ask(
        self,
        method: str,
        path: str,
        left: Left,
        *,
        body: Body = NOTHING,
        headers: Mapping[str, str] | None = None,
        most: int = MOST,
    ) -> Response:
        """The whole answer to a request, good or bad.

        Raises:
            NoAnswerError: none came, or one of more than `most` bytes.
            AddressError: the path is none.
        """
        with self.open(method, path, left, body=body, headers=headers) as answer:
            return answer.whole(most)

    def open(
        self,
        method: str,
        path: str,
        left: Left,
        *,
        body: Body = NOTHING,
        headers: Mapping[str, str] | None = None,
    ) -> ResponseStream:
        """The same, with the content still to come. It is to be closed.

        Raises:
            NoAnswerError: none came.
            AddressError: the path is none.
        """
        answer = self._once(method, path, left, body, headers or {})
        head, digest = answer.head, self._digest
        if (
            head.status == HTTPStatus.UNAUTHORIZED
            and digest
            and digest.asked(head.values("WWW-Authenticate"))
        ):
            answer.close()
            answer = self._once(method, path, left, body, headers or {})
        return answer

    def begin(self, method: str, path: str, left: Left, headers: Mapping[str, str]) -> Connection:
        """Send a request's head, with these headers of its body; a connection on which the body is to follow.

        Raises:
            NoAnswerError: it could not be sent.
            AddressError: the path is none.
        """
        head = self._head(method, path, {**headers, "Connection": "close"})
        connection = self._connect(left)
        try:
            connection.send(head, left)
        except NoAnswerError:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Let go of a connection that was kept."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _connect(self, left: Left) -> Connection:
        if self.address.scheme == "https" and self._trust is None:
            self._trust = trusting(self._ca)
        return connect(self.address, self._lookup, left, self._trust)

    def _head(self, method: str, path: str, headers: Mapping[str, str]) -> bytes:
        path = f"{self.address.path}{path}" or "/"
        if not path.isascii() or not path.isprintable() or " " in path:
            raise AddressError(f"{self.address.origin} can have no such path")
        every = self._headers | dict(headers)
        if said := (self._digest.credentials(method, path) if self._digest else None) or self._basic:
            every["Authorization"] = said
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in every.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _once(
        self, method: str, path: str, left: Left, body: Body, headers: Mapping[str, str]
    ) -> ResponseStream:
        if method != "GET":
            headers = {**headers, "Content-Length": str(len(body))}
        if not self._keeps or method != "GET":
            head = self._head(method, path, {**headers, "Connection": "close"})
            return self._exchange(self._connect(left), head, body, left, shares=False)
        head = self._head(method, path, headers)
        kept, self._kept = self._kept, None
        if kept is not None and kept.is_quiet:
            try:
                return self._exchange(kept, head, body, left, shares=True)
            except NoAnswerError as error:
                if error.cause is not Cause.BROKEN:
                    raise
                # It was closed in this moment: a look may be taken twice.
        elif kept is not None:
            kept.close()
        return self._exchange(self._connect(left), head, body, left, shares=True)

    def _exchange(
        self, connection: Connection, head: bytes, body: Body, left: Left, *, shares: bool
    ) -> ResponseStream:
        def let_go(answer: ResponseStream) -> None:
            if shares and answer.is_over and answer.stays_open:
                self.close()
                self._kept = connection
            else:
                connection.close()

        try:
            connection.send(head, left)
            for piece in body:
                connection.send(piece, left)
            return begin(connection.reader(left), let_go)
        except NoAnswerError:
            connection.close()
            raise
