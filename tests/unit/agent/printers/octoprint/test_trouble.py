"""What can go wrong around OctoPrint while we print, each against the real one."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.printers.driver import Condition, Ending, PrinterError, Status
from agent.printers.octoprint.driver import OctoPrintDriver
from tests.contract.bench import COLD, HEAT, moves, wait
from tests.farend.meddler import Meddler, meddler
from tests.farend.octoprint import GENERATIONS, OctoPrint, octoprint, shared
from tests.waiting import PATIENCE

QUICK = [*HEAT, *moves(50, 10, 6000), *COLD]
SLOW = [*HEAT, *moves(1500, 50, 600), *COLD]

pytestmark = pytest.mark.octoprint


class Maker:
    """One agent's driver of one OctoPrint, which can be made anew; its note stays."""

    def __init__(self, folder: Path, url: str, key: str) -> None:
        self.folder = folder
        self.url = url
        self.key = key
        self.late = 0.0
        self.driver = self.again()

    def again(self) -> OctoPrintDriver:
        """The driver of an agent that was restarted."""
        self.driver = OctoPrintDriver(
            "mk3", self.url, self.key, self.folder / "note.json", clock=lambda: time.monotonic() + self.late
        )
        return self.driver

    def start(self, lines: list[str], attempt: str = "a1") -> None:
        path = self.folder / f"{attempt}.gcode"
        path.write_text("".join(f"{line}\n" for line in lines))
        self.driver.start(attempt, path, 60)

    def wait(self, wanted: Callable[[Status], bool]) -> Status:
        return wait(self.driver, wanted)

    def wait_for(self, condition: Condition) -> Status:
        return self.wait(lambda status: status.condition is condition)

    def ending(self) -> Status:
        return self.wait(lambda status: status.ending is not None)


@pytest.fixture(params=GENERATIONS)
def far(request: pytest.FixtureRequest) -> OctoPrint:
    return shared(request.param)


@pytest.fixture(params=GENERATIONS)
def own(request: pytest.FixtureRequest) -> Iterator[OctoPrint]:
    """An OctoPrint of the test's own, for what can't be undone."""
    with octoprint(generation=request.param) as far:
        far.refresh()
        yield far


@pytest.fixture
def maker(far: OctoPrint, tmp_path: Path) -> Iterator[Maker]:
    made = Maker(tmp_path, far.url, far.key)
    yield made
    made.driver.close()


@pytest.fixture
def between(far: OctoPrint) -> Iterator[Meddler]:
    with meddler(far.url) as knobs:
        yield knobs


def test_an_octoprint_that_is_slow_to_say_what_it_has_is_given_time(
    far: OctoPrint, between: Meddler, tmp_path: Path
):
    maker = Maker(tmp_path, between.url, far.key)
    seen: list[str] = []

    def dawdle(method: str, path: str) -> None:
        if "POST /api/files/local" in seen and "/files/local/muster" in path and maker.late < 100:
            maker.late += 10  # longer than a call may last
        seen.append(f"{method} {path}")

    between.before = dawdle
    maker.start(SLOW)
    assert maker.late
    assert far.job() is None
    status = maker.wait(lambda status: status.condition is not Condition.LOADING)
    assert (status.condition, status.attempt, status.ending) == (Condition.PRINTING, "a1", None)


@pytest.mark.parametrize("code", [413, 507, 500])
def test_no_room_for_the_file_is_told(far: OctoPrint, between: Meddler, tmp_path: Path, code: int):
    maker = Maker(tmp_path, between.url, far.key)
    between.refuse = lambda method, path: code if (method, path) == ("POST", "/api/files/local") else 0
    with pytest.raises(PrinterError, match=r"no room|disk full"):
        maker.start(QUICK)
    assert maker.driver.status().condition is Condition.IDLE
    assert far.job() is None


def test_a_full_disk_starts_nothing(own: OctoPrint, tmp_path: Path):
    own.fill_disk()
    maker = Maker(tmp_path, own.url, own.key)
    began = time.monotonic()
    try:
        maker.start([*HEAT, *moves(100_000, 10, 6000)])
    except PrinterError as error:
        why = str(error)
    else:
        why = maker.ending().why
    assert "disk full" in why
    assert time.monotonic() - began < PATIENCE
    assert own.files() == []
    assert maker.driver.status().condition is Condition.IDLE
    maker.start(QUICK, "a2")
    assert maker.ending().ending is Ending.DONE


