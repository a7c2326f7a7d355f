"""Which driver moves which printer. A driver's libraries are loaded only where a printer needs them."""

from pathlib import Path

from agent.printers.driver import Driver
from agent.settings import Printer, SerialPrinter


def driver(printer: Printer, state: Path) -> Driver:
    """The driver of one printer; makes no contact yet. What it keeps, it keeps in the folder `state`.

    Raises:
        PrinterError: its settings can't be right.
    """
    if isinstance(printer, SerialPrinter):
        from agent.printers.serial import SerialDriver  # noqa: PLC0415  2 MB that OctoPrint's owners don't need

        pumps = state / "pumps"
        return SerialDriver(printer.name, printer.port, printer.baud, pumps, top=printer.profile.height)
    from agent.printers.octoprint import OctoPrintDriver  # noqa: PLC0415  requests costs 10 MB

    note = state / "octoprint" / f"{printer.name}.json"
    return OctoPrintDriver(printer.name, printer.url, printer.key, note)
