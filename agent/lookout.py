"""A look at each printer, through its driver, for its owner."""

import time

import msgspec
from msgspec import Struct

from agent.drivers import driver
from agent.printers.driver import Condition, Driver, PrinterError, Status
from agent.settings import Loaded

PATIENCE = 10.0
"""Seconds for a board to wake up when its port is opened."""


class Sight(Struct, frozen=True, kw_only=True):
    """One printer as its driver sees it now; temperatures in °C."""

    printer: str
    driver: str
    condition: str
    nozzle: float | None = None
    bed: float | None = None
    why: str = ""


def look(loaded: Loaded) -> tuple[Sight, ...]:
    """Ask every printer how it is; nothing moves."""
    seen: list[Sight] = []
    for printer in loaded.settings.printer:
        status = _status(loaded, printer.name)
        seen.append(
            Sight(
                printer=printer.name,
                driver=printer.driver,
                condition=status.condition,
                nozzle=status.nozzle.actual if status.nozzle else None,
                bed=status.bed.actual if status.bed else None,
                why=status.why,
            )
        )
    return tuple(seen)


def as_json(seen: tuple[Sight, ...]) -> str:
    """One JSON array."""
    return msgspec.json.encode(seen).decode()


def as_text(seen: tuple[Sight, ...]) -> str:
    """A line for each printer."""
    lines: list[str] = []
    for sight in seen:
        heat = f", nozzle {sight.nozzle:.0f} °C" if sight.nozzle is not None else ""
        heat += f", bed {sight.bed:.0f} °C" if sight.bed is not None else ""
        why = f": {sight.why}" if sight.why else ""
        lines.append(f"{sight.printer:<9} {sight.driver:<9} {sight.condition}{heat}{why}")
    return "\n".join(lines)


def _status(loaded: Loaded, name: str) -> Status:
    try:
        looked: Driver = driver(loaded.printer(name), loaded.state)
    except PrinterError as error:
        return Status(condition=Condition.UNREACHABLE, why=str(error))
    try:
        deadline = time.monotonic() + PATIENCE
        while (status := looked.status()).condition is Condition.UNREACHABLE and time.monotonic() < deadline:
            time.sleep(0.2)
        return status
    finally:
        looked.close()
