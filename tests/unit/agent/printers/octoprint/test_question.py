"""The file in OctoPrint by which its owner says that the bed is clear; each against the real one."""

import time
from collections.abc import Iterator

import pytest

from agent.printers.driver import Condition, PrinterError
from agent.printers.octoprint.driver import OctoPrintDriver
from agent.printers.octoprint.question import SOONEST, TRIES
from agent.printers.server.paths import attempt_of, question_of, question_path
from tests.contract.bench import wait
from tests.farend.octoprint import GENERATIONS, OctoPrint, shared

ASKED = question_path("q1")


class Maker:
    """One agent's driver, and its owner's OctoPrint; `late` is how much later it is than on the wall."""

    def __init__(self, far: OctoPrint) -> None:
        self.far = far
        self.late = 0.0
        self.driver = self.again()

    def again(self) -> OctoPrintDriver:
        self.driver = OctoPrintDriver(
            "mk3", self.far.url, self.far.key, clock=lambda: time.monotonic() + self.late
        )
        return self.driver

    def ask(self, question: str) -> None:
        self.driver.ask(question)
        self.late += SOONEST

    def seen(self) -> tuple[Condition, str, str]:
        status = self.driver.status()
        return status.condition, status.asks, status.answered


@pytest.fixture(params=GENERATIONS)
def maker(request: pytest.FixtureRequest) -> Iterator[Maker]:
    made = Maker(shared(request.param))
    yield made
    made.driver.close()


@pytest.mark.octoprint
def test_who_loads_the_file_has_answered_and_then_it_is_gone(maker: Maker):
    maker.far.begin(["M105"])  # something else was printed before, whose progress stands at 100 %
    wait(maker.driver, lambda status: status.condition is Condition.IDLE)
    maker.ask("q1")
    assert maker.far.files() == [ASKED]
    assert maker.far.job() == "benchy.gcode"
    assert maker.seen() == (Condition.IDLE, "q1", "")
    maker.far.load(ASKED)
    assert maker.seen() == (Condition.IDLE, "q1", "q1")
    maker.driver.hush()
    assert maker.seen() == (Condition.IDLE, "", "")
    assert (maker.far.files(), maker.far.job()) == ([], None)


@pytest.mark.octoprint
def test_a_file_that_is_printed_moves_nothing_and_is_no_answer(maker: Maker):
    maker.ask("q1")
    maker.driver.status()
    maker.far.print(ASKED)
    wait(maker.driver, lambda status: status.condition is Condition.IDLE)
    assert maker.seen() == (Condition.IDLE, "", "")
    assert maker.driver.status().attempt is None
    maker.ask("q2")
    assert maker.far.files() == [question_path("q2")]


@pytest.mark.octoprint
def test_a_question_from_before_a_restart_is_no_attempt_and_is_swept_away(maker: Maker):
    maker.ask("q1")
    maker.far.load(ASKED)
    maker.again()
    assert maker.driver.status().attempt is None
    assert maker.seen() == (Condition.IDLE, "q1", "q1")  # which nobody has asked in this process
    maker.ask("q2")
    assert maker.seen() == (Condition.IDLE, "q2", "")
    assert maker.far.files() == [question_path("q2")]


@pytest.mark.octoprint
def test_what_loads_a_file_as_soon_as_it_is_there_is_no_person():
    maker = Maker(shared())
    for n in range(TRIES):
        maker.driver.ask(f"q{n}")
        maker.far.load(question_path(f"q{n}"))
        assert maker.seen() == (Condition.IDLE, "", "")
    with pytest.raises(PrinterError, match="clear_in_octoprint"):
        maker.driver.ask("q")
    assert maker.far.files() == []


def test_no_attempt_can_be_called_like_a_question():
    assert question_of(ASKED) == "q1"
    assert attempt_of(ASKED) is None
    for path in (None, "muster/a-1.gcode", "bed-is-clear.q1.gcode", "muster/x/bed-is-clear.q1.gcode"):
        assert question_of(path) is None
