"""What is particular to PrusaLink as newer printers have it inside; tests/contract has what every driver must do."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.http.address import Login
from agent.printers.driver import Condition, Ending, PrinterError, Status
from agent.printers.prusalink.driver import PrusaLinkDriver
from agent.printers.prusalink.server import BETWEEN
from agent.printers.server.followed import GRACE
from tests.contract.bench import COLD, HEAT, moves, wait
from tests.farend.buddy import NONCE, USER, Buddy, buddy
from tests.farend.meddler import meddler
from tests.waiting import eventually

QUICK = [*HEAT, *moves(20, 10, 6000), *COLD]
SLOW = [*HEAT, *moves(2000, 50, 600), *COLD]


@pytest.fixture
def far() -> Iterator[Buddy]:
    with buddy(speed=200) as printer:
        yield printer


class Maker:
    """An agent's driver of that printer, which can be made anew, and whose clock can be put forward."""

    def __init__(self, folder: Path, far: Buddy) -> None:
        self.folder, self.far, self.late = folder, far, 0.0
        self.driver = self.again()

    def again(self) -> PrusaLinkDriver:
        self.driver = PrusaLinkDriver(
            "mk4", self.far.url, self.far.key, clock=lambda: time.monotonic() + self.late
        )
        return self.driver

    def start(self, lines: list[str], attempt: str = "a1", seconds: float = 600) -> None:
        path = self.folder / f"{attempt}.gcode"
        path.write_text("".join(f"{line}\n" for line in lines))
        self.driver.start(attempt, path, seconds)

    def wait(self, wanted: Callable[[Status], bool]) -> Status:
        return wait(self.driver, wanted)

    def ending(self) -> Status:
        return self.wait(lambda status: status.ending is not None)


@pytest.fixture
def maker(tmp_path: Path, far: Buddy) -> Maker:
    return Maker(tmp_path, far)


def test_a_print_is_known_by_its_long_name_and_its_end_by_the_state(maker: Maker, far: Buddy):
    maker.start(QUICK, "an-attempt-with-a-long-name")
    status = maker.driver.status()
    assert (status.condition, status.attempt) == (Condition.PRINTING, "an-attempt-with-a-long-name")
    status = maker.ending()
    assert (status.condition, status.ending, status.progress) == (Condition.IDLE, Ending.DONE, 1.0)
    assert far.state == "FINISHED"
    maker.again()
    status = maker.driver.status()
    assert (status.attempt, status.ending) == ("an-attempt-with-a-long-name", Ending.DONE)
    maker.start(QUICK, "a2")  # nobody has pressed a button
    assert maker.ending().ending is Ending.DONE


def test_a_finished_print_that_a_new_driver_finds_is_nobodys_guess(maker: Maker, far: Buddy):
    maker.start(QUICK)
    eventually(lambda: far.state == "FINISHED")
    maker.again().status()
    maker.late += GRACE
    status = maker.driver.status()
    assert (status.condition, status.attempt, status.ending) == (Condition.IDLE, "a1", Ending.UNKNOWN)
    assert "look at the bed" in status.why


def test_another_print_that_finished_while_nobody_looked_is_not_ours(maker: Maker, far: Buddy):
    maker.start(SLOW, seconds=300)
    maker.driver.status()
    far.unplug()
    assert maker.driver.status().condition is Condition.UNREACHABLE
    far.restart()
    far.upload("benchy.gcode", QUICK)
    far.print("benchy.gcode")
    eventually(lambda: far.state == "FINISHED")
    far.plug()
    maker.late += 300 + BETWEEN + 1
    assert maker.driver.status().ending is None
    maker.late += GRACE
    assert maker.driver.status().ending is Ending.UNKNOWN


@pytest.mark.parametrize(
    ("gap", "ending"), [(10, Ending.FAILED), (400, Ending.UNKNOWN)], ids=["too soon", "it may have ended"]
)
def test_a_print_that_ended_unseen_is_nobodys_guess(maker: Maker, far: Buddy, gap: float, ending: Ending):
    maker.start(SLOW)
    maker.driver.status()
    far.restart()
    maker.late += gap
    assert maker.driver.status().ending is None
    maker.late += GRACE
    status = maker.driver.status()
    assert (status.condition, status.ending) == (Condition.IDLE, ending)
    assert status.why


