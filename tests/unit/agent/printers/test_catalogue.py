"""What holds for every kind of printer, and for all of them together."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.printers.catalogue import KINDS, driver, kind_of, onlooker, servers
from agent.printers.driver import Resettable
from agent.printers.kind import PrinterKind, PrinterSettings
from agent.printers.moonraker.kind import MoonrakerPrinter
from agent.printers.octoprint.kind import OctoPrintPrinter
from agent.printers.prusalink.kind import PrusaLinkPrinter
from agent.printers.serial.kind import SerialPrinter
from agent.printers.server.kind import ServedPrinter, place_of
from tests.farend.agent import environment

URL = "http://127.0.0.1:9"
PRINTERS: list[PrinterSettings] = [
    SerialPrinter(
        name="p", material="pla", port="/dev/none", window=0, dtr="never", park=(1, 2), goes_on=True
    ),
    OctoPrintPrinter(name="p", material="pla", url=URL, key="x"),
    MoonrakerPrinter(name="p", material="pla", url=URL),
    PrusaLinkPrinter(name="p", material="pla", url=URL, key="x"),
    PrusaLinkPrinter(name="p", material="pla", url=URL, password="x"),
]
KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def test_every_kind_has_a_printer_here():
    assert {printer.driver for printer in PRINTERS} == {kind.name for kind in KINDS}
    assert len({kind.name for kind in KINDS}) == len({kind.title for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("printer", PRINTERS, ids=lambda printer: printer.driver)
def test_every_printer_has_a_driver_which_makes_no_contact_and_no_file_yet(
    printer: PrinterSettings, tmp_path: Path
):
    driver(printer, tmp_path).close()
    onlooker(printer, tmp_path).close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("printer", PRINTERS, ids=lambda printer: printer.driver)
def test_a_printer_is_taken_up_again_here_or_somebody_is_told_where(printer: PrinterSettings, tmp_path: Path):
    elsewhere = kind_of(printer).elsewhere
    if elsewhere is not None:
        assert URL in elsewhere(printer)
        return
    for hand in (driver(printer, tmp_path), onlooker(printer, tmp_path)):
        assert isinstance(hand, Resettable)
        hand.close()


@KIND
def test_what_is_said_of_settings_is_said_of_settings_that_there_are(kind: PrinterKind[Any]):
    fields = set(kind.settings.__struct_fields__)
    assert {*kind.secrets, *(f"{secret}_file" for secret in kind.secrets)} <= fields
    assert {*kind.about, *kind.always} <= fields
    for question in kind.server.questions if kind.server else ():
        assert {getattr(question, "setting", ""), getattr(question, "secret", "")} <= {*fields, ""}


def test_kinds_behind_a_server_have_an_address_and_are_announced_under_names_of_their_own():
    kinds = list(servers())
    assert all(issubclass(kind.settings, ServedPrinter) for kind, _ in kinds)
    services = [service for _, traits in kinds for service in traits.services]
    assert len(set(services)) == len(services)
    assert all(service.endswith("._tcp.local.") for service in services)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://localhost:5000/", "localhost:5000"),
        ("http://127.0.0.1:5000", "localhost:5000"),
        ("http://[::1]:5000", "localhost:5000"),
        ("http://Voron.local/", "voron.local:80"),
        ("https://voron.local/octoprint/", "voron.local:443/octoprint"),
        ("http://a:b", "http://a:b"),
    ],
)
def test_two_names_of_one_address_are_one_place(url: str, place: str):
    assert place_of(url) == place


def test_the_catalogue_loads_no_driver_and_no_library_of_one():
    script = (
        "import sys, agent.settings\n"
        "heavy = ('requests', 'octorest', 'serial', 'zeroconf', 'http.client', 'ssl', 'subprocess')\n"
        "print([name for name in sys.modules if name in heavy or name.endswith('.driver') and 'printers.' in name"
        " and name != 'agent.printers.driver'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment()
    )
    assert done.stdout == "[]\n"
