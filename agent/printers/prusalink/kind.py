"""PrusaLink as a kind of printer. See `PrinterKind` for what each part means."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from agent.http.status import HTTPStatus
from agent.printers.kind import (
    Get,
    PrinterKind,
    Remarks,
    SecretQuestion,
    ServerGreeting,
    ServerTraits,
    WordQuestion,
)
from agent.printers.server.kind import ABOUT, Secret, ServedPrinter, place, resumed_there, state_file

if TYPE_CHECKING:
    from agent.printers.prusalink.driver import PrusaLinkDriver

REALM = 'realm="Printer API"'
"""What PrusaLink in a printer's own firmware asks a password for; on a Raspberry Pi it tells its name instead."""


class PrusaLinkPrinter(ServedPrinter, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="prusalink"):
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


def _driver(printer: PrusaLinkPrinter, state: Path) -> "PrusaLinkDriver":
    from agent.http.address import Login  # noqa: PLC0415  for its owners only
    from agent.printers.prusalink.driver import PrusaLinkDriver  # noqa: PLC0415  for its owners only

    login = Login(printer.user, printer.password) if printer.password else None
    return PrusaLinkDriver(printer.name, printer.url, printer.key, state_file(printer, state), login=login)


def _recognise(get: Get) -> ServerGreeting | None:
    reply = get("/api/version")
    asks = reply.header("WWW-Authenticate")
    is_it = REALM in asks or reply.header("Server") == "PrusaLink"
    return ServerGreeting() if is_it and reply.status == HTTPStatus.UNAUTHORIZED else None


def _remarks(_greeting: ServerGreeting) -> Remarks:
    return Remarks(missing=("its user and password, which the printer shows under Network",))


PRUSALINK = PrinterKind(
    title="PrusaLink",
    settings=PrusaLinkPrinter,
    driver=_driver,
    place=place,
    secrets=("key", "password"),
    about=ABOUT
    | {
        "password_file": "A file with the password that opens it, beside this one. For nobody's eyes but yours."
    },
    elsewhere=resumed_there("restart its firmware"),
    server=ServerTraits(
        ports=(8080, 80),
        services=("_prusalink._tcp.local.",),
        recognise=_recognise,
        remarks=_remarks,
        questions=(
            WordQuestion(
                setting="user", prompt="User, as the printer shows it under Network", default="maker"
            ),
            SecretQuestion(secret="password", prompt="Password, as it shows it there"),  # noqa: S106
        ),
        protects=True,  # Prusa's firmware does
    ),
)
