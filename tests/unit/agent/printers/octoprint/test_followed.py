import pytest

from agent.printers.driver import Ending
from agent.printers.octoprint import answers, followed
from agent.printers.octoprint.answers import (
    OctoPrintJob,
    OctoPrintPrinterState,
    OctoPrintView,
    PrintCounts,
    StateFlags,
)
from agent.printers.octoprint.followed import OctoPrintAttempt
from agent.printers.server.followed import GRACE, AttemptStage


@pytest.fixture
def attempt() -> OctoPrintAttempt:
    return OctoPrintAttempt(id="a1", last_seen=100.0)


def look(path: str | None = "muster/a1.gcode", completion: float = 0, **flags: bool) -> OctoPrintView:
    """OctoPrint with these flags; without a printer if there are none."""
    job = OctoPrintJob(
        job=answers.SelectedJob(file=answers.SelectedFile(path=path, origin="local")),
        progress=answers.JobProgress(completion=completion),
        state="as it may be",
    )
    state = answers.OctoPrintState(text="as it may be", flags=StateFlags(operational=True, **flags))
    return answers.view_of(job, OctoPrintPrinterState(state=state) if flags else None)


RUNS = look(printing=True)
READY = look(ready=True)
GONE = look()


def test_progress_never_falls_and_stays_below_one(attempt: OctoPrintAttempt):
    seen: list[float] = []
    for number, completion in enumerate((50, 30, 100)):
        followed.follow(attempt, look(completion=completion, printing=True), None, 101 + number)
        seen.append(attempt.progress)
    assert seen == [0.5, 0.5, 0.99]


def test_the_trace_is_read_where_progress_has_fallen(attempt: OctoPrintAttempt):
    followed.follow(attempt, look(completion=50, printing=True), None, 101)
    assert followed.runs_on(attempt, look(completion=51, printing=True))
    assert not followed.runs_on(attempt, look(completion=1, printing=True))
    assert followed.runs_on(attempt, look(completion=1, printing=True, finishing=True))


def test_the_end_is_awaited_and_then_unknown(attempt: OctoPrintAttempt):
    for now in (101, 101 + GRACE - 1):
        followed.follow(attempt, READY, None, now)
        assert (attempt.ending, attempt.stage) == (None, AttemptStage.ORDERED)
    followed.follow(attempt, READY, None, 101 + GRACE)
    assert (attempt.ending, attempt.stage) == (Ending.UNKNOWN, AttemptStage.ENDED)


def test_a_record_gets_its_time_even_if_nobody_looked_for_long(attempt: OctoPrintAttempt):
    followed.follow(attempt, READY, None, 100 + 10 * GRACE)
    assert attempt.ending is None
    followed.follow(attempt, READY, PrintCounts(failure=1), 101 + 10 * GRACE)
    assert attempt.ending is Ending.FAILED


def test_a_print_that_is_seen_to_run_again_was_not_over(attempt: OctoPrintAttempt):
    followed.follow(attempt, READY, None, 101)
    followed.follow(attempt, RUNS, None, 102)
    followed.follow(attempt, READY, None, 101 + GRACE)
    assert attempt.ending is None


def test_a_printer_that_is_gone_decides_nothing_and_is_told_later(attempt: OctoPrintAttempt):
    followed.follow(attempt, GONE, None, 100 + 10 * GRACE)
    assert (attempt.ending, attempt.torn) == (None, True)
    followed.follow(attempt, READY, None, 100 + 10 * GRACE)
    assert attempt.ending is None
    followed.follow(attempt, READY, None, 100 + 11 * GRACE)
    assert attempt.ending is Ending.UNKNOWN
    assert "lost its printer" in attempt.why


@pytest.mark.parametrize(
    ("seen", "prints", "ending"),
    [(GONE, PrintCounts(failure=1), Ending.FAILED), (READY, PrintCounts(success=1), Ending.DONE)],
)
def test_a_trace_is_believed_even_without_a_printer(
    attempt: OctoPrintAttempt, seen: OctoPrintView, prints: PrintCounts, ending: Ending
):
    followed.follow(attempt, seen, prints, 101)
    assert attempt.ending is ending


@pytest.mark.parametrize(
    ("cancelled", "prints", "ending"),
    [
        (True, PrintCounts(failure=1), Ending.CANCELLED),
        (False, PrintCounts(failure=1), Ending.FAILED),
        (True, PrintCounts(success=1), Ending.DONE),
    ],
    ids=["by us", "by another hand", "too late"],
)
def test_a_failure_that_we_asked_for_is_a_cancellation(
    attempt: OctoPrintAttempt, cancelled: bool, prints: PrintCounts, ending: Ending
):
    attempt.cancelled = cancelled
    followed.follow(attempt, READY, prints, 101)
    assert attempt.ending is ending
