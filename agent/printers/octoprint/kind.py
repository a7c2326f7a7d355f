"""OctoPrint as a kind of printer. See `PrinterKind` for what each part means."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from agent.http.status import HTTPStatus
from agent.printers.kind import (
    Get,
    PrinterKind,
    Remarks,
    SaysClear,
    SecretQuestion,
    ServerGreeting,
    ServerTraits,
    Size,
)
from agent.printers.server.kind import ABOUT, ServedPrinter, place, resumed_there, state_file

if TYPE_CHECKING:
    from agent.printers.octoprint.driver import OctoPrintDriver

PROBE = "/plugin/appkeys/probe"
"""Answers 204 where a key can be asked for; documented for this purpose."""
APP = "muster-agent"
"""Who asks for a key, as the owner reads it in OctoPrint."""


class OctoPrintPrinter(ServedPrinter, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="octoprint"):
    """A printer behind an OctoPrint, with an application key."""

    clear_in_octoprint: bool = False

    def __post_init__(self) -> None:
        if bool(self.key) == bool(self.key_file):
            raise ValueError("an octoprint printer needs `key_file` (or `key`), and not both")


class _Volume(Struct):
    width: float
    depth: float
    height: float


class _Profile(Struct):
    volume: _Volume
    current: bool = False


class _Profiles(Struct):
    """`/api/printerprofiles`."""

    profiles: dict[str, _Profile]


def _driver(printer: OctoPrintPrinter, state: Path) -> "OctoPrintDriver":
    from agent.printers.octoprint.driver import OctoPrintDriver  # noqa: PLC0415  requests costs 10 MB

    return OctoPrintDriver(printer.name, printer.url, printer.key, state_file(printer, state))


def _onlooker(printer: OctoPrintPrinter, _state: Path) -> "OctoPrintDriver":
    from agent.printers.octoprint.driver import OctoPrintDriver  # noqa: PLC0415  requests costs 10 MB

    # Without a state file: that is the agent's own.
    return OctoPrintDriver(printer.name, printer.url, printer.key)


def _says_clear(printer: OctoPrintPrinter) -> SaysClear | None:
    if not printer.clear_in_octoprint:
        return None
    how = "load the file bed-is-clear in its OctoPrint (without printing it)"
    return SaysClear(where="in its OctoPrint", how=how)


def _recognise(get: Get) -> ServerGreeting | None:
    return ServerGreeting(gives_keys=True) if get(PROBE).status == HTTPStatus.NO_CONTENT else None


def _remarks(greeting: ServerGreeting) -> Remarks:
    from agent.printers.octoprint.answers import OLDEST_GOOD, is_old  # noqa: PLC0415  for its owners only

    missing = ""
    if greeting.version and is_old(greeting.version):
        missing = f"an update to {'.'.join(map(str, OLDEST_GOOD))}: this version has known holes"
    return Remarks(
        can=("gives a key when you confirm it there: muster-agent setup asks for one",),
        missing=(missing,) if missing else (),
    )


def _size(get: Get) -> Size | None:
    told = get("/api/printerprofiles").read(_Profiles)
    volume = next((each.volume for each in told.profiles.values() if each.current), None)
    return (volume.width, volume.depth, volume.height) if volume else None


def _confirm(url: str, show: Callable[[str], object]) -> str:
    from agent.printers.octoprint.key import ask  # noqa: PLC0415  for its owners only

    return ask(url, APP, show=show)


OCTOPRINT = PrinterKind(
    title="OctoPrint",
    settings=OctoPrintPrinter,
    driver=_driver,
    onlooker=_onlooker,
    place=place,
    secrets=("key",),
    about=ABOUT
    | {
        "clear_in_octoprint": "Whether loading the file bed-is-clear in OctoPrint says that the bed is clear."
    },
    always=frozenset({"clear_in_octoprint"}),
    says_clear=_says_clear,
    elsewhere=resumed_there("connect it again"),
    server=ServerTraits(
        ports=(5000, 80),
        services=("_octoprint._tcp.local.",),
        recognise=_recognise,
        remarks=_remarks,
        questions=(
            SecretQuestion(
                secret="key",  # noqa: S106  the setting's name
                prompt="Its application key (OctoPrint: Settings, Application Keys)",
                confirm=_confirm,
            ),
        ),
        size=_size,
    ),
)
