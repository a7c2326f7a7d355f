"""`muster part` and `muster printer`: what can be printed, and on what."""

import time

import click
from rich.console import ConsoleRenderable

from coordinator.cli.formatting import ago, example, units
from coordinator.cli.remote import Remote, remote_command
from coordinator.cli.tables import table
from coordinator.model.views import STATES, PartView, PrinterView
from wire.lifecycle import State


@click.group()
def part() -> None:
    """Parts that can be asked for."""


@part.command("list", epilog=example("muster part list"))
@remote_command
def list_parts(remote: Remote) -> None:
    """All parts, with their version and the materials they may be printed in."""
    known = remote.client.parts()
    remote.tell(known, lambda: _parts(known))


@click.group()
def printer() -> None:
    """Printers of the volunteers who joined."""


@printer.command("list", epilog=example("muster printer list"))
@remote_command
def list_printers(remote: Remote) -> None:
    """All printers and what they do."""
    known = remote.client.printers()
    remote.tell(known, lambda: _printers(known, time.time()))


def _parts(known: list[PartView]) -> ConsoleRenderable:
    return table(
        ("PART", "VERSION", "TITLE", "MATERIALS", "MEASURES (MM)"),
        [
            (
                each.name,
                each.version,
                each.title,
                ", ".join(each.materials),
                ", ".join(f"{name} {value:g}" for name, value in each.parameters.items()),
            )
            for each in known
        ],
        empty="no part is released",
    )


def _printers(known: list[PrinterView], now: float) -> ConsoleRenderable:
    return table(
        ("PRINTER", "DOES", "BED (MM)", "NOZZLE", "MATERIAL", "SEEN"),
        [
            (
                f"{view.printer.agent}/{view.printer.name}",
                _does(view),
                f"{view.printer.profile.width:g} × {view.printer.profile.depth:g}",
                f"{view.printer.profile.nozzle:g} mm",
                view.printer.material,
                ago(view.printer.seen, now),
            )
            for view in known
        ],
        empty="no printer has joined yet: invite its owner with `muster invite`",
    )


def _does(view: PrinterView) -> str:
    if not view.printer.online:
        return "offline"
    lot = view.attempt
    if lot is not None and lot.state is not State.CLEARED:
        done = f", {view.looks.progress:.0%}" if view.looks and lot.state is State.PRINTING else ""
        return f"{STATES[lot.state]}: {units(lot.count)} of {lot.part}{done}"
    if view.waiting:
        return "ready for work"
    return view.looks.condition if view.looks else "idle"
