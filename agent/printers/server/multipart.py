"""A multipart form (RFC 7578) with one file, piece by piece: its content is never held in memory."""

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from typing import BinaryIO
from urllib.parse import quote

CHUNK = 64 * 1024


class Form:
    """A form, to be sent once; its length is known before."""

    def __init__(
        self,
        fields: dict[str, str],
        file: tuple[str, BinaryIO, str],
        patience: Callable[[], object] = lambda: None,
    ) -> None:
        """Make the form; nothing is read yet.

        Args:
            fields: names and values, of plain ASCII.
            file: its name, its open content, its media type.
            patience: called before each piece; it may raise when the sending takes too long.
        """
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self.digest = hashlib.sha1(usedforsecurity=False)
        """Of the file's bytes, as far as they have been iterated over."""
        self._patience = patience
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
        self.size = self._content.seek(0, os.SEEK_END)
        """Bytes of the file alone."""
        self._content.seek(0)

    def __len__(self) -> int:
        return len(self._head) + self.size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        while chunk := self._content.read(CHUNK):
            self._patience()
            self.digest.update(chunk)
            yield chunk
        yield self._tail
