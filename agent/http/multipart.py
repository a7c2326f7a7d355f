"""A multipart form (RFC 7578) with one file."""

import secrets
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from agent.http.body import Body


class Form:
    """A form, as a body."""

    def __init__(self, fields: Mapping[str, str], name: str, file: Body) -> None:
        """Make the form; nothing is read yet.

        Args:
            fields: names and values, of plain ASCII.
            name: the file's.
            file: its content.
        """
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._file = file
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
            for field, value in fields.items()
        ]
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{quote(name)}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        self._head = "".join(parts).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()

    def __len__(self) -> int:
        return len(self._head) + len(self._file) + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        yield from self._file
        yield self._tail
