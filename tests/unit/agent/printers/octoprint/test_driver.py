"""What is particular to OctoPrint; what every driver must do is in tests/contract."""

import json
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.printers.driver import Condition, Ending, PrinterError
from agent.printers.octoprint.driver import OctoPrintDriver
from agent.printers.server.followed import GRACE
from tests.contract.bench import COLD, HEAT, moves, wait
from tests.farend.meddler import Meddler, meddler
from tests.farend.octoprint import GENERATIONS, OctoPrint, octoprint, shared
from tests.waiting import PATIENCE

QUICK = [*HEAT, *moves(50, 10, 6000), *COLD]
SLOW = [*HEAT, *moves(1500, 50, 600), *COLD]


@pytest.fixture(params=GENERATIONS)
def far(request: pytest.FixtureRequest) -> OctoPrint:
    return shared(request.param)


@pytest.fixture
def driver(far: OctoPrint) -> Iterator[OctoPrintDriver]:
    made = OctoPrintDriver("mk3", far.url, far.key)
    yield made
    made.close()


@pytest.fixture
def plate(tmp_path: Path) -> Callable[[list[str]], Path]:
    def write(lines: list[str]) -> Path:
        path = tmp_path / "plate.gcode"
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


Plate = Callable[[list[str]], Path]


@pytest.mark.octoprint
def test_a_wrong_key_is_told_to_the_owner(far: OctoPrint):
    status = OctoPrintDriver("mk3", far.url, "0123456789").status()
    assert status.condition is Condition.UNREACHABLE
    assert "refuses the key" in status.why
    assert "Application Keys" in status.why


@pytest.mark.octoprint
def test_another_hands_print_is_busy_and_left_alone(far: OctoPrint, driver: OctoPrintDriver, plate: Plate):
    far.upload("benchy.gcode", SLOW)
    far.print("benchy.gcode")
    status = driver.status()
    assert (status.condition, status.attempt) == (Condition.BUSY, None)
    assert "benchy.gcode" in status.why
    with pytest.raises(PrinterError, match=r"benchy\.gcode"):
        driver.start("a1", plate(QUICK), 60)
    for order in (driver.pause, driver.resume, driver.cancel):
        with pytest.raises(PrinterError, match="nothing of ours"):
            order()
    assert far.job() == "benchy.gcode"
    assert driver.status().condition is Condition.BUSY


@pytest.mark.octoprint
def test_without_a_printer_nothing_starts(far: OctoPrint, driver: OctoPrintDriver, plate: Plate):
    far.unplug()
    status = wait(driver, lambda status: status.condition is Condition.UNREACHABLE)
    assert "connect it in OctoPrint" in status.why
    with pytest.raises(PrinterError, match="connect it in OctoPrint"):
        driver.start("a1", plate(QUICK), 60)
    assert far.files() == []


@pytest.mark.octoprint
def test_a_file_stays_until_its_ending_was_told_and_goes_at_the_next_start(
    far: OctoPrint, driver: OctoPrintDriver, plate: Plate
):
    driver.start("a1", plate(QUICK), 60)
    wait(driver, lambda status: status.ending is Ending.DONE)
    assert far.files() == ["muster/a1.gcode"]
    driver.start("a2", plate(QUICK), 60)
    assert far.files() == ["muster/a2.gcode"]
    assert driver.status().attempt == "a2"


@pytest.mark.octoprint
def test_an_attempt_is_printed_once(driver: OctoPrintDriver, plate: Plate):
    driver.start("a1", plate(QUICK), 60)
    wait(driver, lambda status: status.ending is Ending.DONE)
    with pytest.raises(PrinterError, match="already"):
        driver.start("a1", plate(QUICK), 60)


@pytest.mark.octoprint
def test_our_file_printed_again_by_another_hand_is_not_ours(
    far: OctoPrint, driver: OctoPrintDriver, plate: Plate
):
    driver.start("a1", plate([*QUICK, *["G4 P10000"] * 5]), 60)
    wait(driver, lambda status: status.ending is Ending.DONE)
    far.print("muster/a1.gcode")
    for looks_on in (driver, OctoPrintDriver("mk3", far.url, far.key)):
        status = looks_on.status()
        assert (status.condition, status.attempt, status.ending) == (Condition.BUSY, "a1", Ending.DONE)


@pytest.mark.octoprint
def test_a_cancellation_by_the_owner_in_octoprint_fails_the_attempt(
    far: OctoPrint, driver: OctoPrintDriver, plate: Plate
):
    driver.start("a1", plate(SLOW), 60)
    far.cancel()
    status = wait(driver, lambda status: status.ending is not None)
    assert status.ending is Ending.FAILED
    assert "cancelled there" in status.why


