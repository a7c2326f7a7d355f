"""The owner's settings: one TOML file, checked before anything starts. See settings.example.toml."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, cast

from msgspec import Meta, Struct, structs

from agent.consent.hours import Hours, HoursError, zone
from agent.consent.terms import Consent
from agent.errors import OwnerError
from agent.printers.catalogue import any_printer, kind_of
from agent.printers.kind import P, PrinterSettings
from gcode.document import DocumentError, decode
from gcode.material import UnknownMaterialError, material
from gcode.rehearsal import Objection, rehearse
from gcode.script import Script, ScriptError
from gcode_templates import UnknownTemplateError, machine_source

NAME = "muster-agent.toml"
VARIABLE = "MUSTER_AGENT_CONFIG"

T = TypeVar("T")


class SettingsError(OwnerError):
    """The settings can't be used; the text names file and line, and says what to change."""


class AbsentError(SettingsError):
    """The settings' file is not there."""


if TYPE_CHECKING:
    AnyPrinter = PrinterSettings
else:
    AnyPrinter = any_printer()
"""A printer of any kind: the settings' file says of which."""


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file. Paths may begin with `~`, and are else relative to the file."""

    state: str = "~/.local/state/muster-agent"
    place: tuple[Annotated[float, Meta(ge=-90, le=90)], Annotated[float, Meta(ge=-180, le=180)]] | None = None
    clear_from_page: bool = False
    consent: Consent = Consent()
    hours: Hours = Hours()
    printer: Annotated[tuple[AnyPrinter, ...], Meta(min_length=1, max_length=64)]

    def __post_init__(self) -> None:
        names = [printer.name for printer in self.printer]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two printers are called {twice!r}: give each a name of its own")


class Loaded(Struct, frozen=True, kw_only=True):
    """Settings with all that they refer to. `state` is a folder; `scripts` are by printer.

    So are `objections`: what the gate has against jobs between these scripts, where it has anything.
    """

    path: Path
    settings: Settings
    state: Path
    scripts: dict[str, Script]
    objections: dict[str, Objection]

    @property
    def warnings(self) -> list[str]:
        """What its owner should hear of them, a sentence for each printer."""
        return [told(printer, objection) for printer, objection in self.objections.items()]

    @property
    def place(self) -> tuple[float, float] | None:
        """Where the agent is, to 0.1° (about 10 km): all that ever leaves this machine."""
        place = self.settings.place
        return None if place is None else (round(place[0], 1), round(place[1], 1))

    def printer(self, name: str) -> PrinterSettings:
        """The printer of this name.

        Raises:
            SettingsError: none has it.
        """
        for printer in self.settings.printer:
            if printer.name == name:
                return printer
        known = ", ".join(printer.name for printer in self.settings.printer)
        raise SettingsError(f"{self.path}: no printer is called {name!r} (there are: {known})")


def find(given: str | None) -> Path:
    """Where the settings are: as given, in $MUSTER_AGENT_CONFIG, ./muster-agent.toml, or the user's own."""
    if chosen := given or os.environ.get(VARIABLE):
        return Path(chosen).expanduser()
    here = Path(NAME)
    return here if here.exists() else Path("~/.config/muster/agent.toml").expanduser()


def load(path: Path) -> Loaded:
    """Read and check the settings.

    Raises:
        SettingsError: the file, or one that it names, is missing or wrong.
    """
    return check(path, _read(path, "muster-agent setup makes it"))


def check(path: Path, source: bytes) -> Loaded:
    """The settings that stand in `source`, as if it were the file at `path`.

    Raises:
        SettingsError: it, or a file that it names, is wrong.
    """
    settings = _decode(source, Settings, str(path))
    try:
        zone(settings.hours)
    except HoursError as error:
        raise _at(path, source, "zone", str(error)) from None
    scripts: dict[str, Script] = {}
    objections: dict[str, Objection] = {}
    for printer in settings.printer:
        scripts[printer.name], objection = _script(path, source, printer)
        if objection:
            objections[printer.name] = objection
    mended = tuple(with_secrets(path, printer) for printer in settings.printer)
    return Loaded(
        path=path,
        settings=structs.replace(settings, printer=mended),
        state=_beside(path, settings.state),
        scripts=scripts,
        objections=objections,
    )


def told(printer: str, objection: Objection) -> str:
    """An objection for the printer's owner."""
    which = "every job" if objection.always else "some jobs"
    return f"{printer}: the gate refuses {which}: {objection.why}. Change its scripts or its profile"


def _script(path: Path, source: bytes, printer: PrinterSettings) -> tuple[Script, Objection | None]:
    try:
        if printer.script:
            own = _beside(path, printer.script)
            script = _decode(_read(own, f"the script of {printer.name}"), Script, str(own))
        else:
            family = printer.profile.family
            script = _decode(machine_source(family), Script, f"machines/{family}.toml")
        objection = rehearse(script, printer.profile, material(printer.material))
    except UnknownTemplateError as error:
        raise _at(path, source, printer.profile.family, str(error)) from None
    except UnknownMaterialError as error:
        raise _at(path, source, printer.material, str(error)) from None
    except ScriptError as error:
        raise _at(path, source, printer.name, f"printer {printer.name}: {error}") from None
    return script, objection


def with_secrets(path: Path, printer: P) -> P:
    """A printer of the settings at `path`, with what stands in files of its own.

    Raises:
        SettingsError: such a file is missing, or holds nothing of use.
    """
    changes: dict[str, str] = {}
    for name in kind_of(printer).secrets:
        file = cast("str", getattr(printer, f"{name}_file"))
        if file:
            changes |= {name: _secret(path, file, f"the {name} of {printer.name}"), f"{name}_file": ""}
    return structs.replace(printer, **changes) if changes else printer


def _secret(path: Path, file: str, what: str) -> str:
    own = _beside(path, file)
    try:
        secret = _read(own, what).decode().strip()
    except UnicodeDecodeError:
        secret = ""
    if not secret or len(secret) > 200 or not secret.isprintable():
        raise SettingsError(f"{own}: this should hold {what} and nothing else")
    return secret


def _beside(path: Path, text: str) -> Path:
    return path.parent.absolute() / Path(text).expanduser()


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise AbsentError(f"{path}: not there ({what})") from None
    except OSError as error:
        raise SettingsError(f"{path}: can't be read: {error.strerror}") from None


def _decode(source: bytes, kind: type[T], name: str) -> T:
    try:
        return decode(source, kind, name)
    except DocumentError as error:
        raise SettingsError(str(error)) from None


def _at(path: Path, source: bytes, word: str, message: str) -> SettingsError:
    """An error at the first line that holds `word` outside a comment."""
    lines = source.decode().splitlines()
    line = next((n for n, text in enumerate(lines, 1) if word in text.partition("#")[0]), 1)
    return SettingsError(f"{path}:{line}: {message}")
