"""The data directory: who may use it, and what of it belongs into a back-up."""

import fcntl
import os
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from coordinator.errors import StartError

RESTORING = "restoring"
"""A file that stands in the data directory while a restore is under way, or was cut off."""


def own(data: Path, closing: ExitStack, *, to_restore: bool = False) -> Path:
    """Make the data directory, and hold it against a second coordinator until `closing` is closed.

    Raises:
        StartError: it can't be used, another coordinator runs there, or a restore was cut off half-way.
    """
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock: TextIO = (data / "lock").open("w")
    except OSError as error:
        raise StartError(f"can't use {data} for data: {error.strerror}") from None
    closing.callback(lock.close)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise StartError(f"another coordinator runs on {data}: stop it, or set another `data`") from None
    if (data / RESTORING).exists() and not to_restore:
        raise StartError(f"a restore into {data} was cut off: run `muster restore` again, with the same file")
    return data


def keys(data: Path) -> dict[str, Path]:
    """What can't be made again, by its name in the data directory: keys, and the port that agents were told."""
    found = [*data.glob("*.key")]
    found += [path for ending in ("key", "crt", "json") for path in (data / "keys").glob(f"*.{ending}")]
    found += [path for path in [data / "broker" / "port"] if path.exists()]
    return {str(path.relative_to(data)): path for path in sorted(found) if path.is_file()}


def sync(directory: Path) -> None:
    """Make what was renamed in a directory last."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
