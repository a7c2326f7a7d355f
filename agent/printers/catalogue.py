"""The kinds of printers that there are.

To add one: a folder beside this file with its `kind.py` and its driver, a line here, and its bench in tests/contract;
the rest of the agent reads it from here. Cheap to import: a driver is loaded when a printer needs it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Union, cast

from agent.printers.driver import Driver, Onlooker
from agent.printers.kind import P, PrinterKind, PrinterSettings, ServerTraits
from agent.printers.moonraker.kind import MOONRAKER
from agent.printers.octoprint.kind import OCTOPRINT
from agent.printers.prusalink.kind import PRUSALINK
from agent.printers.serial.kind import SERIAL

KINDS: tuple[PrinterKind[Any], ...] = (SERIAL, OCTOPRINT, MOONRAKER, PRUSALINK)


def kind_named(name: str) -> PrinterKind[Any]:
    """The kind of this name.

    Raises:
        LookupError: there is none.
    """
    for kind in KINDS:
        if kind.name == name:
            return kind
    raise LookupError(f"no kind of printer is called {name!r}")


def kind_of(printer: P) -> PrinterKind[P]:
    """What is said of the kind of this printer."""
    return kind_named(printer.driver)


def servers() -> Iterator[tuple[PrinterKind[Any], ServerTraits]]:
    """The kinds that are behind a server."""
    for kind in KINDS:
        if kind.server is not None:
            yield kind, kind.server


def any_printer() -> type[PrinterSettings]:
    """A printer of any kind, as a type to read documents into."""
    return cast("type[PrinterSettings]", Union[tuple(kind.settings for kind in KINDS)])  # noqa: UP007  made as it runs


def driver(printer: PrinterSettings, state: Path) -> Driver:
    """The driver of one printer; makes no contact yet. What it keeps, it keeps in the folder `state`.

    Raises:
        PrinterError: its settings can't be right.
    """
    return kind_of(printer).driver(printer, state)


def onlooker(printer: PrinterSettings, state: Path) -> Onlooker:
    """Who can look at this printer while it is driven.

    Raises:
        PrinterError: its settings can't be right.
    """
    kind = kind_of(printer)
    return (kind.onlooker or kind.driver)(printer, state)
