"""The settings as `muster-agent setup` writes them: answers in, TOML with comments out. Pure."""

import json
from collections.abc import Iterator
from typing import Final, Literal, cast

import msgspec
from msgspec import Struct, structs

from agent.settings import Printer
from gcode.profile import Profile

HEAD: Final = """\
# Settings of a Muster agent, written by muster-agent setup; yours to change. settings.example.toml explains every
# setting. After a change: stop muster-agent run and start it again.
"""
ABOUT: Final = {
    "driver": "How it is driven.",
    "port": "The port. The names in /dev/serial/by-id stay when cables are plugged elsewhere.",
    "baud": "Symbols a second, as the firmware was built; 0 finds it by trying.",
    "url": "The server's address.",
    "key_file": "A file with the key that opens it, beside this one. For nobody's eyes but yours.",
    "password_file": "A file with the password that opens it, beside this one. For nobody's eyes but yours.",
    "clear_in_octoprint": "Whether loading the file bed-is-clear in OctoPrint says that the bed is clear.",
    "material": "The plastic that is loaded now. Change it here when you change the spool.",
    "thermal_protection": "Whether its firmware stops itself when a heater runs away; else somebody must be there.",
    "profile": "What the printer can do, in mm, degrees Celsius and seconds. No job gets beyond it.",
    "family": "Whose start and end scripts are used.",
}
ALWAYS: Final = frozenset(
    {
        *("family", "width", "depth", "height", "nozzle", "hottest_nozzle", "hottest_bed"),
        *("baud", "clear_in_octoprint"),
    }
)
"""What is written though it is the default: its owner should see it."""


class Draft(Struct, frozen=True, kw_only=True):
    """What was answered so far. `consent` is for every part.

    `quiet` are spans like "22:00-07:00"; `place` is latitude and longitude.
    """

    quiet: tuple[str, ...] = ()
    consent: Literal["ask", "auto"] = "ask"
    place: tuple[float, float] | None = None
    printers: tuple[Printer, ...] = ()


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


def _block(printer: Printer) -> str:
    lines = ["[[printer]]", f"name = {_value(printer.name)}", f"# {ABOUT['driver']}"]
    lines.append(f"driver = {_value(printer.driver)}")
    for name, value in _telling(printer):
        if name not in {"name", "profile"}:
            lines += [f"# {ABOUT[name]}"] if name in ABOUT else []
            lines.append(f"{name} = {_value(value)}")
    lines += ["", f"# {ABOUT['profile']}", "[printer.profile]"]
    for name, value in _telling(printer.profile):
        lines += [f"# {ABOUT[name]}"] if name in ABOUT else []
        lines.append(f"{name} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _telling(part: Printer | Profile) -> Iterator[tuple[str, object]]:
    """Fields with their values, but for those at their default that nobody has to see."""
    for field in structs.fields(part):
        value: object = getattr(part, field.name)
        if field.name in ALWAYS or value != field.default:
            yield field.name, value


def _value(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, cast("tuple[object, ...]", value))) + "]"
    # JSON's texts and numbers are TOML's but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
