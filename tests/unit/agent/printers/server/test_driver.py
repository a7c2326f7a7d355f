"""What doors to a printer's own server do alike, where a server is slow: against Moonraker and a built-in PrusaLink."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from agent.printers.driver import Condition, Driver, Ending, PrinterError, Status
from agent.printers.moonraker.driver import MoonrakerDriver
from agent.printers.prusalink.driver import PrusaLinkDriver
from agent.printers.server.driver import LONGEST
from agent.printers.server.upload import STALL
from tests.contract.bench import COLD, HEAT, FarEnd, moves, wait
from tests.farend.buddy import buddy
from tests.farend.meddler import Meddler, meddler
from tests.farend.moonraker import shared
from tests.waiting import PATIENCE

QUICK = [*HEAT, *moves(50, 10, 6000), *COLD]
SLOW = [*HEAT, *moves(2000, 50, 3000), *COLD]
LARGE = [*HEAT, "G1 X20 Y20 F6000\nG1 X30 Y20 F6000\n" * 300_000]
"""Larger than all the buffers between two processes."""


class Maker:
    """An agent's driver, which can be made anew and whose clock can be put forward."""

    def __init__(self, folder: Path, far: FarEnd, between: Meddler, door: Callable[..., Driver]) -> None:
        self.folder, self.far, self.between, self.late = folder, far, between, 0.0
        self._door = door
        self.driver = self.again()

    def again(self) -> Driver:
        self.driver = self._door(self.between.url, clock=lambda: time.monotonic() + self.late)
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


Door = Callable[[Path], AbstractContextManager[Maker]]


@pytest.fixture(params=[moonraker, built_in])
def maker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Maker]:
    door: Door = request.param
    with door(tmp_path) as made:
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
    assert slow.far.executed() == []
    slow.between.admit.set()
    status = slow.wait(lambda status: status.condition is not Condition.LOADING)
    assert (status.condition, status.attempt, status.ending) == (Condition.PRINTING, "a1", None)


def test_a_file_on_its_way_is_cancelled_before_anything_moves(slow: Maker):
    slow.driver.cancel()
    slow.between.admit.set()
    status = slow.driver.status()
    assert (status.condition, status.attempt, status.ending) == (Condition.IDLE, "a1", Ending.CANCELLED)
    assert "before anything was printed" in status.why
    assert slow.far.executed() == []
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
    monkeypatch.setattr(maker.driver, "_is_whole", kill)  # the server has all of the file by then
    with pytest.raises(Killed):
        maker.start(QUICK)
    status = maker.again().status()
    assert (status.condition, status.attempt, status.ending) == (Condition.IDLE, "a1", Ending.FAILED)
    assert "nothing was printed" in status.why
    assert maker.far.executed() == []
    maker.start(QUICK, "a2")
    assert maker.ending().ending is Ending.DONE


def test_an_agent_that_dies_after_its_order_follows_the_print(maker: Maker, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(maker.driver, "_let_go", kill)
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
    assert maker.far.executed() == []
    assert maker.driver.status().attempt is None


def test_a_server_that_goes_away_while_it_takes_a_file_fails_the_attempt(slow: Maker):
    slow.far.unplug()
    assert slow.wait(lambda status: status.condition is Condition.UNREACHABLE).attempt == "a1"
    slow.far.plug()
    slow.late = LONGEST + 1
    assert slow.ending().ending is Ending.FAILED
    assert slow.far.executed() == []
