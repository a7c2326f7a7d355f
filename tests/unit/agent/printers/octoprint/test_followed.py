import pytest

from agent.printers.driver import Condition, Ending
from agent.printers.octoprint import answers
from agent.printers.octoprint import followed as courses
from agent.printers.octoprint.answers import Flags, Job, Look, Printer, Prints
from agent.printers.octoprint.followed import GRACE, Course, Note, Stage

COURSE = Course(attempt="a1", stage=Stage.ORDERED, seen=100.0)


def look(path: str | None = "muster/a1.gcode", completion: float = 0, **flags: bool) -> Look:
    """OctoPrint with these flags; without a printer if there are none."""
    job = Job(
        job=answers.SelectedJob(file=answers.SelectedFile(path=path, origin="local")),
        progress=answers.Progress(completion=completion),
        state="as it may be",
    )
    state = answers.State(text="as it may be", flags=Flags(operational=True, **flags))
    return answers.look(job, Printer(state=state) if flags else None)


RUNS = look(printing=True)
READY = look(ready=True)
GONE = look()


def test_progress_never_falls_and_stays_below_one():
    course = courses.follow(COURSE, look(completion=50, printing=True), None, 101)
    assert course.progress == 0.5
    assert courses.follow(course, look(completion=30, printing=True), None, 102).progress == 0.5
    assert courses.follow(course, look(completion=100, printing=True), None, 102).progress == 0.99


def test_the_trace_is_read_where_progress_has_fallen():
    course = courses.follow(COURSE, look(completion=50, printing=True), None, 101)
    assert courses.runs_on(course, look(completion=51, printing=True))
    assert not courses.runs_on(course, look(completion=1, printing=True))
    assert courses.runs_on(course, look(completion=1, printing=True, finishing=True))


def test_the_end_is_awaited_and_then_unknown():
    course = courses.follow(COURSE, READY, None, 101)
    assert courses.follow(course, READY, None, 101 + GRACE - 1).ending is None
    assert course.condition(READY) is Condition.PRINTING
    course = courses.follow(course, READY, None, 101 + GRACE)
    assert (course.ending, course.stage) == (Ending.UNKNOWN, Stage.ENDED)
    assert course.condition(READY) is Condition.IDLE


def test_a_record_gets_its_time_even_if_nobody_looked_for_long():
    course = courses.follow(COURSE, READY, None, 100 + 10 * GRACE)
    assert course.ending is None
    assert courses.follow(course, READY, Prints(failure=1), 101 + 10 * GRACE).ending is Ending.FAILED


def test_a_print_that_is_seen_to_run_again_was_not_over():
    course = courses.follow(COURSE, READY, None, 101)
    course = courses.follow(course, RUNS, None, 102)
    course = courses.follow(course, READY, None, 101 + GRACE)
    assert course.ending is None


def test_a_printer_that_is_gone_decides_nothing_and_is_told_later():
    course = courses.follow(COURSE, GONE, None, 100 + 10 * GRACE)
    assert (course.ending, course.torn) == (None, True)
    course = courses.follow(course, READY, None, 100 + 10 * GRACE)
    assert course.ending is None
    course = courses.follow(course, READY, None, 100 + 11 * GRACE)
    assert course.ending is Ending.UNKNOWN
    assert "lost its printer" in course.why


def test_a_trace_is_believed_even_without_a_printer():
    assert courses.follow(COURSE, GONE, Prints(failure=1), 101).ending is Ending.FAILED
    assert courses.follow(COURSE, READY, Prints(success=1), 101).ending is Ending.DONE


@pytest.mark.parametrize(("cancelled", "ending"), [(True, Ending.CANCELLED), (False, Ending.FAILED)])
def test_a_failure_that_we_asked_for_is_a_cancellation(cancelled: bool, ending: Ending):
    note = Note(attempt="a1", cancelled=cancelled)
    course = courses.recall(note, None, 100)
    assert courses.follow(course, READY, Prints(failure=1), 101).ending is ending
    assert courses.recall(note, Ending.FAILED, 100).ending is ending


def test_a_cancellation_that_came_too_late_is_done():
    course = courses.recall(Note(attempt="a1", cancelled=True), None, 100)
    assert courses.follow(course, READY, Prints(success=1), 101).ending is Ending.DONE


def test_what_was_only_sent_is_recalled_as_failed_and_what_has_ended_as_it_was():
    sent = courses.recall(Note(attempt="a1", stage=Stage.SENDING), None, 100)
    assert (sent.ending, "nothing was printed" in sent.why) == (Ending.FAILED, True)
    ended = Note(attempt="a1", stage=Stage.ENDED, ending=Ending.CANCELLED, why="so it was")
    course = courses.recall(ended, None, 100)
    assert (course.ending, course.why) == (Ending.CANCELLED, "so it was")


def test_a_file_on_its_way_is_loading_only_while_the_printer_is_ready():
    course = Course(attempt="a1", stage=Stage.SENDING, seen=100)
    assert course.condition(READY) is Condition.LOADING
    assert course.condition(look("benchy.gcode", printing=True)) is Condition.BUSY
    assert course.condition(GONE) is Condition.UNREACHABLE


def test_another_file_that_runs_is_another_hand():
    other = look("benchy.gcode", printing=True)
    assert COURSE.condition(RUNS) is Condition.PRINTING
    ended = courses.follow(COURSE, other, Prints(failure=1), 101)
    assert ended.condition(other) is Condition.BUSY
