from pathlib import Path

import pytest

from agent.drivers import driver
from agent.intervention.onlooker import onlooker
from agent.settings import MoonrakerPrinter, OctoPrintPrinter, Printer, PrusaLinkPrinter, SerialPrinter

URL = "http://127.0.0.1:9"
PRINTERS: list[Printer] = [
    SerialPrinter(
        name="p", material="pla", port="/dev/none", window=0, dtr="never", park=(1, 2), goes_on=True
    ),
    OctoPrintPrinter(name="p", material="pla", url=URL, key="x"),
    MoonrakerPrinter(name="p", material="pla", url=URL),
    PrusaLinkPrinter(name="p", material="pla", url=URL, key="x"),
    PrusaLinkPrinter(name="p", material="pla", url=URL, password="x"),
]


@pytest.mark.parametrize("printer", PRINTERS, ids=lambda printer: printer.driver)
def test_every_printer_has_a_driver_which_makes_no_contact_and_no_file_yet(printer: Printer, tmp_path: Path):
    driver(printer, tmp_path).close()
    onlooker(printer, tmp_path).close()
    assert list(tmp_path.iterdir()) == []
