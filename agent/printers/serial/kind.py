"""A printer at a serial port as a kind of printer. See `PrinterKind` for what each part means."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from agent.printers.driver import PrinterError
from agent.printers.kind import PrinterKind, PrinterSettings, SaysClear
from agent.printers.serial.options import WINDOW, Dtr

if TYPE_CHECKING:
    from agent.printers.serial.driver import SerialDriver
    from agent.printers.serial.pump_onlooker import PumpControl

Millimetres = Annotated[float, Meta(ge=0, le=2000)]


class SerialPrinter(PrinterSettings, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="serial"):
    """A printer at a serial port; settings.example.toml and `options.py` say what each means."""

    port: Annotated[str, Meta(min_length=1, max_length=200)]
    baud: Annotated[int, Meta(ge=0, le=2_000_000)] = 0
    window: Annotated[int, Meta(ge=0, le=4096)] = WINDOW
    dtr: Dtr = "stop"
    park: tuple[Millimetres, Millimetres] | None = None
    goes_on: bool = False
    clear_by_knob: bool = False

    def __post_init__(self) -> None:
        if 0 < self.baud < 1200:
            raise ValueError("`baud` is 0 to find it by trying, or at least 1200")
        if 0 < self.window < 96:
            raise ValueError("`window` is 0 for one line at a time, or at least 96 bytes: the longest line")


def _driver(printer: SerialPrinter, state: Path) -> "SerialDriver":
    from agent.printers.serial.driver import SerialDriver  # noqa: PLC0415  for its owners only
    from agent.printers.serial.pump_protocol import pumps  # noqa: PLC0415  for its owners only

    return SerialDriver(
        printer.name,
        printer.port,
        printer.baud,
        pumps(state),
        top=printer.profile.height,
        park=printer.park,
        window=printer.window,
        dtr=printer.dtr,
        goes_on=printer.goes_on,
    )


def _onlooker(printer: SerialPrinter, state: Path) -> "PumpControl":
    from agent.printers.serial.pump_onlooker import pump_control  # noqa: PLC0415  for its owners only

    return pump_control(state, printer.name)


def _place(printer: SerialPrinter) -> str:
    return os.path.realpath(printer.port)  # a port has several names


def _says_clear(printer: SerialPrinter) -> SaysClear | None:
    return SaysClear(where="at its knob", how="press its knob") if printer.clear_by_knob else None


def _find(printer: SerialPrinter, state: Path) -> None:
    from agent.printers.serial.port_identity import PortLocator  # noqa: PLC0415  for its owners only
    from agent.printers.serial.pump_protocol import place, pumps  # noqa: PLC0415  for its owners only

    passport = place(pumps(state), printer.name) / "passport.json"
    port = PortLocator(passport, Path(printer.port)).find()
    if not port.exists():
        raise PrinterError(
            f"{printer.name} is not there (no {port}): plug it in and switch it on, then reset it"
        )


SERIAL = PrinterKind(
    title="a serial port",
    settings=SerialPrinter,
    driver=_driver,
    onlooker=_onlooker,
    place=_place,
    about={
        "port": "The port. The names in /dev/serial/by-id stay when cables are plugged elsewhere.",
        "baud": "Symbols a second, as the firmware was built; 0 finds it by trying.",
    },
    always=frozenset({"baud"}),
    says_clear=_says_clear,
    has_watchdog=True,  # its pump has
    look_seconds=1.0,  # a pump has little else to do
    find=_find,
)
