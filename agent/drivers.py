"""Which driver moves which printer. A driver's libraries are loaded only where a printer needs them."""

from pathlib import Path

from agent.printers.driver import Driver
from agent.settings import MoonrakerPrinter, OctoPrintPrinter, Printer, PrusaLinkPrinter, SerialPrinter
from agent.state_directory import pumps


def driver(printer: Printer, state: Path) -> Driver:
    """The driver of one printer; makes no contact yet. What it keeps, it keeps in the folder `state`.

    Raises:
        PrinterError: its settings can't be right.
    """
    match printer:
        case SerialPrinter():
            from agent.printers.serial.driver import SerialDriver  # noqa: PLC0415  2 MB that a server's owners don't need

            return SerialDriver(
                printer.name,
                printer.port,
                printer.baud,
                pumps(state),
                top=printer.profile.height,
                park=printer.park,
                window=printer.window,
                dtr=printer.dtr,
                goes_on=printer.goes_on,
            )
        case OctoPrintPrinter():
            from agent.printers.octoprint.driver import OctoPrintDriver  # noqa: PLC0415  requests costs 10 MB

            note = _note(printer, state)
            return OctoPrintDriver(printer.name, printer.url, printer.key, note)
        case MoonrakerPrinter():
            from agent.printers.moonraker.driver import MoonrakerDriver  # noqa: PLC0415  for its owners only

            return MoonrakerDriver(printer.name, printer.url, printer.key, _note(printer, state))
        case PrusaLinkPrinter():
            from agent.http.address import Login  # noqa: PLC0415  for its owners only
            from agent.printers.prusalink.driver import PrusaLinkDriver  # noqa: PLC0415

            login = Login(printer.user, printer.password) if printer.password else None
            note = _note(printer, state)
            return PrusaLinkDriver(printer.name, printer.url, printer.key, note, login=login)


def _note(printer: OctoPrintPrinter | MoonrakerPrinter | PrusaLinkPrinter, state: Path) -> Path:
    """What the driver of a printer behind a server keeps of its last attempt."""
    return state / printer.driver / f"{printer.name}.json"
