"""What the demo shows on a terminal."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from coordinator.model.views import NeedDetail, PrinterView

_STAGES = (
    "promised",
    "printing",
    "printed",
    "good",
    "at_hub",
    "packed",
    "in_transit",
    "received",
    "scrapped",
)


def view(detail: NeedDetail, printers: Iterable[PrinterView]) -> RenderableType:
    """The need and the printers, as of now."""
    return Group(_need(detail), _printers(printers))


def ending(result: Mapping[str, Any]) -> str:
    """The demo's figures as a sentence."""
    return (
        "the hospital has signed for {received} of {needed} units, after {seconds} s: {printed} printed in {attempts}"
        " plates by {agents} agents, {scrapped} scrapped and printed again"
    ).format_map(result)


def _need(detail: NeedDetail) -> RenderableType:
    progress = detail.progress
    table = Table.grid(padding=(0, 2))
    for _ in _STAGES:
        table.add_column(justify="right")
    table.add_row(*(Text(stage.replace("_", " "), style="dim") for stage in _STAGES))
    table.add_row(*(str(getattr(progress, stage)) for stage in _STAGES))
    bar = ProgressBar(total=progress.requested, completed=progress.received, width=60)
    title = f"{detail.hospital.name} asks for {detail.need.quantity} × {detail.need.part}"
    return Panel(Group(table, bar), title=title, title_align="left")


def _printers(printers: Iterable[PrinterView]) -> RenderableType:
    table = Table("maker", "driver", "state", "plate", "progress", "nozzle", expand=True, box=None)
    for each in printers:
        attempt, looks = each.attempt, each.looks
        state = str(attempt.state) if attempt else "waits for work" if each.waiting else "rests"
        runs = attempt is not None and looks is not None and looks.attempt == attempt.id
        table.add_row(
            each.printer.agent,
            each.printer.driver,
            state,
            f"{attempt.count} units" if attempt else "",
            ProgressBar(total=1, completed=looks.progress if runs and looks else 0, width=24)
            if attempt
            else "",
            f"{looks.nozzle:.0f} °C" if looks and looks.nozzle is not None else "",
        )
    return Panel(
        table, title="printers", title_align="left", subtitle="Ctrl-C ends all of it", subtitle_align="left"
    )
