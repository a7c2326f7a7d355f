"""The parts and the machines' start and end scripts, as data."""

from importlib.resources import files
from typing import Final

_ROOMS: Final = {"parts": "part", "machines": "machine family"}


class UnknownTemplateError(LookupError):
    """No template of this name is shipped; the text lists those that are."""


def part_names() -> list[str]:
    """The parts that can be made, in alphabetical order."""
    return _names("parts")


def machine_families() -> list[str]:
    """The machine families with scripts of their own, in alphabetical order."""
    return _names("machines")


def part_source(name: str) -> bytes:
    """A part's TOML document, for `gcode.document.decode(…, gcode.part.Part, …)`.

    Raises:
        UnknownTemplateError: there is none of this name.
    """
    return _source("parts", name)


def machine_source(family: str) -> bytes:
    """A machine family's TOML document, for `gcode.document.decode(…, gcode.script.Script, …)`.

    Raises:
        UnknownTemplateError: there is none of this name.
    """
    return _source("machines", family)


def _names(room: str) -> list[str]:
    found = (entry.name for entry in files(__name__).joinpath(room).iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def _source(room: str, name: str) -> bytes:
    names = _names(room)
    if name not in names:  # only names that are listed are opened: no path can be smuggled in
        raise UnknownTemplateError(f"{_ROOMS[room]} {name!r} is not known (there are: {', '.join(names)})")
    return files(__name__).joinpath(room, f"{name}.toml").read_bytes()