@pytest.mark.octoprint
def test_a_print_that_left_no_record_is_unknown(plate: Plate):
    far = shared()  # OctoPrint 2 leaves one
    later = 0.0
    driver = OctoPrintDriver("mk3", far.url, far.key, clock=lambda: time.monotonic() + later)
    driver.start("a1", plate(SLOW), 60)
    driver.pause()
    wait(driver, lambda status: status.condition is Condition.PAUSED)
    far.unplug()  # OctoPrint notes no failure of a paused print
    wait(driver, lambda status: status.condition is Condition.UNREACHABLE)
    assert driver.status().ending is None
    far.plug()
    status = driver.status()
    assert (status.condition, status.ending) == (Condition.PRINTING, None)
    with pytest.raises(PrinterError, match="not known yet"):
        driver.start("a2", plate(QUICK), 60)
    later = GRACE
    status = driver.status()
    assert (status.condition, status.attempt, status.ending) == (Condition.IDLE, "a1", Ending.UNKNOWN)
    assert "lost its printer" in status.why
    assert "look at the bed" in status.why


@pytest.mark.octoprint
def test_a_cancelled_print_is_cooled_where_octoprint_does_not(plate: Plate):
    with octoprint() as far:  # one that never cancelled: it keeps a script from its first use
        far.refresh()
        far.post("/api/settings", scripts={"gcode": {"afterPrintCancelled": "M84"}})
        driver = OctoPrintDriver("mk3", far.url, far.key)
        driver.start("a1", plate(SLOW), 60)
        wait(driver, lambda status: status.progress > 0.02)
        driver.cancel()
        wait(driver, lambda status: status.ending is Ending.CANCELLED)
        wait(driver, lambda status: status.nozzle is not None and status.nozzle.target == 0)
        wait(driver, lambda status: status.bed is not None and status.bed.target == 0)
        driver.close()


@pytest.mark.octoprint
@pytest.mark.parametrize("name", ["../../evil", "a b", ""])
def test_an_attempt_that_is_no_file_name_is_refused(driver: OctoPrintDriver, plate: Plate, name: str):
    with pytest.raises(PrinterError, match="file's name"):
        driver.start(name, plate(QUICK), 60)


@pytest.mark.octoprint
def test_a_large_plate_is_streamed_whole_within_the_time(
    far: OctoPrint, driver: OctoPrintDriver, plate: Plate
):
    began = time.monotonic()
    driver.start("a1", plate([*HEAT, *moves(400_000, 10, 6000)]), 60)
    assert time.monotonic() - began < PATIENCE
    assert wait(driver, lambda status: status.condition is Condition.PRINTING).attempt == "a1"


@pytest.fixture
def between(far: OctoPrint) -> Iterator[Meddler]:
    with meddler(far.url) as knobs:
        yield knobs


@pytest.fixture
def meddled(far: OctoPrint, between: Meddler) -> Iterator[OctoPrintDriver]:
    """A driver that reaches OctoPrint through the meddler."""
    made = OctoPrintDriver("mk3", between.url, far.key)
    yield made
    made.close()


def is_order(method: str, path: str) -> bool:
    """Whether a request selects and prints our file."""
    return method == "POST" and path.endswith("/muster/a1.gcode")


@pytest.mark.octoprint
def test_an_order_that_comes_to_nothing_is_withdrawn(
    far: OctoPrint, between: Meddler, meddled: OctoPrintDriver, plate: Plate
):
    between.swallow = is_order
    began = time.monotonic()
    with pytest.raises(PrinterError, match="did not start the print, and nothing moves"):
        meddled.start("a1", plate(QUICK), 60)
    assert time.monotonic() - began < PATIENCE
    assert far.files() == []
    assert (meddled.status().condition, meddled.status().attempt) == (Condition.IDLE, None)


@pytest.mark.octoprint
def test_an_order_that_was_heard_counts_though_its_answer_was_lost(
    between: Meddler, meddled: OctoPrintDriver, plate: Plate
):
    between.lose = is_order
    meddled.start("a1", plate(QUICK), 60)
    assert wait(meddled, lambda status: status.ending is not None).ending is Ending.DONE


