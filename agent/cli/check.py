"""`muster-agent check FILE`: the gate's verdict on a file, with why, before anybody prints it."""

import json
import os
import stat
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from msgspec import Struct

from agent import settings
from agent.errors import OwnerError
from agent.setup import models
from gcode.document import DocumentError, decode
from gcode.gate import Limits, Verdict, judge
from gcode.material import Material, UnknownMaterialError, material
from gcode.profile import Profile
from gcode.reader import LONGEST_LINE
from gcode.refusal import Rule
from gcode.script import Script, ScriptError, fill
from gcode.whole import CHUNK, Read, judge_whole
from gcode_templates import machine_families, machine_source

PAUSE: Final = 0.2
"""Seconds between two words about how far it is."""
LONGEST_PROFILE: Final = 100_000

ADVICE: Final = {
    Rule.FORM: "Firmwares read such a line differently, so only plain lines pass: a code and its fields in ASCII, one"
    " space between, no comments, each line ended by LF.",
    Rule.SIZE: "Split it over several files.",
    Rule.CODE: "What is not on the list can't be judged, or can do harm. Most slicers can leave such lines out.",
    Rule.FIELD: "See the list of what each code may carry.",
    Rule.STATE: "What was not said is unknown, and may be anything that the print before left behind.",
    Rule.VOLUME: "The head would leave what the printer can reach.",
    Rule.ZONE: "The printer's owner has said that something stands there.",
    Rule.FEED: "The speed is bounded by the printer's profile.",
    Rule.COLD: "Cold filament grinds in the extruder: M109 must have waited for a nozzle that melts it.",
    Rule.EXTRUSION: "So much plastic in one place becomes a blob, and blobs tear parts and nozzles off.",
    Rule.FLOW: "The hot end can't melt so much so fast.",
    Rule.TEMPERATURE: "Bounded by what printer and material both bear.",
    Rule.DWELL: "A hot nozzle that stands still burns what is below it.",
    Rule.DURATION: "Split it over several files.",
    Rule.ENDING: "A file must leave the printer cold, for when nobody is there.",
}


class CheckError(OwnerError):
    """What was asked can't be judged at all: no file, or no such machine."""


class CheckTarget(Struct, frozen=True, kw_only=True):
    """What a file is judged for."""

    profile: Profile
    material: Material
    script: Script


