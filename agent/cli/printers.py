"""A look at each printer of the settings, for its owner; nothing moves."""

import time
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from agent.discovery import findings
from agent.discovery.findings import Found
from agent.discovery.search import Task
from agent.printers.catalogue import driver, onlooker
from agent.printers.driver import Condition, Onlooker, PrinterError, Status
from agent.printers.kind import PrinterSettings
from agent.settings import Loaded

RESERVE = 0.2
"""Seconds before the end of the search in which nobody is asked once more."""
CLOSING = 1.0
"""Seconds that letting go of it may take, after that."""


class PrinterStatus(Struct, frozen=True, kw_only=True):
    """One printer as its driver sees it now; temperatures in °C."""

    printer: str
    driver: str
    condition: str
    nozzle: float | None = None
    bed: float | None = None
    why: str = ""


def look(loaded: Loaded, *, seconds: float, driven: bool) -> list[Task[PrinterStatus]]:
    """Begin to ask every printer how it is, all at once; each answers within `seconds` and `CLOSING`.

    `driven` if the agent runs: then it is looked at over its shoulder, and no port is opened.
    """
    late = Status(condition=Condition.UNREACHABLE, why="no answer in time")
    return [
        Task(
            lambda printer=printer: _sight(printer, _status(loaded, printer, seconds, driven=driven)),
            _sight(printer, late),
        )
        for printer in loaded.settings.printer
    ]


def as_json(seen: Sequence[PrinterStatus], found: Found) -> str:
    """One JSON object: `printers` are those of the settings, the rest is what was found."""
    whole = {"printers": seen, "ports": found.ports, "servers": found.servers, "why": found.why}
    return msgspec.json.encode(whole).decode()


def as_text(seen: Sequence[PrinterStatus], found: Found) -> str:
    """A line for each printer of the settings, and some for each that was found."""
    lines: list[str] = []
    longest = max((len(sight.printer) for sight in seen), default=0)
    for sight in seen:
        heat = f", nozzle {sight.nozzle:.0f} °C" if sight.nozzle is not None else ""
        heat += f", bed {sight.bed:.0f} °C" if sight.bed is not None else ""
        why = f": {sight.why}" if sight.why else ""
        lines.append(f"{sight.printer:<{longest}}  {sight.driver:<9}  {sight.condition}{heat}{why}")
    rest = findings.as_text(found) or ("" if seen else "nothing was found that could be a printer")
    return "\n".join([*lines, *(["", "found:"] if lines and rest else []), *([rest] if rest else [])])


def _sight(printer: PrinterSettings, status: Status) -> PrinterStatus:
    return PrinterStatus(
        printer=printer.name,
        driver=printer.driver,
        condition=status.condition,
        nozzle=status.nozzle.actual if status.nozzle else None,
        bed=status.bed.actual if status.bed else None,
        why=status.why,
    )


def _status(loaded: Loaded, printer: PrinterSettings, seconds: float, *, driven: bool) -> Status:
    deadline = time.monotonic() + seconds
    try:
        looked: Onlooker = (onlooker if driven else driver)(printer, loaded.state)
    except PrinterError as error:
        return Status(condition=Condition.UNREACHABLE, why=str(error))
    try:
        while (status := looked.status()).condition is Condition.UNREACHABLE and time.monotonic() < deadline:
            time.sleep(0.2)
        return status
    finally:
        looked.close()
