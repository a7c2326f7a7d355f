"""Moonraker (Klipper) as a kind of printer. See `PrinterKind` for what each part means."""

from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from agent.http.status import HTTPStatus
from agent.printers.kind import Get, PrinterKind, Remarks, SecretQuestion, ServerGreeting, ServerTraits, Size
from agent.printers.server.kind import ABOUT, ServedPrinter, place, resumed_there, state_file, word

if TYPE_CHECKING:
    from agent.printers.moonraker.driver import MoonrakerDriver

T = TypeVar("T")


class MoonrakerPrinter(ServedPrinter, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="moonraker"):
    """A printer that Klipper moves, behind a Moonraker, which may trust this machine without a key."""

    def __post_init__(self) -> None:
        if self.key and self.key_file:
            raise ValueError("a moonraker printer needs `key_file` or `key`, or none, but not both")


class _Info(Struct):
    """`/server/info`."""

    klippy_state: str
    moonraker_version: str = ""


class _Access(Struct):
    """`/access/info`, which anybody may read."""

    trusted: bool


class _Axes(Struct):
    axis_maximum: tuple[float, float, float, float]


class _Toolhead(Struct):
    toolhead: _Axes


class _Objects(Struct):
    """`/printer/objects/query`."""

    status: _Toolhead


class _Result(Struct, Generic[T]):
    """What Moonraker puts its answers into."""

    result: T


def _driver(printer: MoonrakerPrinter, state: Path) -> "MoonrakerDriver":
    from agent.printers.moonraker.driver import MoonrakerDriver  # noqa: PLC0415  for its owners only

    return MoonrakerDriver(printer.name, printer.url, printer.key, state_file(printer, state))


def _recognise(get: Get) -> ServerGreeting | None:
    reply = get("/server/info")
    if reply.status == HTTPStatus.UNAUTHORIZED:
        get("/access/info").read(_Result[_Access])
        return ServerGreeting()
    told = reply.read(_Result[_Info]).result
    return ServerGreeting(version=word(told.moonraker_version), state=word(told.klippy_state), trusts=True)


def _remarks(greeting: ServerGreeting) -> Remarks:
    if not greeting.trusts:
        return Remarks(missing=("its API key (Mainsail or Fluidd: Settings, API key)",))
    can = ("trusts this machine: no key is needed",)
    if greeting.state == "ready":
        return Remarks(can=can)
    return Remarks(can=can, missing=(f"Klipper is {greeting.state or 'not there'}: see its page",))


def _size(get: Get) -> Size | None:
    reply = get("/printer/objects/query?toolhead=axis_maximum")
    return reply.read(_Result[_Objects]).result.status.toolhead.axis_maximum[:3]


MOONRAKER = PrinterKind(
    title="Moonraker",
    settings=MoonrakerPrinter,
    driver=_driver,
    place=place,
    secrets=("key",),
    about=ABOUT,
    elsewhere=resumed_there("restart its firmware"),
    server=ServerTraits(
        ports=(7125, 80),
        services=("_moonraker._tcp.local.",),
        recognise=_recognise,
        remarks=_remarks,
        questions=(
            SecretQuestion(
                secret="key",  # noqa: S106  the setting's name
                prompt="Its API key (Mainsail or Fluidd: Settings, API key)",
            ),
        ),
        size=_size,
        protects=True,  # Klipper does
    ),
)
