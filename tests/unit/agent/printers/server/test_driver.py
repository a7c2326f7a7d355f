"""What is alike at every printer's server, above all at a slow one: against OctoPrint, Moonraker and PrusaLink."""

import base64
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agent.http.lookup import SocketAddress
from agent.printers.driver import Condition, Driver, Ending, PrinterError, Status
from agent.printers.moonraker.driver import MoonrakerDriver
from agent.printers.octoprint.driver import OctoPrintDriver
from agent.printers.prusalink.driver import PrusaLinkDriver
from agent.printers.server.driver import ServerDriver
from agent.printers.server.start import LONGEST
from agent.printers.server.upload import STALL
from tests.contract.bench import COLD, HEAT, FarEnd, moves, wait
from tests.farend.buddy import Buddy, buddy
from tests.farend.meddler import Meddler, meddler
from tests.farend.moonraker import shared
from tests.farend.octoprint import shared as shared_octoprint
from tests.waiting import PATIENCE

QUICK = [*HEAT, *moves(50, 10, 6000), *COLD]
SLOW = [*HEAT, *moves(2000, 50, 3000), *COLD]
LARGE = [*HEAT, "G1 X20 Y20 F6000\nG1 X30 Y20 F6000\n" * 300_000]
"""Larger than all the buffers between two processes."""


class Maker:
    """An agent's driver, which can be made anew and whose clock can be put forward."""

    def __init__(self, folder: Path, far: FarEnd, between: Meddler, made: Callable[..., Driver]) -> None:
        self.folder, self.far, self.between, self.late = folder, far, between, 0.0
        self._made = made
        self.driver = self.again()

    def again(self) -> Driver:
        self.driver = self._made(self.between.url, clock=lambda: time.monotonic() + self.late)
        return self.driver

    def start(self, lines: list[str], attempt: str = "a1") -> None:
        path = self.folder / f"{attempt}.gcode"
        path.write_text("".join(f"{line}\n" for line in lines))
        self.driver.start(attempt, path, 600)

    def wait(self, wanted: Callable[[Status], bool]) -> Status:
        return wait(self.driver, wanted)

    def ending(self) -> Status:
        return self.wait(lambda status: status.ending is not None)


@contextmanager
def moonraker(folder: Path) -> Generator[Maker]:
    far, note = shared(), folder / "note.json"
    with meddler(far.url) as between:
        yield Maker(
            folder, far, between, lambda url, **more: MoonrakerDriver("voron", url, far.key, note, **more)
        )


@contextmanager
def built_in(folder: Path) -> Generator[Maker]:
    note = folder / "note.json"
    with buddy() as far, meddler(far.url) as between:
        yield Maker(
            folder, far, between, lambda url, **more: PrusaLinkDriver("mk4", url, far.key, note, **more)
        )


@contextmanager
def octoprint(folder: Path, generation: str = "1.11") -> Generator[Maker]:
    far, note = shared_octoprint(generation), folder / "note.json"
    with meddler(far.url) as between:
        yield Maker(
            folder, far, between, lambda url, **more: OctoPrintDriver("mk3", url, far.key, note, **more)
        )


@contextmanager
def octoprint_next(folder: Path) -> Generator[Maker]:
    with octoprint(folder, "2.0") as made:
        yield made


Household = Callable[[Path], AbstractContextManager[Maker]]
SERVERS = [
    pytest.param(moonraker, id="moonraker"),
    pytest.param(built_in, id="prusalink-built-in"),
    pytest.param(octoprint, id="octoprint", marks=pytest.mark.octoprint),
    pytest.param(octoprint_next, id="octoprint-next", marks=pytest.mark.octoprint),
]


def moved(far: FarEnd) -> bool:
    """Whether the printer was seen to move; OctoPrint's keeps no log of that."""
    return bool(far.executed())


@pytest.fixture(params=SERVERS)
def maker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Maker]:
    household: Household = request.param
    with household(tmp_path) as made:
        yield made
        made.driver.close()


@pytest.fixture
def slow(maker: Maker) -> Maker:
    """In the middle of taking a large file; it stops there until it is admitted."""
    maker.between.admit.clear()
    began = time.monotonic()
    maker.start(LARGE)
    assert time.monotonic() - began < PATIENCE
    return maker


def test_a_file_may_take_long_and_the_printer_is_seen_meanwhile(slow: Maker):
    for _ in range(2):
        began = time.monotonic()
        status = slow.driver.status()
        assert time.monotonic() - began < PATIENCE
        assert (status.condition, status.attempt, status.ending) == (Condition.LOADING, "a1", None)
        assert (status.progress, status.nozzle is not None) == (0, True)
        assert "takes the file" in status.why
    with pytest.raises(PrinterError, match="not known yet"):
        slow.start(QUICK, "a2")
    with pytest.raises(PrinterError, match="nothing of ours runs"):
        slow.driver.pause()
    assert not moved(slow.far)
    slow.between.admit.set()
    status = slow.wait(lambda status: status.condition is not Condition.LOADING)
    assert (status.condition, status.attempt, status.ending) == (Condition.PRINTING, "a1", None)


def test_a_file_on_its_way_is_cancelled_before_anything_moves(slow: Maker):
    slow.driver.cancel()
    slow.between.admit.set()
    status = slow.driver.status()
    assert (status.condition, status.attempt, status.ending) == (Condition.IDLE, "a1", Ending.CANCELLED)
    assert "before anything was printed" in status.why
    assert not moved(slow.far)
    slow.start(QUICK, "a2")
    assert slow.ending().ending is Ending.DONE


def test_a_hand_that_is_quicker_than_a_slow_upload_wins(slow: Maker):
    slow.far.begin(SLOW)
    status = slow.ending()
    assert (status.attempt, status.ending) == ("a1", Ending.FAILED)
    assert "benchy.gcode" in status.why
    slow.between.admit.set()
    slow.wait(lambda status: status.condition is Condition.BUSY)


