"""What was found of printers, and what it means to their owner: what each can do, and what is missing. Pure."""

from collections.abc import Iterable, Sequence

from msgspec import Struct, structs

from agent.discovery.interview import BoardReport, PortAnswer
from agent.discovery.mdns import Announced
from agent.discovery.servers import RecognisedServer
from agent.http.address import redacted
from agent.printers.catalogue import kind_named, kind_of
from agent.printers.kind import PrinterSettings, Remarks
from agent.printers.serial.port import Outlet
from agent.printers.server.kind import is_here, place_of

UNGUARDED = "it does not protect itself against a heater that runs away: update its firmware before it prints"


class FoundPort(Struct, frozen=True, kw_only=True):
    """One serial port. `printer` is its name in the settings, if it is in them; `baud` is 0 where nobody answered.

    One that is not at USB is left alone unless its owner names it: most are a computer's own.
    """

    path: str
    device: str
    product: str = ""
    usb_serial: str = ""
    baud: int = 0
    firmware: str = ""
    machine: str = ""
    uuid: str = ""
    can: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    printer: str = ""
    usb: bool = True
    why: str = ""
    protected: bool | None = None
    """Whether its firmware says that it stops itself when a heater runs away; None if it does not say."""


class FoundServer(Struct, frozen=True, kw_only=True):
    """One server. `name` is what it announces; `version` and `state` are as it tells them, else empty.

    `trusts` if it wants no key from this machine; `gives_keys` if its owner can confirm one there.
    """

    kind: str
    url: str
    name: str = ""
    version: str = ""
    state: str = ""
    here: bool = False
    trusts: bool = False
    gives_keys: bool = False
    can: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    printer: str = ""


class Found(Struct, frozen=True, kw_only=True):
    """All that was found. `why` says what could not be looked for."""

    ports: tuple[FoundPort, ...] = ()
    servers: tuple[FoundServer, ...] = ()
    why: tuple[str, ...] = ()


def merge(
    announced: Iterable[tuple[Announced, RecognisedServer]],
    given: Iterable[RecognisedServer],
    tried: Iterable[RecognisedServer],
    known: Iterable[PrinterSettings] = (),
) -> tuple[FoundServer, ...]:
    """Each server once: what was announced, what was given, and what was tried and is of a kind not found here so far.

    A server at its own port is often behind a proxy at port 80 too, and announces the latter.
    """
    known = tuple(known)
    found: dict[str, FoundServer] = {}
    for each, server in announced:
        told = describe(server, known, each)
        if server.url not in found or each.version:
            found[server.url] = told
    for server in given:
        found.setdefault(server.url, describe(server, known))
    for server in tried:
        if not any(each.here and each.kind == server.kind for each in found.values()):
            found.setdefault(server.url, describe(server, known))
    return tuple(found.values())


def describe(
    server: RecognisedServer,
    known: Iterable[PrinterSettings] = (),
    announced: Announced | None = None,
) -> FoundServer:
    """What a server can do for us, and what is missing until it does."""
    told = structs.replace(server, version=server.version or (announced.version if announced else ""))
    traits = kind_named(server.kind).server
    remarks = traits.remarks(told) if traits else Remarks()
    printer = next((each.name for each in known if is_at(each, server.url)), "")
    return FoundServer(
        kind=server.kind,
        url=server.url,
        name=announced.name if announced else "",
        version=told.version,
        state=server.state,
        trusts=server.trusts,
        gives_keys=server.gives_keys,
        here=announced.here if announced else is_here(server.url),
        can=remarks.can,
        missing=() if printer else remarks.missing,
        printer=printer,
    )


def inspect(outlet: Outlet, answer: PortAnswer, printer: str = "") -> FoundPort:
    """What the board at a port can do for us, and what is missing; `printer` if it is one of ours."""
    board = answer.board
    can: list[str] = []
    missing: list[str] = []
    if board.fault:
        missing.append(f"a reset: it stopped itself ({board.fault})")
    elif board.firmware:
        if "AUTOREPORT_TEMP" in board.capabilities:
            can.append("tells its temperatures by itself")
        else:
            missing.append("it does not tell its temperatures by itself: it is asked every two seconds")
        if "EMERGENCY_PARSER" in board.capabilities:
            can.append("hears a stop at once, also while it heats")
        else:
            missing.append("it hears a stop only when it has done what it is at (no emergency parser)")
        if "THERMAL_PROTECTION" in board.refused:
            missing.append(UNGUARDED)
    return FoundPort(
        path=outlet.path,
        device=outlet.device,
        product=outlet.product,
        usb_serial=outlet.serial,
        baud=answer.baud,
        firmware=board.firmware,
        machine=board.machine,
        uuid=board.uuid,
        can=tuple(can),
        missing=tuple(missing),
        printer=printer,
        usb=outlet.usb,
        why=answer.why,
        protected=_says(board, "THERMAL_PROTECTION"),
    )


def _says(board: BoardReport, capability: str) -> bool | None:
    if capability in board.capabilities:
        return True
    return False if capability in board.refused else None


def as_text(found: Found) -> str:
    """Some lines for a person."""
    lines: list[str] = []
    own = [port for port in found.ports if not (port.usb or port.printer)]
    for port in (each for each in found.ports if each not in own):
        who = port.machine or port.firmware or port.product or "a serial port"
        lines.append(f"{port.path}: {who}{_known(port.printer)}")
        if port.machine and port.firmware:
            lines.append(f"    {port.firmware}, at {port.baud} baud")
        if port.usb_serial:
            lines.append(f"    USB serial number {port.usb_serial}")
        lines += _remarks(port.can, port.missing, port.why)
    for server in found.servers:
        name = f" ({server.name})" if server.name else ""
        version = f" {server.version}" if server.version else ""
        lines.append(
            f"{redacted(server.url)}: {kind_named(server.kind).title}{version}{name}{_known(server.printer)}"
        )
        lines += _remarks(server.can, server.missing, "")
    if own:
        lines.append(
            f"not at USB, so left alone: {', '.join(each.path for each in own)} (--port PATH asks there)"
        )
    return "\n".join([*lines, *found.why])


def _remarks(can: Sequence[str], missing: Sequence[str], why: str) -> list[str]:
    return [
        *(f"    + {each}" for each in can),
        *(f"    - {each}" for each in missing),
        *([f"    {why}"] if why else []),
    ]


def _known(printer: str) -> str:
    return f", your printer {printer}" if printer else ""


def is_at(printer: PrinterSettings, url: str) -> bool:
    """Whether a printer of the settings is behind this address."""
    return kind_of(printer).place(printer) == place_of(url)
