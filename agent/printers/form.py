"""A multipart form (RFC 7578) for an HTTP client that sends what it iterates over."""

import os
import secrets
from collections.abc import Callable, Iterator
from typing import BinaryIO
from urllib.parse import quote

CHUNK = 64 * 1024


class Form:
    """A form with one file, sent piece by piece: its length is known, its content never held in memory."""

    def __init__(
        self, fields: dict[str, str], file: tuple[str, BinaryIO, str], patience: Callable[[], object]
    ) -> None:
        """Make the form; nothing is read yet.

        Args:
            fields: names and values, of plain ASCII.
            file: its name, its open content, its media type.
            patience: called before each piece; it raises when the sending takes too long.
        """
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        name, self._content, kind = file
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
            for field, value in fields.items()
        ]
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{quote(name)}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        )
        self._head = "".join(parts).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._patience = patience

    def __len__(self) -> int:
        return len(self._head) + os.fstat(self._content.fileno()).st_size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        while chunk := self._content.read(CHUNK):
            self._patience()
            yield chunk
        yield self._tail
