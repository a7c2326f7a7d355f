from agent.following import GRACE, observe
from agent.printers.driver import Condition, Ending, Status
from wire.lifecycle import State, Step


def test_a_file_that_is_still_on_its_way_is_no_print_however_long_it_takes():
    status = Status(condition=Condition.LOADING, attempt="a1")
    assert observe(State.STARTING, "a1", status, unseen=0) is None
    assert observe(State.STARTING, "a1", status, unseen=GRACE * 10) is None


def test_a_file_that_was_not_taken_fails_the_attempt():
    status = Status(condition=Condition.IDLE, attempt="a1", ending=Ending.FAILED, why="its disk is full")
    assert observe(State.STARTING, "a1", status, unseen=0) == (Step.FAIL, "its disk is full")
