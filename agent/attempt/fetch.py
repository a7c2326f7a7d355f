"""Fetching a job's file: from the coordinator only, going on after a break, and only the very bytes."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import structs

from agent.backoff import backoff
from agent.http.address import AddressError, parse_private
from agent.http.client import HttpClient
from agent.http.deadline import each
from agent.http.failure import NoAnswerError
from agent.http.response import ResponseStream
from agent.http.status import HTTPStatus
from wire.messages import Blame

TRIES = 6
"""Failures in a row, without one new byte, after which a file is given up."""
MOST_TRIES = 60
"""Failures in all: a server that hands out a byte at a time is given up too."""
CHUNK = 64 * 1024
PATIENCE = 20.0
"""Seconds without a byte, after which a try is given up."""
MOMENT = 0.5
"""Seconds between two looks at whether a wait was called off."""


class FetchError(Exception):
    """The file can't be had, or is not the one that was signed for; `blame` tells which."""

    def __init__(self, why: str, blame: Blame = Blame.NOBODY) -> None:
        super().__init__(why)
        self.blame = blame


class StoppedError(FetchError):
    """Somebody called it off."""


class _BrokenError(Exception):
    """It broke off; what came so far is kept."""


class Fetcher:
    """Fetches files from the origin of `url` (the coordinator's) and no other.

    `ca` is whom to trust for HTTPS, in PEM. `wait` sleeps so many seconds or less; `random` gives 0 to 1.
    """

    def __init__(
        self,
        url: str,
        *,
        ca: str = "",
        wait: Callable[[float], object],
        random: Callable[[], float],
    ) -> None:
        """Make no contact yet.

        Raises:
            AddressError: not an address where nobody can listen.
        """
        self._address = parse_private(url)
        self._client = HttpClient(structs.replace(self._address, path=""), ca=ca)
        self._wait = wait
        self._random = random

    def fetch(self, folder: Path, url: str, size: int, digest: str, stop: Callable[[], bool]) -> Path:
        """A file of `size` bytes whose SHA-256 is `digest`, in `folder`; `stop` is asked between chunks.

        No two threads may fetch into one folder.

        Raises:
            FetchError: another origin, another length, another digest, refused, or too many failures.
            StoppedError: `stop` said so; what came so far is kept.
        """
        try:
            address = parse_private(url)
            ours = address.scheme, address.host, address.port
        except AddressError:
            ours = None
        if ours != (self._address.scheme, self._address.host, self._address.port):
            # Without the link itself, here and below: its token is nothing for logs and reports.
            raise FetchError("its link does not lead to the coordinator: not fetched", Blame.JOB)
        path, part = folder / digest, folder / f"{digest}.part"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not (path.exists() and _digest(path) == digest):
                self._pull(url, part, size, stop)
                if _digest(part) != digest:
                    part.unlink()
                    raise FetchError(
                        "the file that came is not the one that was signed for: thrown away", Blame.JOB
                    )
                part.replace(path)
        except OSError as error:
            raise FetchError(f"can't keep the file in {folder}: {error}") from error
        return path

    def _pull(self, url: str, part: Path, size: int, stop: Callable[[], bool]) -> None:
        idle, farthest = 0, _length(part)
        for _ in range(MOST_TRIES):
            try:
                self._once(url, part, size, stop)
            except _BrokenError as error:
                have = _length(part)
                idle, farthest = (0, have) if have > farthest else (idle + 1, farthest)
                if idle >= TRIES:
                    raise FetchError(f"the file can't be fetched: {error}") from None
                self._pause(backoff(idle, self._random, base=0.5, cap=30), stop)
            else:
                return
        raise FetchError(f"the file broke off {MOST_TRIES} times")

    def _pause(self, seconds: float, stop: Callable[[], bool]) -> None:
        while seconds > 0 and not stop():
            self._wait(min(seconds, MOMENT))
            seconds -= MOMENT

    def _once(self, url: str, part: Path, size: int, stop: Callable[[], bool]) -> None:
        if stop():
            raise StoppedError("called off")
        have = _length(part)
        if have > size:
            part.unlink()
            have = 0
        if have == size:
            return
        with self._open(url, part, have) as answer:
            self._keep(answer, part, size, stop)

    def _open(self, url: str, part: Path, have: int) -> ResponseStream:
        parts = urlsplit(url)
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        try:
            headers = {"Range": f"bytes={have}-"} if have else {}
            answer = self._client.open("GET", path, each(PATIENCE), headers=headers)
        except NoAnswerError as failure:
            raise _BrokenError(str(failure)) from None
        except AddressError:
            raise FetchError("its link can't be followed") from None
        head = answer.head
        if head.is_good:
            return answer
        answer.close()
        if head.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            # Our beginning does not fit their file: begin again.
            part.unlink(missing_ok=True)
        if head.status in {408, 416, 425, 429} or head.status >= 500:
            raise _BrokenError(f"HTTP {head.status}")
        raise FetchError(f"the file can't be fetched: HTTP {head.status} {head.reason}")

    def _keep(self, answer: ResponseStream, part: Path, size: int, stop: Callable[[], bool]) -> None:
        have = _length(part)
        whole = answer.head.status != HTTPStatus.PARTIAL_CONTENT
        if not whole and not answer.head.header("Content-Range").startswith(f"bytes {have}-"):
            part.unlink(missing_ok=True)
            raise _BrokenError("another range than the one asked for")
        total = 0 if whole else have
        with part.open("wb" if whole else "ab") as file:
            while total < size:
                if stop():
                    raise StoppedError("called off")
                chunk = _read(answer, min(CHUNK, size - total))
                if not chunk:
                    raise _BrokenError(f"broke off at {total} of {size} bytes")
                file.write(chunk)
                total += len(chunk)
        if _read(answer, 1):
            part.unlink()
            raise FetchError(
                f"the file that came is longer than the {size} bytes that were signed for", Blame.JOB
            )


def _read(answer: ResponseStream, limit: int) -> bytes:
    try:
        return answer.read(limit)
    except NoAnswerError as failure:
        raise _BrokenError(str(failure)) from None


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