def test_a_printer_that_wants_somebody_pauses_our_print_and_says_so(maker: Maker, far: Buddy):
    maker.start(SLOW)
    far.ask()
    status = maker.driver.status()
    assert (status.condition, status.ending) == (Condition.PAUSED, None)
    assert "waits for somebody" in status.why
    far.press()
    assert maker.driver.status().condition is Condition.PRINTING


def test_a_print_that_waits_for_somebody_can_be_cancelled(maker: Maker, far: Buddy):
    maker.start(SLOW)
    far.ask()
    maker.driver.cancel()
    assert maker.ending().ending is Ending.CANCELLED


def test_a_stop_at_the_printer_fails_the_attempt(maker: Maker, far: Buddy):
    maker.start(SLOW)
    far.stop()
    status = maker.ending()
    assert status.ending is Ending.FAILED
    assert "stopped at the printer" in status.why


def test_an_order_that_the_printer_refuses_is_told_and_changes_nothing(maker: Maker, far: Buddy):
    maker.start(SLOW)
    with pytest.raises(PrinterError, match="409"):
        maker.driver.resume()
    assert maker.driver.status().condition is Condition.PRINTING


def test_another_hands_print_is_busy_and_left_alone(maker: Maker, far: Buddy):
    far.upload("benchy.gcode", SLOW)
    far.print("benchy.gcode")
    status = maker.wait(lambda status: status.condition is not Condition.IDLE)
    assert (status.condition, status.attempt) == (Condition.BUSY, None)
    assert "benchy.gcode" in status.why
    with pytest.raises(PrinterError, match=r"benchy\.gcode"):
        maker.start(QUICK)
    for order in (maker.driver.pause, maker.driver.resume, maker.driver.cancel):
        with pytest.raises(PrinterError, match="nothing of ours"):
            order()
    assert far.job() == "benchy.gcode"


def test_another_hand_that_is_quicker_wins(far: Buddy, tmp_path: Path):
    far.upload("benchy.gcode", SLOW)
    hand = iter([lambda: far.print("benchy.gcode")])

    def meddle(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/muster/a1.gcode"):
            next(hand)()

    with meddler(far.url) as between:
        between.before = meddle
        maker = Maker(tmp_path, far)
        maker.driver = PrusaLinkDriver("mk4", between.url, far.key)
        with pytest.raises(PrinterError, match="409"):
            maker.start(QUICK)
        status = maker.wait(lambda status: status.condition is not Condition.IDLE)
    assert (status.condition, status.attempt) == (Condition.BUSY, None)
    assert (far.job(), far.files()) == ("benchy.gcode", [])


def test_a_password_serves_as_long_as_its_challenge_holds_and_longer(far: Buddy, tmp_path: Path):
    maker = Maker(tmp_path, far)
    maker.driver = PrusaLinkDriver("mk4", far.url, login=Login(USER, far.key))
    assert maker.driver.status().condition is Condition.IDLE
    far.late += 2 * NONCE
    maker.start(QUICK)
    for _ in range(3):
        far.late += 2 * NONCE
        assert maker.driver.status().condition is not Condition.UNREACHABLE


@pytest.mark.parametrize("login", [None, Login(USER, "wrong")], ids=["key", "password"])
def test_a_wrong_key_or_password_is_told_to_the_owner(far: Buddy, login: Login | None):
    status = PrusaLinkDriver("mk4", far.url, "" if login else "0123456789", login=login).status()
    assert status.condition is Condition.UNREACHABLE
    assert "refuses the" in status.why


def test_without_a_stick_nothing_starts(maker: Maker, far: Buddy):
    far.stick = False
    status = maker.driver.status()
    assert status.condition is Condition.UNREACHABLE
    assert "USB stick" in status.why
    with pytest.raises(PrinterError, match="USB stick"):
        maker.start(QUICK)


def test_a_stick_that_was_pulled_out_is_told_in_the_printers_words(maker: Maker, far: Buddy):
    assert maker.driver.status().condition is Condition.IDLE
    far.stick = False
    with pytest.raises(PrinterError, match="Missing USB drive"):
        maker.start(QUICK)


def test_old_files_and_marks_go_at_the_start_after_an_ending_was_told(maker: Maker, far: Buddy):
    maker.start(SLOW)
    far.stop()
    assert maker.ending().ending is Ending.FAILED
    assert far.files() == ["a1-failed", "a1.gcode"]
    maker.start(SLOW, "a2")
    assert far.files() == ["a2.gcode"]
