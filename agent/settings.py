"""The owner's settings: one TOML file, checked before anything starts. See settings.example.toml."""

import os
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct, structs

from agent.consent.hours import Hours, HoursError, zone
from agent.consent.terms import Consent
from agent.errors import OwnerError
from gcode.document import DocumentError, decode
from gcode.material import UnknownMaterialError, material
from gcode.profile import Profile
from gcode.rehearsal import Objection, rehearse
from gcode.script import Script, ScriptError
from gcode_templates import UnknownTemplateError, machine_source
from wire.manifest import Name

NAME = "muster-agent.toml"
VARIABLE = "MUSTER_AGENT_CONFIG"

T = TypeVar("T")
Secret = Annotated[str, Meta(max_length=200)]


class SettingsError(OwnerError):
    """The settings can't be used; the text names file and line, and says what to change."""


class AbsentError(SettingsError):
    """The settings' file is not there."""


class _Printer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="driver"):
    """What every printer has, however it is driven. `script` is the file of its own start and end scripts.

    Without `thermal_protection`, it has what its firmware tells of itself; without that too, somebody must be there
    while it prints.
    """

    name: Name
    material: Name
    profile: Profile = Profile()
    script: str = ""
    thermal_protection: bool | None = None

    @property
    def driver(self) -> str:
        """The driver's name, as in the file."""
        return str(self.__struct_config__.tag)


Millimetres = Annotated[float, Meta(ge=0, le=2000)]


class SerialPrinter(_Printer, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="serial"):
    """A printer at a serial port; settings.example.toml and `printers/serial/options.py` say what each means."""

    port: Annotated[str, Meta(min_length=1, max_length=200)]
    baud: Annotated[int, Meta(ge=0, le=2_000_000)] = 0
    window: Annotated[int, Meta(ge=0, le=4096)] = 127
    dtr: Literal["never", "stop", "cancel"] = "stop"
    park: tuple[Millimetres, Millimetres] | None = None
    goes_on: bool = False
    clear_by_knob: bool = False

    def __post_init__(self) -> None:
        if 0 < self.baud < 1200:
            raise ValueError("`baud` is 0 to find it by trying, or at least 1200")
        if 0 < self.window < 96:
            raise ValueError("`window` is 0 for one line at a time, or at least 96 bytes: the longest line")


class _ServedPrinter(_Printer, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A printer behind a server. What opens the server stands in a file of its own, or here."""

    url: Annotated[str, Meta(pattern="^https?://", max_length=200)]
    key: Secret = ""
    key_file: str = ""


class OctoPrintPrinter(
    _ServedPrinter, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="octoprint"
):
    """A printer behind an OctoPrint, with an application key."""

    clear_in_octoprint: bool = False

    def __post_init__(self) -> None:
        if bool(self.key) == bool(self.key_file):
            raise ValueError("an octoprint printer needs `key_file` (or `key`), and not both")


class MoonrakerPrinter(
    _ServedPrinter, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="moonraker"
):
    """A printer that Klipper moves, behind a Moonraker, which may trust this machine without a key."""

    def __post_init__(self) -> None:
        if self.key and self.key_file:
            raise ValueError("a moonraker printer needs `key_file` or `key`, or none, but not both")


class PrusaLinkPrinter(
    _ServedPrinter, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="prusalink"
):
    """A printer behind a PrusaLink, with its API key, or with the user and the password that it shows."""

    user: Annotated[str, Meta(min_length=1, max_length=100)] = "maker"
    password: Secret = ""
    password_file: str = ""

    def __post_init__(self) -> None:
        given = [word for word in (self.key, self.key_file, self.password, self.password_file) if word]
        if len(given) != 1:
            raise ValueError(
                "a prusalink printer needs one of `password_file`, `key_file`, `password` and `key`"
            )


Printer = SerialPrinter | OctoPrintPrinter | MoonrakerPrinter | PrusaLinkPrinter


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file. Paths may begin with `~`, and are else relative to the file."""

    state: str = "~/.local/state/muster-agent"
    place: tuple[Annotated[float, Meta(ge=-90, le=90)], Annotated[float, Meta(ge=-180, le=180)]] | None = None
    clear_from_page: bool = False
    consent: Consent = Consent()
    hours: Hours = Hours()
    printer: Annotated[tuple[Printer, ...], Meta(min_length=1, max_length=64)]

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

    def printer(self, name: str) -> Printer:
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


def _script(path: Path, source: bytes, printer: Printer) -> tuple[Script, Objection | None]:
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


def with_secrets(path: Path, printer: Printer) -> Printer:
    """A printer of the settings at `path`, with what stands in files of its own.

    Raises:
        SettingsError: such a file is missing, or holds nothing of use.
    """
    if isinstance(printer, SerialPrinter):
        return printer
    if printer.key_file:
        key = _secret(path, printer.key_file, f"the key of {printer.name}")
        return structs.replace(printer, key=key, key_file="")
    if isinstance(printer, PrusaLinkPrinter) and printer.password_file:
        password = _secret(path, printer.password_file, f"the password of {printer.name}")
        return structs.replace(printer, password=password, password_file="")
    return printer


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
