"""Finding printers over a real cable and a real network: a pty and the loop-back."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from zeroconf import Zeroconf

from agent.discovery.findings import UNGUARDED, Found, FoundServer, as_text, describe, inspect, is_at, merge
from agent.discovery.interview import BoardReport, PortAnswer
from agent.discovery.mdns import Announced, browse
from agent.discovery.search import Scope, discover, this_machine, unknown, usual_urls
from agent.discovery.servers import RecognisedServer
from agent.printers.moonraker.kind import MoonrakerPrinter
from agent.printers.octoprint.kind import OctoPrintPrinter
from agent.printers.serial.kind import SerialPrinter
from agent.printers.serial.port import Outlet
from tests.farend import octoprint
from tests.farend.announcements import announced
from tests.farend.imposter import answering
from tests.farend.virtual import VirtualPrinter
from tests.unit.agent.discovery.test_servers import PRUSALINK
from tests.waiting import eventually

LOOPBACK = ("127.0.0.1",)
OCTOPRINT = {"/plugin/appkeys/probe": (204, {}, b"")}
MOONRAKER = {
    "/server/info": (200, {}, b'{"result": {"klippy_state": "shutdown", "moonraker_version": "v0.9"}}')
}


OCTOPRINTS = ["_octoprint._tcp.local."]


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def scope(seconds: float = 3.0, **changes: Any) -> Scope:
    return Scope(interfaces=LOOPBACK, seconds=seconds, **changes)


def until_found(*urls: str) -> list[FoundServer]:
    """What is found at these addresses, when all are; other tests may announce theirs at the same time."""
    found: dict[str, FoundServer] = {}

    def are_all() -> bool:
        found.update({each.url: each for each in discover(scope()).servers})
        return found.keys() >= set(urls)

    eventually(are_all, lambda: f"only {list(found)} were found")
    return [found[url] for url in urls]


def test_servers_that_announce_themselves_are_found_and_asked():
    with ExitStack() as stack:
        octo = stack.enter_context(answering(OCTOPRINT))
        klipper = stack.enter_context(answering(MOONRAKER))
        prusa = stack.enter_context(answering(PRUSALINK))
        stack.enter_context(announced("octoprint", "Garage", port_of(octo), path="/", version="1.10.2"))
        stack.enter_context(announced("moonraker", "Voron", port_of(klipper)))
        stack.enter_context(announced("octoprint", "PrusaLink-at-mk3", port_of(prusa), path="/"))
        stack.enter_context(announced("prusalink", "PrusaLink-at-mk3", port_of(prusa), path="/"))
        garage, voron, mk3 = until_found(octo, klipper, prusa)
    assert (garage.kind, garage.name, garage.version, garage.here) == ("octoprint", "Garage", "1.10.2", True)
    assert "update" in garage.missing[0]
    assert (voron.kind, voron.name, voron.state) == ("moonraker", "Voron", "shutdown")
    assert "shutdown" in voron.missing[0]
    assert (mk3.kind, mk3.missing) == (
        "prusalink",
        ("its user and password, which the printer shows under Network",),
    )


@pytest.mark.octoprint
def test_a_real_octoprint_behind_an_announcement_is_found():
    far = octoprint.shared()
    with announced("octoprint", "Real", port_of(far.url), path="/", version="1.11.8"):
        (found,) = until_found(far.url)
    assert (found.kind, found.version, found.gives_keys, found.missing) == ("octoprint", "1.11.8", True, ())


def test_who_announces_a_printer_and_is_none_is_left_out():
    asked = Asked()
    with answering(asked) as url, announced("octoprint", "Television", port_of(url)):
        found: list[str] = []
        eventually(
            lambda: found.extend(each.url for each in discover(scope()).servers) or asked.paths,
            lambda: "nobody asked it what it is",
        )
        assert url not in found


class Asked(dict[str, tuple[int, dict[str, str], bytes]]):
    """The answers of a server that has none, and what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []

    def get(self, path: str, default: Any = None) -> Any:
        self.paths.append(path)
        return default


def test_a_path_behind_a_proxy_is_followed():
    answers = {"/octoprint/plugin/appkeys/probe": (204, {}, b"")}
    with answering(answers) as url, announced("octoprint", "Proxy", port_of(url), path="/octoprint/"):
        (found,) = until_found(f"{url}/octoprint")
    assert found.kind == "octoprint"


def test_who_else_listens_for_announcements_on_this_machine_takes_no_answer_away():
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(Zeroconf(interfaces=list(LOOPBACK)))
        stack.enter_context(announced("octoprint", "Shared", 9))
        browse(2, OCTOPRINTS, LOOPBACK)  # what it said when it came is over
        eventually(lambda: "Shared" in [each.name for each in browse(0.8, OCTOPRINTS, LOOPBACK)])


def test_announcements_that_no_program_would_make_do_no_harm():
    with announced("octoprint", "Odd", 9, path="/\x1b[2J\n" + "x" * 150, version="\x07bell"):
        (odd,) = eventually(
            lambda: [each for each in browse(0.5, OCTOPRINTS, LOOPBACK) if each.name == "Odd"]
        )
    assert odd.path.isprintable()
    assert odd.version == "bell"


