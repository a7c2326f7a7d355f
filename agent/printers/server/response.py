"""An HTTP answer, out of the bytes that were heard so far. Pure."""

import http.client
import io
import socket
from typing import cast


def head_of(heard: bytes) -> http.client.HTTPResponse | None:
    """The head of an answer; reading it gives the content heard so far. None while the head isn't whole.

    Raises:
        http.client.HTTPException: it is no answer.
    """
    while heard.startswith(b"HTTP/1.1 1"):  # "100 Continue" and its like come before an answer
        heard = heard.partition(b"\r\n\r\n")[2]
    if b"\r\n\r\n" not in heard:
        return None
    answer = http.client.HTTPResponse(cast("socket.socket", _Heard(heard)))
    answer.begin()
    return answer


def parse(heard: bytes, *, ended: bool) -> tuple[http.client.HTTPResponse, bytes] | None:
    """An answer out of what was heard so far, `ended` where no more will come; None while it isn't whole.

    Raises:
        http.client.HTTPException: it is no answer.
    """
    answer = head_of(heard)
    if answer is None or (answer.length is None and not is_chunked(answer) and not ended):
        return None
    try:
        return answer, answer.read()
    except http.client.IncompleteRead:
        return None


def is_chunked(answer: http.client.HTTPResponse) -> bool:
    """Whether it comes in pieces that tell their own length."""
    return answer.getheader("Transfer-Encoding", "").lower() == "chunked"


class _Heard:
    """As much of a socket as http.client reads an answer from."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, mode: str) -> io.BytesIO:
        """The content, as a file."""
        assert mode == "rb"
        return io.BytesIO(self._content)
