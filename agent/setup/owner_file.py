"""A file of the owner's: compared before it is changed, and changed as a whole or not at all."""

import difflib
import os
from pathlib import Path

from agent.errors import OwnerError


class FileError(OwnerError):
    """A file can't be written. Says why."""


def difference(path: Path, before: str, after: str) -> str:
    """What would change, as `diff -u` shows it; for a new file all of it."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), str(path), f"{path} (new)", lineterm="", n=2
    )
    return "\n".join(lines)


def write(path: Path, text: str) -> None:
    """Put `text` in the place of the file; a power cut leaves the old or the new one.

    A new file is readable by its owner only; one that was there keeps its mode, and its links.

    Raises:
        FileError: it can't be.
    """
    try:
        path = path.resolve()
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            if path.exists():
                os.fchmod(descriptor, path.stat().st_mode & 0o777)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"can't write {path}: {error.strerror or error}") from error
