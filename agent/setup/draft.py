"""The settings as `muster-agent setup` writes them: answers in, TOML with comments out. Pure."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, Literal, cast

import msgspec
from msgspec import Struct, structs

from agent.printers.catalogue import kind_of
from agent.printers.kind import PrinterSettings
from agent.settings import AnyPrinter
from gcode.profile import Profile

HEAD: Final = """\
# Settings of a Muster agent, written by muster-agent setup; yours to change. settings.example.toml explains every
# setting. After a change: stop muster-agent run and start it again.
"""
ABOUT: Final[Mapping[str, str]] = {
    "driver": "How it is driven.",
    "material": "The plastic that is loaded now. Change it here when you change the spool.",
    "thermal_protection": "Whether its firmware stops itself when a heater runs away; else somebody must be there.",
    "profile": "What the printer can do, in mm, degrees Celsius and seconds. No job gets beyond it.",
    "family": "Whose start and end scripts are used.",
}
ALWAYS: Final = frozenset({"family", "width", "depth", "height", "nozzle", "hottest_nozzle", "hottest_bed"})
"""What is written though it is the default: its owner should see it. Each kind of printer has some more."""


class Draft(Struct, frozen=True, kw_only=True):
    """What was answered so far. `consent` is for every part.

    `quiet` are spans like "22:00-07:00"; `place` is latitude and longitude.
    """

    quiet: tuple[str, ...] = ()
    consent: Literal["ask", "auto"] = "ask"
    place: tuple[float, float] | None = None
    printers: tuple[AnyPrinter, ...] = ()


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Draft).decode


def whole(draft: Draft) -> str:
    """A whole file."""
    lines = [HEAD.rstrip()]
    if draft.place is not None:
        lines += ["", "# About where you are; it leaves this machine rounded to 0.1 degrees (some 10 km)."]
        lines.append(f"place = {_value(draft.place)}")
    lines += [
        "",
        '# "ask" shows you each offer first (muster-agent offers); "auto" prints it; "never" refuses.',
    ]
    lines += ["[consent]", f"default = {_value(draft.consent)}"]
    lines += ["", "# Quiet hours: a job must end before they begin. [] is none.", "[hours]"]
    lines.append(f"daily = {_value(draft.quiet)}")
    return "\n".join(lines) + "\n" + "".join(f"\n{_block(printer)}" for printer in draft.printers)


def added(text: str, draft: Draft) -> str:
    """The file as it stands, with the draft's printers behind its own; nothing else of it is changed."""
    return text.rstrip("\n") + "\n" + "".join(f"\n{_block(printer)}" for printer in draft.printers)


def _block(printer: PrinterSettings) -> str:
    kind = kind_of(printer)
    lines = ["[[printer]]", f"name = {_value(printer.name)}", f"# {ABOUT['driver']}"]
    lines.append(f"driver = {_value(printer.driver)}")
    told = [
        (name, value) for name, value in _telling(printer, kind.always) if name not in {"name", "profile"}
    ]
    lines += _lines(told, {**ABOUT, **kind.about})
    lines += ["", f"# {ABOUT['profile']}", "[printer.profile]"]
    lines += _lines(_telling(printer.profile, ALWAYS), ABOUT)
    return "\n".join(lines) + "\n"


def _lines(told: Iterable[tuple[str, object]], about: Mapping[str, str]) -> Iterator[str]:
    for name, value in told:
        if name in about:
            yield f"# {about[name]}"
        yield f"{name} = {_value(value)}"


def _telling(part: PrinterSettings | Profile, always: Collection[str]) -> Iterator[tuple[str, object]]:
    """Fields with their values, but for those at their default that nobody has to see."""
    for field in structs.fields(part):
        value: object = getattr(part, field.name)
        if field.name in always or value != field.default:
            yield field.name, value


def _value(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, cast("tuple[object, ...]", value))) + "]"
    # JSON's texts and numbers are TOML's but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