class _Described(Profile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A machine in a file of its own: the fields of a profile, and what is loaded."""

    material: str = "petg"


def run(parsed: Namespace) -> tuple[str, int]:
    """Judge: what to say of it, and the exit status, 0 if the file may be printed, 1 if not.

    Raises:
        OwnerError: it can't be judged.
    """
    machine = choose(parsed.profile, parsed.material, parsed.config)
    name = "stdin" if parsed.file == "-" else _printable(parsed.file)
    with _opened(parsed.file, name) as file:
        size = os.fstat(file.fileno()).st_size
        progress = _ProgressLine(name, size) if sys.stderr.isatty() else None
        try:
            if parsed.body:
                verdict, before = body(size, reader(file), machine, progress)
            else:
                verdict, before = (
                    judge_whole(size, reader(file), machine.profile, machine.material, told=progress),
                    0,
                )
            line = _line(file, verdict.line - before) if verdict.line > before else ""
        except OSError as error:
            raise CheckError(f"{name}: can't be read: {error.strerror}") from None
        except ScriptError as error:
            raise CheckError(str(error)) from None
        finally:
            if progress:
                progress.end()
    text = as_json(verdict) if parsed.json else as_text(name, verdict, machine, before, line)
    return text, 0 if verdict.accepted else 1


def choose(name: str | None, plastic: str | None, config: str | None) -> CheckTarget:
    """The machine called `name`: a TOML file, a printer of the settings, a family, or a model that is known.

    Raises:
        CheckError: there is no such machine or material.
        OwnerError: its file is wrong.
    """
    profile, loaded, script = Profile(), "petg", None
    if name is not None and ("/" in name or name.endswith(".toml")):
        described = _described(Path(name))
        loaded = described.material
        profile = Profile(**{field: getattr(described, field) for field in Profile.__struct_fields__})
    elif name is not None and (own := _own(name, config)):
        profile, loaded, script = own
    elif name is not None:
        profile = _known(name)
    try:
        return CheckTarget(
            profile=profile, material=material(plastic or loaded), script=script or _family(profile.family)
        )
    except UnknownMaterialError as error:
        raise CheckError(str(error)) from None


def body(
    size: int, read: Read, machine: CheckTarget, told: Callable[[int], None] | None
) -> tuple[Verdict, int]:
    """The verdict on a job's body between the machine's start and end scripts, and how many lines the former has.

    Raises:
        ScriptError: the scripts can't be filled in.
    """
    around = fill(machine.script, machine.profile, machine.material)

    def chunks() -> Iterator[bytes]:
        at, most = 0, min(size, Limits().bytes + 1)
        while at < most and (chunk := read(at, min(CHUNK, most - at))):
            yield chunk
            at += len(chunk)
            if told:
                told(at)

    verdict = judge(around.start, chunks(), around.end, machine.profile, machine.material)
    return verdict, around.start.count(b"\n")


def as_json(verdict: Verdict) -> str:
    """One object with exactly four fields; `line` counts from 1 in what was judged, 0 where all is well."""
    return json.dumps(
        {
            "accepted": verdict.accepted,
            "code": str(verdict.code),
            "line": verdict.line,
            "reason": verdict.reason,
        }
    )


def as_text(name: str, verdict: Verdict, machine: CheckTarget, before: int, line: str) -> str:
    """The verdict for a person; `before` lines of a start script stand before the file's own, `line` is the culprit."""
    profile, plastic = machine.profile, machine.material.name
    bed = (
        f"a round bed of {2 * profile.radius:g} mm, {profile.height:g} mm high"
        if profile.radius
        else f"{profile.width:g} x {profile.depth:g} x {profile.height:g} mm"
    )
    judged = f"judged for {bed}, nozzle {profile.nozzle:g} mm, {plastic}"
    if verdict.accepted:
        did = verdict.whole
        minutes = round(did.seconds / 60)
        return (
            f"{name}: accepted\n"
            f"  {did.lines:,} lines, {did.grams:.1f} g, {minutes // 60} h {minutes % 60:02d} min without heating\n"
            f"  {judged}"
        )
    own = verdict.line - before
    where = f"line {own}" if own > 0 else f"line {verdict.line} of the start script"
    if before and own > 0:
        where += f" ({verdict.line} with the start script)"
    shown = f"      {line}\n" if line else ""
    return (
        f"{name}: refused ({verdict.code})\n  {where}: {verdict.reason}\n{shown}"
        f"  {ADVICE[Rule(verdict.code)]}\n  {judged}"
    )


def reader(file: IO[bytes]) -> Read:
    """Reads anywhere in a file."""

    def read(at: int, length: int) -> bytes:
        file.seek(at)
        return file.read(length)

    return read


def _opened(path: str, name: str) -> IO[bytes]:
    """The file, or what comes out of a pipe, gathered on disk as far as anything of it would be judged."""
    try:
        if path == "-":
            if sys.stdin is None or sys.stdin.closed:
                raise CheckError("there is nothing at stdin")
            return _gathered(sys.stdin.buffer)
        file = Path(path).open("rb")  # noqa: SIM115  the caller closes it
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file
        with file:
            return _gathered(file)
    except FileNotFoundError:
        raise CheckError(f"{name}: there is no such file") from None
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        raise CheckError(f"{name}: can't be read: {getattr(error, 'strerror', None) or error}") from None


def _gathered(pipe: IO[bytes]) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    left = Limits().bytes + 1
    while left > 0 and (chunk := pipe.read(min(CHUNK, left))):
        file.write(chunk)
        left -= len(chunk)
    file.seek(0)
    return file


def _line(file: IO[bytes], number: int) -> str:
    """A line of the file, from 1, as a terminal may show it."""
    file.seek(0)
    for count, line in enumerate(_lines(file), 1):
        if count == number:
            text = line.decode("ascii", "backslashreplace")
            shown = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
            return shown if len(line) <= LONGEST_LINE else shown[:LONGEST_LINE] + "…"
    return ""


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Lines without their ends, of which very long ones are cut: no line is gathered that nobody would show."""
    while line := file.readline(CHUNK):
        ended = line
        while not ended.endswith(b"\n") and (ended := file.readline(CHUNK)):
            pass
        yield line.removesuffix(b"\n")[: LONGEST_LINE + 1]


def _described(path: Path) -> _Described:
    try:
        with path.expanduser().open("rb") as file:
            source = file.read(LONGEST_PROFILE)
    except OSError as error:
        raise CheckError(f"{_printable(str(path))}: can't be read: {error.strerror}") from None
    try:
        return decode(source, _Described, _printable(str(path)))
    except DocumentError as error:
        raise CheckError(f"{error}; a profile has the fields of [printer.profile], and `material`") from None


def _own(name: str, config: str | None) -> tuple[Profile, str, Script] | None:
    """The owner's own printer of this name. Settings that can't be read matter only if somebody names them."""
    path = settings.find(config)
    if config is None and not path.exists():
        return None
    loaded = None
    with suppress(OwnerError):
        loaded = settings.load(path)
    if loaded is None:
        if config is None and (name in machine_families() or models.model(name) is not models.UNKNOWN):
            return None
        loaded = settings.load(path)
    printer = next((each for each in loaded.settings.printer if each.name == name), None)
    return None if printer is None else (printer.profile, printer.material, loaded.scripts[name])


def _known(name: str) -> Profile:
    model = models.model(name)
    if name not in machine_families() and model is models.UNKNOWN:
        known = ", ".join(machine_families())
        raise CheckError(
            f"no machine is called {_printable(name)!r} (there are: {known}; or give a TOML file, or a printer"
            " of your settings)"
        )
    return Profile(family=model.family, width=model.width, depth=model.depth, height=model.height)


def _family(family: str) -> Script:
    if family not in machine_families():
        known = ", ".join(machine_families())
        raise CheckError(f"no family is called {family!r} (there are: {known})")
    return decode(machine_source(family), Script, f"machines/{family}.toml")


def _printable(text: str) -> str:
    """A name as a terminal may show it."""
    return text if text.isprintable() else ascii(text)[1:-1]


class _ProgressLine:
    """How far it is, on the person's terminal."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = max(1, size)
        self._next = time.monotonic() + PAUSE

    def __call__(self, at: int) -> None:
        """So many bytes are judged."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PAUSE
            sys.stderr.write(f"\r{self._name}: {at * 100 // self._size} %")
            sys.stderr.flush()

    def end(self) -> None:
        """Wipe it away."""
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
