"""A history: one JSON object a line, each with the moment on the clock that all processes of a machine share."""

import json
import os
import time
from pathlib import Path
from typing import Any


class Diary:
    """Written line by line, unbuffered: what a process wrote before it was killed is there."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def note(self, what: str, **facts: Any) -> None:
        line = json.dumps({"t": round(time.monotonic(), 4), "what": what, **facts})
        os.write(self._descriptor, line.encode() + b"\n")


def read_from(path: Path, offset: int) -> tuple[list[dict[str, Any]], int]:
    """The whole lines from `offset` on, and where they end."""
    if not path.exists():
        return [], offset
    with path.open("rb") as file:
        file.seek(offset)
        text = file.read()
    end = text.rfind(b"\n") + 1
    return [json.loads(line) for line in text[:end].splitlines()], offset + end


def read(path: Path) -> list[dict[str, Any]]:
    """All whole lines of a diary that may still be written."""
    return read_from(path, 0)[0]
