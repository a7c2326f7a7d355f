import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.attempt.following import GRACE, observe
from agent.journal.attempts import IN_MOTION
from agent.printers.driver import Condition, Ending, Status
from wire.lifecycle import State, Step, allows

statuses = st.builds(
    Status,
    condition=st.sampled_from(Condition),
    attempt=st.sampled_from([None, "a-1", "a-2"]),
    ending=st.none() | st.sampled_from(Ending),
    why=st.sampled_from(["", "look at it"]),
)


def look(condition: Condition, ending: Ending | None = None, attempt: str | None = "a-1") -> Status:
    return Status(condition=condition, attempt=attempt, ending=ending)


@given(st.sampled_from(sorted(IN_MOTION)), statuses, st.floats(0, 1000))
def test_whatever_a_printer_shows_follows_the_table(state: State, status: Status, unseen: float):
    seen = observe(state, "a-1", status, unseen)
    assert seen is None or allows(state, seen[0])


@pytest.mark.parametrize("state", sorted(IN_MOTION))
@pytest.mark.parametrize(
    ("ending", "step"),
    [
        (Ending.DONE, Step.FINISH),
        (Ending.FAILED, Step.FAIL),
        (Ending.CANCELLED, Step.CANCEL),
        (Ending.UNKNOWN, Step.FAIL),
    ],
)
def test_an_ending_is_believed_of_our_own_attempt_only(state: State, ending: Ending, step: Step):
    seen = observe(state, "a-1", look(Condition.IDLE, ending), 0)
    assert seen is not None
    assert seen[0] is step
    assert observe(state, "a-2", look(Condition.IDLE, ending), 0) is None


def test_what_nobody_saw_the_end_of_asks_for_the_owner():
    seen = observe(State.PRINTING, "a-1", look(Condition.IDLE, Ending.UNKNOWN), 0)
    assert seen is not None
    assert "ask the owner" in seen[1]


@pytest.mark.parametrize("state", sorted(IN_MOTION))
def test_a_printer_out_of_reach_says_nothing_for_as_long_as_it_takes(state: State):
    assert observe(state, "a-1", look(Condition.UNREACHABLE), 10 * GRACE) is None
    assert observe(state, "a-1", look(Condition.UNREACHABLE, attempt=None), 10 * GRACE) is None


@pytest.mark.parametrize("attempt", [None, "a-1", "a-2"])
def test_an_idle_printer_gets_some_time_to_show_our_attempt_and_then_has_lost_it(attempt: str | None):
    assert observe(State.STARTING, "a-1", look(Condition.IDLE, attempt=attempt), GRACE - 1) is None
    seen = observe(State.STARTING, "a-1", look(Condition.IDLE, attempt=attempt), GRACE)
    assert seen is not None
    assert seen[0] is Step.FAIL


def test_idle_or_full_progress_is_never_taken_for_done():
    status = Status(condition=Condition.IDLE, attempt="a-1", progress=1.0)
    assert observe(State.PRINTING, "a-1", status, 0) is None


def test_pause_and_resume_are_seen_in_turn():
    assert observe(State.STARTING, "a-1", look(Condition.PAUSED), 0) == (Step.PRINT, "")
    assert observe(State.PRINTING, "a-1", look(Condition.PAUSED), 0) == (Step.PAUSE, "")
    assert observe(State.PAUSED, "a-1", look(Condition.PAUSED), 0) is None
    assert observe(State.PAUSED, "a-1", look(Condition.PRINTING), 0) == (Step.RESUME, "")


def test_a_file_that_is_still_on_its_way_is_no_print_however_long_it_takes():
    assert observe(State.STARTING, "a-1", look(Condition.LOADING), 0) is None
    assert observe(State.STARTING, "a-1", look(Condition.LOADING), 10 * GRACE) is None


def test_a_file_that_was_not_taken_fails_the_attempt():
    seen = observe(State.STARTING, "a-1", look(Condition.IDLE, Ending.FAILED), 0)
    assert seen is not None
    assert seen[0] is Step.FAIL
