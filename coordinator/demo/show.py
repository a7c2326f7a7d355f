"""What the demo shows on a terminal."""

from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

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


def view(detail: dict[str, Any], printers: list[dict[str, Any]], links: dict[str, str]) -> RenderableType:
    """The need, the printers and the addresses of the pages, as of now."""
    return Group(_need(detail), _printers(printers), _links(links))


def _need(detail: dict[str, Any]) -> RenderableType:
    progress = detail["progress"]
    table = Table.grid(padding=(0, 2))
    for _ in _STAGES:
        table.add_column(justify="right")
    table.add_row(*(Text(stage.replace("_", " "), style="dim") for stage in _STAGES))
    table.add_row(*(str(progress[stage]) for stage in _STAGES))
    bar = ProgressBar(total=progress["requested"], completed=progress["received"], width=60)
    title = f"{detail['hospital']['name']} asks for {detail['need']['quantity']} × {detail['need']['part']}"
    return Panel(Group(table, bar), title=title, title_align="left")


def _printers(printers: list[dict[str, Any]]) -> RenderableType:
    table = Table("maker", "driver", "state", "plate", "progress", "nozzle", expand=True, box=None)
    for each in printers:
        attempt: dict[str, Any] | None = each["attempt"]
        looks: dict[str, Any] = each["looks"] or {}
        state = attempt["state"] if attempt else "waits for work" if each["waiting"] else "rests"
        running = looks.get("progress", 0) if attempt and looks.get("attempt") == attempt["id"] else 0
        table.add_row(
            each["agent"],
            each["driver"],
            state,
            f"{attempt['count']} units" if attempt else "",
            ProgressBar(total=1, completed=running, width=24) if attempt else "",
            f"{looks['nozzle']:.0f} °C" if looks.get("nozzle") is not None else "",
        )
    return Panel(table, title="printers", title_align="left")


def _links(links: dict[str, str]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for name, url in links.items():
        table.add_row(Text(name, style="dim"), Text(url))
    return Panel(
        table, title="pages", title_align="left", subtitle="Ctrl-C ends all of it", subtitle_align="left"
    )
