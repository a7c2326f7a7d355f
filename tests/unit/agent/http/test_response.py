import pytest

from agent.http.failure import NoAnswerError
from agent.http.response import parse

ANSWERS = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"{}"),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
    (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
]


@pytest.mark.parametrize(("heard", "content"), ANSWERS)
def test_an_answer_is_whole_only_when_its_last_byte_is_there(heard: bytes, content: bytes):
    for end in range(len(heard) - (4 if b"chunked" in heard else 1)):
        assert parse(heard[:end], ended=False) is None
    answer = parse(heard, ended=False)
    assert answer is not None
    assert answer.content == content


def test_an_answer_without_a_length_ends_with_its_connection():
    heard = b"HTTP/1.1 200 OK\r\n\r\n{}"
    assert parse(heard, ended=False) is None
    answer = parse(heard, ended=True)
    assert answer is not None
    assert answer.content == b"{}"


def test_what_is_no_answer_is_none():
    with pytest.raises(NoAnswerError):
        parse(b"SSH-2.0-OpenSSH\r\n\r\n", ended=True)
