"""What a server answers: whole, as a stream, or out of the bytes that were heard so far."""

import http.client
import io
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar, cast

import msgspec
from msgspec import Struct

from agent.http.failure import Cause, NoAnswerError, why

CHUNK = 64 * 1024

T = TypeVar("T")


class Response(Struct, frozen=True):
    """A whole answer, good or bad. Header names are in lower case."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    content: bytes = b""

    @property
    def is_good(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300

    def header(self, name: str) -> str:
        """The first header of this name; empty where there is none."""
        return next((value for each, value in self.headers if each == name.lower()), "")

    def values(self, name: str) -> list[str]:
        """All headers of this name."""
        return [value for each, value in self.headers if each == name.lower()]

    def read(self, shape: type[T]) -> T:
        """The content, as JSON of this shape.

        Raises:
            msgspec.MsgspecError, ValueError: it is none.
        """
        return msgspec.json.decode(self.content, type=shape)


class ResponseStream:
    """An answer whose content is still to come."""

    def __init__(
        self, answer: http.client.HTTPResponse, let_go: Callable[["ResponseStream"], object]
    ) -> None:
        self.head = _head(answer)
        """The answer without its content."""
        self._answer = answer
        self._let_go = let_go

    @property
    def is_over(self) -> bool:
        """Whether all of it was read."""
        return self._answer.isclosed() or self._answer.length == 0

    @property
    def stays_open(self) -> bool:
        """Whether the server waits for another request on this connection."""
        return not self._answer.will_close

    def read(self, most: int = CHUNK) -> bytes:
        """Some of the content: empty only when all of it was read.

        Raises:
            NoAnswerError: it broke off, or no time is left.
        """
        if self.is_over:
            return b""
        try:
            piece = self._answer.read1(most)
        except (OSError, http.client.HTTPException) as error:
            raise why(error, sent=True) from error
        except NoAnswerError as error:
            raise NoAnswerError(error.cause, sent=True) from error
        if not piece and self._answer.length:
            raise NoAnswerError(Cause.BROKEN, sent=True)
        return piece

    def whole(self, most: int) -> Response:
        """The answer with all its content; of a bad one, only the beginning.

        Raises:
            NoAnswerError: see `read`; or it is longer than `most` bytes.
        """
        content = bytearray()
        while piece := self.read():
            content += piece
            if not self.head.is_good and len(content) > CHUNK:
                break
            if len(content) > most:
                raise NoAnswerError(Cause.TOO_LONG, sent=True)
        head = self.head
        return Response(head.status, head.reason, head.headers, bytes(content))

    def close(self) -> None:
        """Let go of the connection."""
        self._let_go(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def begin(
    stream: io.BufferedIOBase, let_go: Callable[[ResponseStream], object] = lambda _stream: None
) -> ResponseStream:
    """Read an answer's head from what comes in; `let_go` is called when it is closed.

    Raises:
        NoAnswerError: none came, whole and in time.
    """
    answer = http.client.HTTPResponse(cast("socket.socket", _Opened(stream)))
    try:
        answer.begin()
    except (OSError, http.client.HTTPException) as error:
        raise why(error, sent=True) from error
    except NoAnswerError as error:
        raise NoAnswerError(error.cause, sent=True) from error
    return ResponseStream(answer, let_go)


class ResponseHead(Struct, frozen=True):
    """The head of an answer, and how its content goes on. `length` is None where only the connection's end tells."""

    response: Response
    length: int | None
    chunked: bool
    rest: bytes
    """What was heard of the content."""


def head_of(heard: bytes) -> ResponseHead | None:
    """The head of an answer, out of what was heard so far; None while it isn't whole.

    Raises:
        NoAnswerError: it is no answer.
    """
    while heard.startswith(b"HTTP/1.1 1"):  # "100 Continue" and its like come before an answer
        heard = heard.partition(b"\r\n\r\n")[2]
    if b"\r\n\r\n" not in heard:
        return None
    head, _, rest = heard.partition(b"\r\n\r\n")
    answer = http.client.HTTPResponse(cast("socket.socket", _Opened(io.BytesIO(head + b"\r\n\r\n"))))
    try:
        answer.begin()
    except http.client.HTTPException as error:
        raise why(error, sent=True) from error
    return ResponseHead(_head(answer), answer.length, bool(answer.chunked), rest)


def parse(heard: bytes, *, ended: bool) -> Response | None:
    """An answer out of what was heard so far, `ended` where no more will come; None while it isn't whole.

    Raises:
        NoAnswerError: it is no answer.
    """
    begun = head_of(heard)
    if begun is None:
        if ended and heard:
            raise NoAnswerError(Cause.STRANGE, sent=True)
        return None
    if begun.chunked:
        try:
            return begin(io.BytesIO(heard)).whole(len(heard))
        except NoAnswerError:
            return None
    if len(begun.rest) < (begun.length or 0) or (begun.length is None and not ended):
        return None
    head, content = begun.response, begun.rest if begun.length is None else begun.rest[: begun.length]
    return Response(head.status, head.reason, head.headers, content)


def _head(answer: http.client.HTTPResponse) -> Response:
    headers = tuple((name.lower(), value) for name, value in answer.getheaders())
    return Response(answer.status, answer.reason, headers)


class _Opened:
    """As much of a socket as http.client reads an answer from."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream

    def makefile(self, mode: str) -> io.BufferedIOBase:
        """What comes in, as a file."""
        assert mode == "rb"
        return self._stream