@pytest.mark.octoprint
@pytest.mark.parametrize("moment", ["while we upload", "before our order"])
def test_another_hand_that_is_quicker_wins(
    far: OctoPrint, between: Meddler, meddled: OctoPrintDriver, plate: Plate, moment: str
):
    far.upload("benchy.gcode", SLOW)
    hand = iter([lambda: far.print("benchy.gcode")])

    def meddle(method: str, path: str) -> None:
        upload = method == "POST" and path.endswith("/files/local")
        if upload if moment == "while we upload" else is_order(method, path):
            next(hand)()

    between.before = meddle
    with pytest.raises(PrinterError):
        meddled.start("a1", plate(QUICK), 60)
    status = meddled.status()
    assert (status.condition, status.attempt, far.job()) == (Condition.BUSY, None, "benchy.gcode")


@pytest.mark.octoprint
def test_a_file_that_is_changed_on_its_way_is_not_printed(
    far: OctoPrint, between: Meddler, meddled: OctoPrintDriver, plate: Plate
):
    between.spoil = lambda body: body.replace(b"M104 S200", b"M104 S290")
    with pytest.raises(PrinterError, match="changed the uploaded file"):
        meddled.start("a1", plate(QUICK), 60)
    assert meddled.status().condition is Condition.IDLE
    assert far.files() == []


def test_a_server_that_is_not_there_is_unreachable(plate: Plate):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets it, and it refuses
        driver = OctoPrintDriver("mk3", f"http://127.0.0.1:{taken.getsockname()[1]}", "key")
        status = driver.status()
        assert status.condition is Condition.UNREACHABLE
        assert "is it running?" in status.why
        with pytest.raises(PrinterError):
            driver.start("a1", plate(QUICK), 60)


def test_a_server_that_never_answers_costs_no_more_than_the_time_of_a_call():
    times = iter([0.0])  # the call begins at 0, and soon it is late
    with socket.create_server(("127.0.0.1", 0)) as mute:
        driver = OctoPrintDriver(
            "mk3", f"http://127.0.0.1:{mute.getsockname()[1]}", "key", clock=lambda: next(times, 4.3)
        )
        began = time.monotonic()
        status = driver.status()
    assert time.monotonic() - began < PATIENCE
    assert (status.condition, "in time" in status.why) == (Condition.UNREACHABLE, True)


@pytest.mark.parametrize("url", ["", "octopi.local", "ftp://octopi.local", "http://"])
def test_an_address_that_is_none_is_refused_at_once(url: str):
    with pytest.raises(PrinterError, match="not the address"):
        OctoPrintDriver("mk3", url, "key")


@pytest.mark.parametrize("key", ["", "a\nb", "ключ"])
def test_a_key_that_is_none_is_refused_at_once(key: str):
    with pytest.raises(PrinterError, match="key is missing"):
        OctoPrintDriver("mk3", "http://octopi.local", key)


@contextmanager
def server(answers: dict[str, Any]) -> Generator[str]:
    """A web server that answers by path: a JSON value, a page as bytes, or a redirect as a string."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer = answers.get(self.path.partition("?")[0])
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(404 if answer is None else 302 if isinstance(answer, str) else 200)
            if isinstance(answer, str):
                self.send_header("Location", answer)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{httpd.server_address[1]}"
        finally:
            httpd.shutdown()
            thread.join()


IDLE = {
    "version": {"api": "0.1", "server": "1.11.8", "text": "OctoPrint 1.11.8"},
    "job": {"job": {"file": {"path": None}}, "progress": {"completion": None}, "state": "Operational"},
    "printer": {
        "state": {"text": "Operational", "flags": {"operational": True, "ready": True}},
        "temperature": {},
    },
}


def test_an_old_octoprint_is_driven_with_a_warning():
    answers = {f"/api/{name}": answer for name, answer in IDLE.items()}
    with server(answers | {"/api/version": {"server": "1.10.3"}}) as url:
        status = OctoPrintDriver("mk3", url, "key").status()
    assert status.condition is Condition.IDLE
    assert "1.10.3" in status.why
    assert "update it to 1.11.8" in status.why


def test_an_octoprint_behind_a_proxys_path_is_found():
    with server({f"/octo/api/{name}": answer for name, answer in IDLE.items()}) as url:
        status = OctoPrintDriver("mk3", f"{url}/octo/", "key").status()
    assert (status.condition, status.why) == (Condition.IDLE, "")


@pytest.mark.parametrize(
    ("version", "why"),
    [
        (b"<html>starting</html>", "still starting"),
        ({"name": "some other server"}, "not known"),
        ("https://elsewhere.example/api/version", "points to https://elsewhere.example"),
        (None, "answers 404"),
    ],
)
def test_what_is_not_octoprint_is_unreachable(version: Any, why: str):
    with server({"/api/version": version}) as url:
        status = OctoPrintDriver("mk3", url, "key").status()
    assert status.condition is Condition.UNREACHABLE
    assert why in status.why