@pytest.mark.parametrize(("late", "why"), [(STALL, "then nothing"), (LONGEST, "too slow")])
def test_a_server_that_stops_taking_a_file_fails_the_attempt(slow: Maker, late: float, why: str):
    slow.driver.status()  # the buffers are full now
    slow.late = late + 1
    status = slow.ending()
    assert (status.condition, status.ending) == (Condition.IDLE, Ending.FAILED)
    assert "Nothing was printed" in status.why
    assert why in status.why


def test_an_agent_that_is_restarted_while_it_sends_prints_nothing(slow: Maker):
    slow.driver.close()
    slow.between.admit.set()
    status = slow.again().status()
    assert (status.condition, status.attempt, status.ending) == (Condition.IDLE, "a1", Ending.FAILED)
    assert "nothing was printed" in status.why
    slow.start(QUICK, "a2")
    assert slow.ending().ending is Ending.DONE
    assert slow.again().status().attempt == "a2"


class Killed(BaseException):
    """The agent's process ends here."""


def kill(*_: object, **__: object) -> None:
    raise Killed


def test_an_agent_that_dies_between_upload_and_order_knows_that_nothing_was_printed(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
):
    assert isinstance(maker.driver, ServerDriver)
    monkeypatch.setattr(maker.driver._server, "stored", kill)  # the server has all of the file by then
    with pytest.raises(Killed):
        maker.start(QUICK)
    status = maker.again().status()
    assert (status.condition, status.attempt, status.ending) == (Condition.IDLE, "a1", Ending.FAILED)
    assert "nothing was printed" in status.why
    assert not moved(maker.far)
    maker.start(QUICK, "a2")
    assert maker.ending().ending is Ending.DONE


def test_an_agent_that_dies_after_its_order_follows_the_print(maker: Maker, monkeypatch: pytest.MonkeyPatch):
    assert isinstance(maker.driver, ServerDriver)
    monkeypatch.setattr(maker.driver._server, "has_begun", kill)
    with pytest.raises(Killed):
        maker.start(QUICK)
    maker.again()
    assert maker.wait(lambda status: status.attempt == "a1").ending in {None, Ending.DONE}
    assert maker.ending().ending is Ending.DONE


def test_a_cancellation_before_anything_was_printed_is_not_forgotten(slow: Maker):
    slow.driver.cancel()
    status = slow.again().status()
    assert (status.attempt, status.ending) == ("a1", Ending.CANCELLED)
    assert "before anything was printed" in status.why


def test_a_start_that_can_not_be_noted_is_none(maker: Maker):
    (maker.folder / "note.json").mkdir()
    with pytest.raises(PrinterError, match="can't write"):
        maker.start(QUICK)
    assert not moved(maker.far)
    assert maker.driver.status().attempt is None


def test_a_server_that_goes_away_while_it_takes_a_file_fails_the_attempt(slow: Maker):
    slow.far.unplug()
    assert slow.wait(lambda status: status.condition is Condition.UNREACHABLE).attempt == "a1"
    slow.far.plug()
    slow.late = LONGEST + 1
    assert slow.ending().ending is Ending.FAILED
    assert not moved(slow.far)


@pytest.mark.parametrize("kind", [OctoPrintDriver, MoonrakerDriver, PrusaLinkDriver])
def test_a_printer_whose_name_is_not_found_costs_no_more_than_the_time_of_a_call(kind: Callable[..., Driver]):
    let = threading.Event()

    def slow(_host: str, _port: int) -> list[SocketAddress]:
        let.wait(PATIENCE)
        return []

    driver = kind("mk3", "http://printer.local", "key", resolver=slow)
    began = time.monotonic()
    status = driver.status()
    took = time.monotonic() - began
    let.set()
    assert took < PATIENCE
    assert (status.condition, "printer.local takes too long" in status.why) == (Condition.UNREACHABLE, True)


@pytest.mark.parametrize("kind", [OctoPrintDriver, MoonrakerDriver, PrusaLinkDriver])
def test_a_password_in_the_address_is_sent_and_in_no_message(kind: Callable[..., Driver]):
    heard: list[str | None] = []

    class Guard(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers["Authorization"])
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Guard) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        driver = kind("mk3", f"http://maker:secret@127.0.0.1:{httpd.server_address[1]}", "key")
        refused = driver.status()
        httpd.shutdown()
        thread.join()
    driver.close()
    gone = kind("mk3", f"http://maker:secret@127.0.0.1:{httpd.server_address[1]}", "key").status()
    assert heard[0] == f"Basic {base64.b64encode(b'maker:secret').decode()}"
    for status in (refused, gone):
        assert status.condition is Condition.UNREACHABLE
        assert status.why
        assert "secret" not in status.why


def cancelled_and_restarted(maker: Maker) -> None:
    maker.start(SLOW)
    maker.wait(lambda status: status.progress > 0.02)
    maker.driver.cancel()
    maker.again()


def test_a_cancellation_is_remembered_by_a_restarted_agent(maker: Maker):
    cancelled_and_restarted(maker)
    ending = maker.ending().ending
    # A printer with PrusaLink inside does not say whose print it was: then its owner is asked.
    assert ending is Ending.CANCELLED or (ending is Ending.UNKNOWN and isinstance(maker.far, Buddy))
    assert maker.again().status().ending is ending


def test_a_restarted_agent_cools_what_it_cancelled(maker: Maker):
    cancelled_and_restarted(maker)
    maker.wait(lambda status: status.nozzle is not None and status.nozzle.target == 0)
    maker.wait(lambda status: status.bed is not None and status.bed.target == 0)
