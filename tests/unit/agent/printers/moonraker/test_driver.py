"""What is particular to Moonraker and Klipper; what every driver must do is in tests/contract."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.printers.driver import Condition, Ending, PrinterError
from agent.printers.moonraker.driver import MoonrakerDriver
from agent.printers.server.followed import GRACE
from tests.contract.bench import COLD, HEAT, moves, wait
from tests.farend.meddler import meddler
from tests.farend.moonraker import Moonraker, shared
from tests.waiting import PATIENCE, eventually

QUICK = [*HEAT, *moves(50, 10, 6000), *COLD]
SLOW = [*HEAT, *moves(2000, 50, 3000), *COLD]


@pytest.fixture
def far() -> Moonraker:
    return shared()


@pytest.fixture
def driver(far: Moonraker) -> MoonrakerDriver:
    return MoonrakerDriver("voron", far.url, far.key)


Plate = Callable[[list[str]], Path]


@pytest.fixture
def plate(tmp_path: Path) -> Plate:
    def write(lines: list[str]) -> Path:
        path = tmp_path / "plate.gcode"
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


@pytest.mark.parametrize("key", ["", "0123456789"])
def test_a_wrong_key_is_told_to_the_owner(far: Moonraker, key: str):
    status = MoonrakerDriver("voron", far.url, key).status()
    assert status.condition is Condition.UNREACHABLE
    assert "refuses the key" in status.why
    assert "Mainsail" in status.why


def test_another_hands_print_is_busy_and_left_alone(far: Moonraker, driver: MoonrakerDriver, plate: Plate):
    far.upload("benchy.gcode", SLOW)
    far.print("benchy.gcode")
    status = wait(driver, lambda status: status.condition is not Condition.IDLE)
    assert (status.condition, status.attempt) == (Condition.BUSY, None)
    assert "benchy.gcode" in status.why
    with pytest.raises(PrinterError, match=r"benchy\.gcode"):
        driver.start("a1", plate(QUICK), 60)
    for order in (driver.pause, driver.resume, driver.cancel):
        with pytest.raises(PrinterError, match="nothing of ours"):
            order()
    assert far.job() == "benchy.gcode"


def test_what_somebody_moves_at_the_console_is_busy(far: Moonraker, driver: MoonrakerDriver, plate: Plate):
    driver.status()
    far.klippy.hurry("\n".join(["G28"] * 20))
    status = wait(driver, lambda status: status.condition is not Condition.IDLE)
    assert (status.condition, status.why) == (
        Condition.BUSY,
        "Klipper is busy with something that is not ours.",
    )
    with pytest.raises(PrinterError, match="busy"):
        driver.start("a1", plate(QUICK), 60)


def test_an_order_that_klipper_puts_off_never_starts_a_print(far: Moonraker, plate: Plate):
    with meddler(far.url) as between:
        driver = MoonrakerDriver("voron", between.url, far.key)
        driver.status()
        heating = iter([lambda: far.klippy.hurry("M140 S4000\nM190 S4000")])

        def meddle(_method: str, path: str) -> None:
            if path.startswith("/printer/print/start"):
                next(heating)()
                time.sleep(0.1)

        between.before = meddle
        began = time.monotonic()
        with pytest.raises(PrinterError, match="did not start the print, and nothing moves"):
            driver.start("a1", plate(QUICK), 60)
        assert time.monotonic() - began < PATIENCE
    assert far.files() == []
    far.klippy.machine.bed.target = 0
    far.klippy.overheat()  # whatever waits in the queue runs into this
    assert far.executed() == []


def test_a_cancellation_while_it_heats_is_given_at_once_and_told(far: Moonraker, plate: Plate):
    with meddler(far.url) as between:
        driver = MoonrakerDriver("voron", between.url, far.key)
        driver.start("a1", plate(["M190 S600", *QUICK]), 60)
        began = time.monotonic()
        driver.cancel()
        assert time.monotonic() - began < PATIENCE
        status = driver.status()
        if status.ending is None:
            assert "cancellation is given" in status.why
        assert wait(driver, lambda status: status.ending is not None).ending is Ending.CANCELLED


def test_a_cancelled_print_is_cooled_where_klipper_does_not(
    far: Moonraker, driver: MoonrakerDriver, plate: Plate
):
    driver.start("a1", plate(SLOW), 60)
    wait(driver, lambda status: status.progress > 0.02)
    far.cancel()
    assert far.klippy.machine.extruder.target == 200
    status = wait(driver, lambda status: status.ending is not None)
    assert status.ending is Ending.FAILED
    assert "another hand" in status.why
    driver.start("a2", plate(SLOW), 60)
    wait(driver, lambda status: status.progress > 0.02)
    driver.cancel()
    wait(driver, lambda status: status.ending is Ending.CANCELLED)
    wait(driver, lambda status: status.nozzle is not None and status.nozzle.target == 0)


def test_a_refused_line_fails_the_print_in_klippers_words(
    far: Moonraker, driver: MoonrakerDriver, plate: Plate
):
    driver.start("a1", plate([*HEAT, "G1 X900 F6000", *COLD]), 60)
    status = wait(driver, lambda status: status.ending is not None)
    assert (status.condition, status.ending) == (Condition.IDLE, Ending.FAILED)
    assert "Move out of range" in status.why


def test_a_board_that_resets_by_itself_needs_a_person(far: Moonraker, driver: MoonrakerDriver, plate: Plate):
    driver.start("a1", plate(SLOW), 60)
    wait(driver, lambda status: status.progress > 0.02)
    far.klippy.reset_board()
    status = wait(driver, lambda status: status.ending is not None)
    assert (status.condition, status.ending) == (Condition.FAULT, Ending.FAILED)
    assert "Lost communication with MCU" in status.why
    far.restart()
    assert wait(driver, lambda status: status.condition is Condition.IDLE).ending is Ending.FAILED


@pytest.mark.parametrize("over", [False, True], ids=["prints on", "is done meanwhile"])
def test_moonraker_restarted_in_a_print_loses_nothing(
    far: Moonraker, driver: MoonrakerDriver, plate: Plate, over: bool
):
    driver.start("a1", plate([*HEAT, *moves(400, 50, 3000), *COLD]), 60)
    wait(driver, lambda status: status.progress > 0.02)
    far.end_server()
    assert driver.status().condition is Condition.UNREACHABLE
    if over:
        eventually(lambda: far.klippy.machine.stats["state"] != "printing")
    far.raise_server()
    status = wait(MoonrakerDriver("voron", far.url, far.key), lambda status: status.attempt is not None)
    assert status.attempt == "a1"
    status = wait(driver, lambda status: status.ending is not None)
    assert (status.attempt, status.ending) == ("a1", Ending.DONE)


def test_a_print_whose_record_was_lost_is_unknown(far: Moonraker, plate: Plate):
    later = 0.0
    driver = MoonrakerDriver("voron", far.url, far.key, clock=lambda: time.monotonic() + later)
    driver.start("a1", plate(SLOW), 60)
    far.end_server()
    assert driver.status().condition is Condition.UNREACHABLE
    far.raise_server()
    far.until_ready()
    far.restart()
    wait(driver, lambda status: status.condition is Condition.PRINTING)
    with pytest.raises(PrinterError, match="not known yet"):
        driver.start("a2", plate(QUICK), 60)
    later = GRACE
    status = driver.status()
    assert (status.condition, status.ending) == (Condition.IDLE, Ending.UNKNOWN)
    assert "look at the bed" in status.why


def test_our_file_printed_again_by_another_hand_is_not_ours(
    far: Moonraker, driver: MoonrakerDriver, plate: Plate
):
    driver.start("a1", plate([*QUICK, *["G4 P10000"] * 9]), 60)
    wait(driver, lambda status: status.ending is Ending.DONE)
    far.print("muster/a1.gcode")
    for looks_on in (driver, MoonrakerDriver("voron", far.url, far.key)):
        status = wait(looks_on, lambda status: status.condition is Condition.BUSY)
        assert (status.attempt, status.ending) == ("a1", Ending.DONE)


def test_a_file_that_is_changed_in_moonrakers_store_is_not_printed(far: Moonraker, plate: Plate):
    with meddler(far.url) as between:
        driver = MoonrakerDriver("voron", between.url, far.key)
        path = far._folder / "gcodes/muster/a1.gcode"

        def meddle(method: str, asked: str) -> None:
            if method == "GET" and asked.endswith("/muster/a1.gcode"):
                path.write_text(path.read_text().replace("M104 S200", "M104 S290"))

        between.before = meddle
        with pytest.raises(PrinterError, match="changed the uploaded file"):
            driver.start("a1", plate(QUICK), 60)
    assert far.files() == []
    assert far.executed() == []


def test_a_file_that_is_changed_on_its_way_is_not_printed(far: Moonraker, plate: Plate):
    with meddler(far.url) as between:
        driver = MoonrakerDriver("voron", between.url, far.key)
        between.spoil = lambda body: body.replace(b"M104 S200", b"M104 S290")
        with pytest.raises(PrinterError, match="422"):
            driver.start("a1", plate(QUICK), 60)
    assert far.files() == []


def test_an_order_that_was_heard_counts_though_its_answer_was_lost(far: Moonraker, plate: Plate):
    with meddler(far.url) as between:
        driver = MoonrakerDriver("voron", between.url, far.key)
        between.lose = lambda _method, path: path.startswith("/printer/print/start")
        driver.start("a1", plate(QUICK), 60)
        assert wait(driver, lambda status: status.ending is not None).ending is Ending.DONE


@pytest.mark.parametrize("moment", ["while we upload", "before our order"])
def test_another_hand_that_is_quicker_wins(far: Moonraker, plate: Plate, moment: str):
    far.upload("benchy.gcode", SLOW)
    hand = iter([lambda: far.print("benchy.gcode")])

    def meddle(_method: str, path: str) -> None:
        if path.startswith("/server/files/upload" if moment == "while we upload" else "/printer/print/start"):
            next(hand)()

    with meddler(far.url) as between:
        driver = MoonrakerDriver("voron", between.url, far.key)
        between.before = meddle
        with pytest.raises(PrinterError):
            driver.start("a1", plate(QUICK), 60)
        between.before = lambda _method, _path: None
        status = driver.status()
    assert (status.condition, status.attempt, far.job()) == (Condition.BUSY, None, "benchy.gcode")
    assert far.files() == []


def test_a_file_goes_at_the_start_after_its_ending_was_told(
    far: Moonraker, driver: MoonrakerDriver, plate: Plate
):
    driver.start("a1", plate(QUICK), 60)
    wait(driver, lambda status: status.ending is Ending.DONE)
    with pytest.raises(PrinterError, match="already"):
        driver.start("a1", plate(QUICK), 60)
    assert far.files() == ["muster/a1.gcode"]
    time.sleep(2)  # Moonraker looks four times a second, and until then takes the file to be in use
    driver.start("a2", plate(QUICK), 60)
    assert far.files() == ["muster/a2.gcode"]


@pytest.mark.parametrize("name", ["../../evil", "a b", 'a"', ""])
def test_an_attempt_that_is_no_file_name_is_refused(driver: MoonrakerDriver, plate: Plate, name: str):
    with pytest.raises(PrinterError, match="file's name"):
        driver.start(name, plate(QUICK), 60)


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "large.gcode"
    with path.open("w") as file:
        file.writelines(f"{line}\n" for line in [*HEAT, *moves(200_000, 10, 6000)])
    yield path
    path.unlink()


def test_a_large_plate_is_uploaded_and_read_back(driver: MoonrakerDriver, large: Path):
    driver.status()
    began = time.monotonic()
    driver.start("a1", large, 60)
    assert time.monotonic() - began < PATIENCE
    wait(driver, lambda status: status.condition is Condition.PRINTING)
