"""TOML documents that people write: settings, parts, machines. Strict, and precise about where one is wrong."""

import re
import tomllib
from copy import copy
from typing import Any, Final, TypeVar, cast

import msgspec

from gcode.whereabouts import Path, Whereabouts

T = TypeVar("T")

LARGEST: Final = 1_000_000
"""Bytes of a document; people write less, and the scan for lines is not built for more."""

_AT = re.compile(r"^(?P<what>.*?)(?: - at (?:`(?P<key>key)` in )?`\$(?P<path>.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|(\[\.\.\.\])")
_PLACE = re.compile(r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(.+)`$", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(.+)`$", re.DOTALL)
_ANY: Final = object()
"""Stands in msgspec's path for a key of a mapping, which it does not name."""


class DocumentError(Exception):
    """A document can't be used; the text names file and line, and says what to do.

    `name` is what the caller calls the document (mostly its file's name), `line` counts from 1.
    """

    def __init__(self, name: str, line: int, message: str) -> None:
        self.name = name
        self.line = line
        self.message = " ".join(message.split())
        super().__init__(f"{name}:{line}: {self.message}")


def decode(source: bytes | str, type_: type[T], name: str) -> T:
    """Read one TOML document into `type_`, a msgspec Struct (or what msgspec can convert to).

    Nothing is coerced and nothing is skipped: give the struct `forbid_unknown_fields`. A ValueError that the
    struct's `__post_init__` raises is told like any other error, at its table's line.

    Raises:
        DocumentError: not UTF-8, not TOML, or not of this shape.
    """
    text = _text(source, name)
    data = _parse(text, name)
    try:
        return msgspec.convert(data, type_)
    except msgspec.ValidationError as error:
        raise _placed(error, data, type_, text, name) from None


def _text(source: bytes | str, name: str) -> str:
    if len(source) > LARGEST:
        raise DocumentError(
            name, 1, f"longer than {LARGEST} bytes (split it, or check that this is the file meant)"
        )
    if isinstance(source, str):
        return source
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise DocumentError(name, line, "not UTF-8 text (save the file as UTF-8)") from None


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise DocumentError(name, 1, "nested too deep (flatten it)") from None
    except tomllib.TOMLDecodeError as error:
        found = _PLACE.match(str(error))
        what, line = (found["what"], found["line"]) if found else (str(error), None)
        at = int(line) if line else len(text.rstrip().split("\n"))
        raise DocumentError(name, at, f"not valid TOML: {what} (mend this line)") from None
    except ValueError as error:  # an integer of thousands of digits is not caught by tomllib
        raise DocumentError(name, 1, f"not valid TOML: {error} (mend the number)") from None


def _placed(
    error: msgspec.ValidationError, data: dict[str, Any], type_: Any, text: str, name: str
) -> DocumentError:
    found = _AT.match(str(error))
    what, rest = (found["what"], found["path"] or "") if found else (str(error), "")
    steps: list[object] = [_step(match) for match in _STEP.finditer(rest)]
    if found and found["key"]:
        steps.append(_ANY)
    path = _resolve(steps, data, type_, str(error))
    if unknown := _UNKNOWN.match(what):
        path = (*path, unknown[1])
    return DocumentError(name, Whereabouts(text).line(path), _advice(what, path))


def _step(match: re.Match[str]) -> object:
    key, index, _ = match.groups()
    return key if key is not None else int(index) if index is not None else _ANY


def _resolve(steps: list[object], data: dict[str, Any], type_: Any, message: str) -> Path:
    """Fill in the keys that msgspec leaves out: the culprit is the one that alone gives the same error."""
    path: Path = ()
    for step in steps:
        if step is not _ANY:
            path = (*path, cast("str | int", step))
            continue
        table = _look(data, path)
        culprit = next((key for key in table if _fails(_only(data, path, key), type_, message)), None)
        if culprit is None:
            return path
        data = _only(data, path, culprit)
        path = (*path, culprit)
    return path


def _look(data: Any, path: Path) -> dict[str, Any]:
    for step in path:
        data = data[step]
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}


def _only(data: Any, path: Path, key: str) -> Any:
    """A copy of `data` whose table at `path` keeps nothing but `key`."""
    if not path:
        return {key: data[key]}
    fresh = copy(data)
    fresh[path[0]] = _only(data[path[0]], path[1:], key)
    return fresh


def _fails(data: Any, type_: Any, message: str) -> bool:
    try:
        msgspec.convert(data, type_)
    except msgspec.ValidationError as error:
        return str(error) == message
    return False


def _advice(what: str, path: Path) -> str:
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    if missing := _MISSING.match(what):
        inside = f" in `{where}`" if where else ""
        return f"`{missing[1]}` is missing{inside} (add it)"
    if _UNKNOWN.match(what):
        return f"`{where}` is not a known setting (mend its spelling, or remove it)"
    if what.startswith(("Expected", "Invalid")):
        what = what[0].lower() + what[1:]
        return f"`{where}`: {what} (change the value)" if where else f"{what} (change the value)"
    return f"`{where}`: {what}" if where else what
