"""What is particular to PrusaLink; what every driver must do is in tests/contract."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.http.address import Login
from agent.printers.driver import Condition, Ending, PrinterError
from agent.printers.prusalink.driver import PrusaLinkDriver
from tests.contract.bench import COLD, HEAT, moves, wait
from tests.farend.meddler import meddler
from tests.farend.prusalink import PASSWORD, USER, PrusaLink, shared

pytestmark = pytest.mark.prusalink

QUICK = [*HEAT, *moves(50, 10, 6000), *COLD]
SLOW = [*HEAT, *moves(2000, 50, 3000), *COLD]

Plate = Callable[[list[str]], Path]


@pytest.fixture
def far() -> PrusaLink:
    return shared()


@pytest.fixture
def driver(far: PrusaLink) -> PrusaLinkDriver:
    return PrusaLinkDriver("mk3s", far.url, far.key)


@pytest.fixture
def plate(tmp_path: Path) -> Plate:
    def write(lines: list[str]) -> Path:
        path = tmp_path / "plate.gcode"
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


def test_a_name_and_password_serve_instead_of_the_key(far: PrusaLink, plate: Plate):
    driver = PrusaLinkDriver("mk3s", far.url, login=Login(USER, PASSWORD))
    assert driver.status().condition is Condition.IDLE
    driver.start("a1", plate(QUICK), 60)
    assert driver.status().condition is Condition.PRINTING


def test_a_wrong_key_or_password_is_told_to_the_owner(far: PrusaLink):
    for driver in (
        PrusaLinkDriver("mk3s", far.url, "0123456789"),
        PrusaLinkDriver("mk3s", far.url, login=Login(USER, "wrong")),
    ):
        status = driver.status()
        assert status.condition is Condition.UNREACHABLE
        assert "refuses" in status.why


def test_another_hands_print_is_busy_and_left_alone(far: PrusaLink, driver: PrusaLinkDriver, plate: Plate):
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
    assert far.job() == "/gcodes/benchy.gcode"


def test_a_stop_by_the_owner_fails_the_attempt(far: PrusaLink, driver: PrusaLinkDriver, plate: Plate):
    driver.start("a1", plate(SLOW), 600)
    far.stop()
    status = wait(driver, lambda status: status.ending is not None)
    assert status.ending is Ending.FAILED
    assert "stopped at the printer" in status.why


def test_another_hand_that_is_quicker_wins(far: PrusaLink, plate: Plate):
    far.upload("benchy.gcode", SLOW)
    hand = iter([lambda: far.print("benchy.gcode")])

    def meddle(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/muster/a1.gcode"):
            next(hand)()

    with meddler(far.url) as between:
        between.before = meddle
        driver = PrusaLinkDriver("mk3s", between.url, login=None, key=far.key)
        with pytest.raises(PrinterError):
            driver.start("a1", plate(QUICK), 60)
        status = driver.status()
    assert (status.condition, status.attempt) == (Condition.BUSY, None)
    assert far.job() == "/gcodes/benchy.gcode"


@pytest.mark.parametrize("key", ["", "a\nb", "ключ"])
def test_a_key_that_is_none_is_refused_at_once(key: str):
    with pytest.raises(PrinterError, match="its API key"):
        PrusaLinkDriver("mk3s", "http://printer.local", key)


def test_an_attempt_that_is_no_file_name_is_refused(driver: PrusaLinkDriver, plate: Plate):
    with pytest.raises(PrinterError, match="file's name"):
        driver.start("../../evil", plate(QUICK), 60)
