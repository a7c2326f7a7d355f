"""Fetching a job's file: from the coordinator only, going on after a break, and only the very bytes."""

import hashlib
import http.client
import urllib.error
from collections.abc import Callable
from http.client import HTTPResponse
from pathlib import Path

from agent import web
from agent.backoff import backoff
from wire.messages import Blame

TRIES = 6
"""Failures in a row, without one new byte, after which a file is given up."""
MOST_TRIES = 60
"""Failures in all: a server that hands out a byte at a time is given up too."""
CHUNK = 64 * 1024
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
        self._origin = web.origin(url)
        self._ca = ca
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
            ours = web.origin(url) == self._origin
        except web.WebError:
            ours = False
        if not ours:
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
        with self._open(url, part, have) as response:
            self._keep(response, part, size, stop)

    def _open(self, url: str, part: Path, have: int) -> HTTPResponse:
        try:
            return web.ask(url, ca=self._ca, headers={"Range": f"bytes={have}-"} if have else {})
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 416:
                    # Our beginning does not fit their file: begin again.
                    part.unlink(missing_ok=True)
                if error.code in {408, 416, 425, 429} or error.code >= 500:
                    raise _BrokenError(f"HTTP {error.code}") from None
                raise FetchError(f"the file can't be fetched: HTTP {error.code} {error.reason}") from None
        except (OSError, http.client.HTTPException) as error:
            raise _BrokenError(str(error) or type(error).__name__) from None
        except ValueError as error:  # no address that HTTP could carry
            raise FetchError(f"its link can't be followed: {error}") from None

    def _keep(self, response: HTTPResponse, part: Path, size: int, stop: Callable[[], bool]) -> None:
        have = _length(part)
        whole = response.status != 206
        if not whole and not (response.headers.get("Content-Range") or "").startswith(f"bytes {have}-"):
            part.unlink(missing_ok=True)
            raise _BrokenError("another range than the one asked for")
        total = 0 if whole else have
        with part.open("wb" if whole else "ab") as file:
            while total < size:
                if stop():
                    raise StoppedError("called off")
                chunk = _read(response, min(CHUNK, size - total))
                if not chunk:
                    raise _BrokenError(f"broke off at {total} of {size} bytes")
                file.write(chunk)
                total += len(chunk)
        if _read(response, 1):
            part.unlink()
            raise FetchError(
                f"the file that came is longer than the {size} bytes that were signed for", Blame.JOB
            )


def _read(response: HTTPResponse, limit: int) -> bytes:
    try:
        return response.read1(limit)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenError(str(error) or type(error).__name__) from None


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