def test_ports_are_asked_side_by_side_while_the_network_is(tmp_path: Path):
    with VirtualPrinter(tmp_path / "a", 60) as a, VirtualPrinter(tmp_path / "b", 60) as b:
        outlets = tuple(Outlet(path=str(far.port), device=str(far.port)) for far in (a, b))
        found = discover(scope(ports=outlets, opens=True, seconds=8))
    assert [port.path for port in found.ports] == [outlet.path for outlet in outlets]
    assert all("Marlin" in port.firmware and port.baud == 115200 for port in found.ports)


def test_a_port_of_a_printer_that_is_known_is_not_opened(tmp_path: Path):
    known = SerialPrinter(name="left", port=str(tmp_path / "alias"), material="pla")
    (tmp_path / "alias").symlink_to(tmp_path / "device")
    (tmp_path / "device").write_text("")
    outlet = Outlet(path=str(tmp_path / "device"), device=str(tmp_path / "device"))
    (port,) = discover(scope(ports=(outlet,), seconds=0.2, opens=True), [known]).ports
    assert (port.printer, port.firmware, port.why) == ("left", "", "")


def test_ports_are_opened_only_where_somebody_asked_for_it(tmp_path: Path):
    usb = Outlet(path=str(tmp_path / "usb"), device="x")
    wired = Outlet(path=str(tmp_path / "wired"), device="y", usb=False)
    (closed,) = discover(scope(ports=(usb,), seconds=0.2)).ports
    (other,) = discover(scope(ports=(wired,), opens=True, seconds=0.2)).ports
    (given,) = discover(scope(given=(wired,), seconds=0.2)).ports
    assert "--open" in closed.why
    assert "--port" in other.why
    assert "not there" in given.why
    assert unknown(scope(ports=(usb, wired)), []) == [usb]


def test_one_octoprint_behind_two_doors_is_found_once():
    announcement = Announced(name="Pi", host="127.0.0.1", port=80, here=True)
    proxy = RecognisedServer(kind="octoprint", url="http://127.0.0.1")
    direct = RecognisedServer(kind="octoprint", url="http://127.0.0.1:5000")
    assert [each.url for each in merge([(announcement, proxy)], [], [direct])] == [proxy.url]
    assert [each.url for each in merge([], [], [direct, proxy])] == [direct.url]
    assert [each.url for each in merge([], [proxy], [direct])] == [proxy.url]
    elsewhere = Announced(name="Pi", host="192.168.1.4", port=80)
    far = RecognisedServer(kind="octoprint", url="http://192.168.1.4")
    assert [each.url for each in merge([(elsewhere, far)], [], [direct])] == [far.url, direct.url]


def test_a_server_of_the_settings_is_known_whatever_its_address_is_called():
    printer = OctoPrintPrinter(name="right", material="pla", url="http://localhost:5000/", key="x")
    assert is_at(printer, "http://127.0.0.1:5000")
    assert not is_at(printer, "http://127.0.0.1")
    assert not is_at(printer, "http://192.168.1.4:5000")
    klipper = MoonrakerPrinter(name="voron", material="pla", url="http://Voron.local:7125")
    assert (
        describe(RecognisedServer(kind="moonraker", url="http://voron.local:7125"), [klipper]).missing == ()
    )


def test_the_usual_doors_are_on_this_machine_only():
    urls = usual_urls()
    assert urls
    assert all(url.startswith("http://127.0.0.1") for url in urls)
    here = this_machine(given=["/dev/x"], urls=[], interfaces=None, seconds=1)
    assert ([each.path for each in here.given], here.opens) == (["/dev/x"], False)


def test_what_a_board_lacks_is_told_in_words():
    outlet = Outlet(path="/dev/x", device="/dev/x", product="CH340", serial="A9")
    full = BoardReport(
        firmware="Marlin", machine="Ender", capabilities=frozenset({"AUTOREPORT_TEMP", "EMERGENCY_PARSER"})
    )
    bare = BoardReport(firmware="Marlin", refused=frozenset({"THERMAL_PROTECTION"}))
    stopped = BoardReport(fault="halted")
    assert inspect(outlet, PortAnswer(board=full, baud=115200)).missing == ()
    assert UNGUARDED in inspect(outlet, PortAnswer(board=bare, baud=115200)).missing
    assert "reset" in inspect(outlet, PortAnswer(board=stopped, baud=115200)).missing[0]
    text = as_text(Found(ports=(inspect(outlet, PortAnswer(board=full, baud=115200)),)))
    for word in ("/dev/x", "Ender", "Marlin", "115200", "A9"):
        assert word in text


def test_ports_that_are_not_at_usb_take_one_line():
    own = [
        inspect(Outlet(path=f"/dev/ttyS{n}", device=f"/dev/ttyS{n}", usb=False), PortAnswer(why="not opened"))
        for n in range(4)
    ]
    assert as_text(Found(ports=tuple(own))).splitlines() == [
        "not at USB, so left alone: /dev/ttyS0, /dev/ttyS1, /dev/ttyS2, /dev/ttyS3 (--port PATH asks there)"
    ]
