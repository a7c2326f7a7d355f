"""What a bench measured, beside what is aimed at: as a table for people, as JSON for programs."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table


class Skipped(Exception):
    """Something that this machine lacks; the message says what to install."""


class Failed(Exception):
    """What was to be measured did not happen; the message says what came instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing, measured again and again. A `share` is a stretch of the figure above it."""

    name: str
    unit: str
    values: Sequence[float]
    below: float | None = None
    """The aim: the median should be lower."""
    above: float | None = None
    """Or higher."""
    share: bool = False

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        if self.above is not None:
            return self.median >= self.above
        return None if self.below is None else self.median < self.below

    def as_json(self) -> dict[str, Any]:
        """The figure with each of its values, in the order in which they were measured."""
        return {
            "name": self.name,
            "unit": self.unit,
            "below": self.below,
            "above": self.above,
            "met": self.met,
            "median": round(self.median, 4),
            "min": round(min(self.values), 4),
            "max": round(max(self.values), 4),
            "values": [round(value, 4) for value in self.values],
            "share": self.share,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """One bench: its figures, or why there are none."""

    bench: str
    figures: Sequence[Figure] = ()
    missing: str = ""


def machine() -> dict[str, Any]:
    """What the figures hang on; `load` is that of the minute before we began."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "load": round(os.getloadavg()[0], 1),
    }


def as_json(outcomes: Sequence[Outcome], on: dict[str, Any]) -> str:
    """All of it as one JSON object."""
    benches = {
        outcome.bench: {"missing": outcome.missing}
        if outcome.missing
        else {"figures": [figure.as_json() for figure in outcome.figures]}
        for outcome in outcomes
    }
    return json.dumps({"machine": on, "benches": benches})


def show(outcomes: Sequence[Outcome], on: dict[str, Any], console: Console) -> None:
    """All of it as one table."""
    table = Table(title=f"{on['cores']} cores, load {on['load']}, Python {on['python']}, {on['system']}")
    table.add_column("measured")
    for column in ("median", "min", "max", "n", "aim"):
        table.add_column(column, justify="right", no_wrap=True)
    for outcome in outcomes:
        table.add_section()
        if outcome.missing:
            table.add_row(f"{outcome.bench}: {outcome.missing}")
        for figure in outcome.figures:
            _row(table, figure)
    console.print(table)


def _row(table: Table, figure: Figure) -> None:
    aim = "" if figure.below is None else f"< {figure.below:g}"
    aim = aim if figure.above is None else f"≥ {figure.above:,g}"
    aim += {None: "", True: " ✓", False: " ✗"}[figure.met]
    spread = (figure.median, min(figure.values), max(figure.values))
    table.add_row(
        f"{'  · ' if figure.share else ''}{figure.name}, {figure.unit}",
        *(_said(value) for value in spread),
        str(len(figure.values)),
        aim,
        style="dim" if figure.share else None,
    )


def _said(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
