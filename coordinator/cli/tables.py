"""Tables on the terminal, with rich."""

import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console, ConsoleRenderable
from rich.table import Table
from rich.text import Text

from coordinator.cli.formatting import line

_UNBOUNDED = 1000
"""Columns where nobody looks: a program's input is not wrapped."""

Cell = str | int


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, empty: str) -> ConsoleRenderable:
    """Rows under their columns' names, numbers to the right; `empty` where there are none.

    The first column is what a person copies into the next command: it is never wrapped.
    """
    lines = list(rows)
    if not lines:
        return Text(empty)
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for number, column in enumerate(columns):
        right = all(isinstance(row[number], int) for row in lines)
        made.add_column(column, justify="right" if right else "left", no_wrap=number == 0 or right)
    for row in lines:
        made.add_row(*(Text(line(f"{cell:,}" if isinstance(cell, int) else cell)) for cell in row))
    return made


def facts(rows: Iterable[tuple[str, Cell]]) -> ConsoleRenderable:
    """What is known of one thing, a line each."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="bold", no_wrap=True)
    made.add_column()
    for name, value in rows:
        made.add_row(name, Text(line(f"{value:,}" if isinstance(value, int) else value)))
    return made


def print_(what: ConsoleRenderable) -> None:
    """Print to stdout, wrapped to the terminal where there is one."""
    width = None if sys.stdout.isatty() else _UNBOUNDED
    Console(width=width, highlight=False, markup=False, emoji=False).print(what)
