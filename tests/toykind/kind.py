"""The record of the toy kind, written as for a real one."""

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from agent.printers.kind import (
    Get,
    PrinterKind,
    Remarks,
    SaysClear,
    SecretQuestion,
    ServerGreeting,
    ServerTraits,
    Size,
    WordQuestion,
)
from agent.printers.server.kind import ABOUT, ServedPrinter, place, resumed_there

if TYPE_CHECKING:
    from tests.toykind.driver import ToyDriver


class ToyPrinter(ServedPrinter, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="toy"):
    """A printer behind a toy server, in one of its bays."""

    bay: str = "1"
    pin: str = ""
    pin_file: str = ""


class Told(Struct):
    """`/toy`."""

    toy: str


def _driver(printer: ToyPrinter, _state: Path) -> "ToyDriver":
    from tests.toykind.driver import ToyDriver

    return ToyDriver(printer.url)


def _recognise(get: Get) -> ServerGreeting | None:
    reply = get("/toy")
    return ServerGreeting(version=reply.read(Told).toy) if reply.status == HTTPStatus.OK else None


def _remarks(greeting: ServerGreeting) -> Remarks:
    return Remarks(can=(f"plays since {greeting.version}",), missing=("its PIN, from the label below it",))


def _size(_get: Get) -> Size:
    return 123, 124, 125


TOY = PrinterKind(
    title="Toy Server",
    settings=ToyPrinter,
    driver=_driver,
    place=place,
    secrets=("pin",),
    about=ABOUT | {"bay": "Which of its bays."},
    always=frozenset({"bay"}),
    says_clear=lambda _printer: SaysClear(where="at its bell", how="ring its bell"),
    elsewhere=resumed_there("wind it up"),
    server=ServerTraits(
        ports=(5999,),
        services=("_toy._tcp.local.",),
        recognise=_recognise,
        remarks=_remarks,
        questions=(
            WordQuestion(setting="bay", prompt="Which bay", default="1"),
            SecretQuestion(secret="pin", prompt="Its PIN"),
        ),
        size=_size,
        protects=True,
    ),
)
