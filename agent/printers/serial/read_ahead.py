"""The lines of a file, read ahead by a thread of its own: a disk that hangs keeps nobody from cooling a printer."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import BinaryIO
from weakref import finalize

BLOCK = 65_536
"""Bytes read at once: some two thousand lines."""
AHEAD = 2
"""Blocks that wait to be printed: seconds of the shortest moves, and no more memory than that."""

Batches = Iterator[list[bytes]]
"""Lines without their ends, many at a time; an empty batch says that the disk has given no more yet."""
Count = Queue[int | OSError]
Blocks = Queue[bytes | OSError]


class ReadAhead(Batches):
    """One file from its beginning to its end, once. Its thread ends with the file, or when nobody has this any more."""

    def __init__(self, path: Path) -> None:
        """Begin to read."""
        self._count: Count = Queue(1)
        self._blocks: Blocks = Queue(AHEAD)
        self._rest = b""
        self._is_over = False
        unwanted = Event()
        finalize(self, _release, self._blocks, unwanted)
        Thread(target=_read, args=(path, self._count, self._blocks, unwanted), daemon=True).start()

    def count(self, within: float) -> int:
        """How many lines the file has; to be asked once.

        Raises:
            OSError: it can't be read, or not in so many seconds.
        """
        try:
            found = self._count.get(timeout=within)
        except Empty:
            raise TimeoutError(f"the disk did not give it in {within:.0f} s") from None
        if isinstance(found, OSError):
            raise found
        return found

    def __next__(self) -> list[bytes]:
        """The next lines; none if the disk has not given them yet.

        Raises:
            OSError: the file can't be read, or no further.
        """
        if self._is_over:
            raise StopIteration
        try:
            block = self._blocks.get_nowait()
        except Empty:
            return []
        if isinstance(block, OSError):
            self._is_over = True
            raise block
        *lines, self._rest = (self._rest + block).split(b"\n")
        if not block:
            self._is_over = True
            if not self._rest:
                raise StopIteration
        if not block or len(self._rest) > BLOCK:
            lines, self._rest = [*lines, self._rest], b""
        return [line.rstrip(b"\r") for line in lines]


def count_lines(stream: BinaryIO) -> int:
    """How many lines a file has from where it stands."""
    count, last = 0, b"\n"
    while block := stream.read(BLOCK):
        count += block.count(b"\n")
        last = block[-1:]
    return count + (last != b"\n")


def _read(path: Path, count: Count, blocks: Blocks, unwanted: Event) -> None:
    """Give the count, and then the blocks as they are wanted; an empty one is the end."""
    try:
        with path.open("rb", buffering=0) as stream:
            count.put(count_lines(stream))
        with path.open("rb", buffering=0) as stream:
            block = b"-"
            while block and not unwanted.is_set():
                block = stream.read(BLOCK)
                blocks.put(block)
    except OSError as error:
        with suppress(Full):
            count.put_nowait(error)
        blocks.put(error)


def _release(blocks: Blocks, unwanted: Event) -> None:
    """Let a thread that waits for room go on, and see that nobody wants more."""
    unwanted.set()
    while not blocks.empty():
        blocks.get_nowait()
