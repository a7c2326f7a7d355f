"""Where our files lie on a printer's server: in a folder of our own, one an attempt, or a question. Pure."""

import re
from collections.abc import Iterable

FOLDER = "muster"
"""Our folder, among the owner's files."""

_ATTEMPT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", re.ASCII)
_QUESTION = re.compile(rf"{FOLDER}/bed-is-clear\.([A-Za-z0-9]+)\.gcode", re.ASCII)


def path_of(attempt: str) -> str:
    """The path of an attempt's file."""
    return f"{FOLDER}/{attempt}.gcode"


def attempt_of(path: str | None) -> str | None:
    """The attempt whose file this is, None for a file that is not ours."""
    prefix, suffix = f"{FOLDER}/", ".gcode"
    if path is None or not (path.startswith(prefix) and path.endswith(suffix)):
        return None
    attempt = path[len(prefix) : -len(suffix)]
    return attempt if is_name(attempt) else None


def question_path(question: str) -> str:
    """The path of a question's file, whose name can't be an attempt's."""
    return f"{FOLDER}/bed-is-clear.{question}.gcode"


def question_of(path: str | None) -> str | None:
    """The question whose file this is, None for any other file."""
    match = _QUESTION.fullmatch(path or "")
    return match[1] if match else None


def is_name(attempt: str) -> bool:
    """Whether an attempt's id can be a file's name as it is. Servers rewrite, and one once ran, odd names."""
    return _ATTEMPT.fullmatch(attempt) is not None


def newest(files: Iterable[tuple[str, float]]) -> str | None:
    """The attempt whose file came last, of paths and when they were changed; None where none is ours."""
    ours = [(changed, attempt) for path, changed in files if (attempt := attempt_of(path))]
    return max(ours)[1] if ours else None
