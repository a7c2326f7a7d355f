"""What is sent with a request, piece by piece: a file is never held in memory. Its length is known before."""

import os
from collections.abc import Iterator
from typing import BinaryIO, Protocol

CHUNK = 64 * 1024


class Body(Protocol):
    """What is sent; it can be iterated over anew."""

    def __len__(self) -> int:
        """Bytes in all."""
        ...

    def __iter__(self) -> Iterator[bytes]:
        """The pieces."""
        ...


class BytesBody:
    """Some bytes."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __len__(self) -> int:
        return len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        if self._content:
            yield self._content


class FileBody:
    """An open file, from its beginning."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __len__(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(CHUNK):
            yield chunk