@pytest.mark.parametrize("gently", [True, False], ids=["restarted", "power cut"])
def test_an_octoprint_restarted_in_the_middle_of_a_print_is_no_success(
    own: OctoPrint, tmp_path: Path, gently: bool
):
    maker = Maker(tmp_path, own.url, own.key)
    maker.start(SLOW)
    maker.wait(lambda status: status.progress > 0.02)
    own.sandbox.restart(gently=gently)
    status = maker.ending()
    assert status.attempt == "a1"
    assert status.ending in {Ending.FAILED, Ending.UNKNOWN}
    assert status.why
    own.plug()
    maker.wait_for(Condition.IDLE)
    maker.start(QUICK, "a2")
    assert maker.ending().ending is Ending.DONE


def test_a_print_goes_on_unseen_while_its_server_is_out_of_reach(
    far: OctoPrint, between: Meddler, tmp_path: Path
):
    maker = Maker(tmp_path, between.url, far.key)
    maker.start(SLOW)
    between.refuse = lambda _method, _path: 502
    status = maker.driver.status()
    assert (status.condition, status.attempt, status.ending) == (Condition.UNREACHABLE, "a1", None)
    far.cancel()
    time.sleep(0.5)
    between.refuse = lambda _method, _path: 0
    assert maker.ending().ending is Ending.FAILED


def test_a_key_that_is_revoked_in_the_middle_of_a_print_loses_nothing(own: OctoPrint, tmp_path: Path):
    maker = Maker(tmp_path, own.url, own.key)
    maker.start(QUICK)
    own.revoke()
    status = maker.wait_for(Condition.UNREACHABLE)
    assert (status.attempt, status.ending) == ("a1", None)
    assert "refuses the key" in status.why
    with pytest.raises(PrinterError, match="refuses the key"):
        maker.driver.cancel()
    maker.key = own.sandbox.owner_key
    maker.again()
    assert maker.ending().ending is Ending.DONE


def test_a_restarted_agent_cools_what_it_cancelled(own: OctoPrint, tmp_path: Path):
    own.post("/api/settings", scripts={"gcode": {"afterPrintCancelled": "M84"}})
    maker = Maker(tmp_path, own.url, own.key)
    maker.start(SLOW)
    maker.wait(lambda status: status.progress > 0.02)
    maker.driver.cancel()
    maker.again()
    maker.wait(lambda status: status.nozzle is not None and status.nozzle.target == 0)
    maker.wait(lambda status: status.bed is not None and status.bed.target == 0)
    maker.driver.status()
    own.post("/api/printer/bed", command="target", target=50)  # its owner heats for something else
    maker.wait(lambda status: status.bed is not None and status.bed.target == 50)
    maker.again().status()
    bed = maker.wait_for(Condition.IDLE).bed
    assert bed is not None
    assert bed.target == 50


def test_without_a_check_sum_and_without_leave_to_read_back_nothing_starts(tmp_path: Path):
    with octoprint(generation="2.0") as own:
        own.refresh()
        own.forbid("FILES_DOWNLOAD")
        maker = Maker(tmp_path, own.url, own.key)
        with pytest.raises(PrinterError, match="allow the key's account to download"):
            maker.start(QUICK)
        assert (own.files(), own.job()) == ([], None)


def test_two_octoprints_print_side_by_side_and_apart(tmp_path: Path):
    makers: list[Maker] = []
    for number, generation in enumerate(GENERATIONS):
        far = shared(generation)
        (tmp_path / str(number)).mkdir()
        makers.append(Maker(tmp_path / str(number), far.url, far.key))
    for maker in makers:
        maker.start(SLOW, "same-name")
    for maker in makers:
        maker.wait(lambda status: status.progress > 0.02)
    makers[0].driver.cancel()
    assert makers[0].ending().ending is Ending.CANCELLED
    status = makers[1].driver.status()
    assert (status.condition, status.ending) == (Condition.PRINTING, None)
    makers[1].driver.cancel()
    assert makers[1].ending().ending is Ending.CANCELLED


def test_a_good_octoprint_gets_no_warning(maker: Maker):
    assert maker.wait_for(Condition.IDLE).why == ""
