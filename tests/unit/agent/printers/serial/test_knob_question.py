"""The knob that says that the bed is clear, on a board's own firmware."""

import pytest

from agent.printers.driver import Condition, PrinterError
from agent.printers.serial.session import SerialSession
from agent.printers.serial.stage import SessionStage
from tests.farend.owner import Desk


def idle(profile: str = "marlin2") -> tuple[Desk, SerialSession]:
    desk = Desk(profile)
    assert desk.until(lambda: desk.stage is SessionStage.IDLE, 100)
    assert desk.session
    return desk, desk.session


def test_a_press_answers_the_question_that_stands():
    desk, session = idle()
    session.bed_question.ask("q-1", desk.now)
    desk.wait(60)
    assert (desk.status.condition, desk.status.asks, desk.status.answered) == (Condition.IDLE, "q-1", "")
    desk.firmware.strike("press")
    desk.wait(5)
    assert (desk.status.asks, desk.status.answered) == ("", "q-1")


def test_it_may_stand_for_hours():
    desk, session = idle()
    session.bed_question.ask("q-1", desk.now)
    desk.wait(2 * 3600)
    assert (desk.status.condition, desk.status.asks) == (Condition.IDLE, "q-1")
    desk.firmware.strike("press")
    desk.wait(5)
    assert desk.status.answered == "q-1"


def test_a_question_that_is_called_off_has_no_answer():
    desk, session = idle()
    session.bed_question.ask("q-1", desk.now)
    desk.wait(10)
    session.bed_question.hush()
    desk.wait(5)
    assert (desk.status.asks, desk.status.answered) == ("", "")
    desk.start()
    assert desk.until(lambda: desk.record.ending is not None, 1000)
    assert desk.record.ending == "done"


def test_nothing_starts_while_the_display_asks():
    desk, session = idle()
    session.bed_question.ask("q-1", desk.now)
    desk.wait(10)
    with pytest.raises(PrinterError, match="display asks"):
        desk.start()


def test_a_start_forgets_the_press():
    desk, session = idle()
    session.bed_question.ask("q-1", desk.now)
    desk.wait(10)
    desk.firmware.strike("press")
    desk.wait(5)
    desk.start()
    assert desk.status.answered == ""


def test_a_board_that_restarts_has_answered_nothing():
    desk, session = idle()
    session.bed_question.ask("q-1", desk.now)
    desk.wait(10)
    desk.firmware.strike("restart")
    assert desk.until(lambda: desk.stage is SessionStage.IDLE and not desk.status.asks, 100)
    assert desk.status.answered == ""


def test_a_firmware_that_does_not_wait_is_not_taken_for_one_whose_knob_was_pressed():
    desk, session = idle()
    machine = desk.firmware.machine
    machine.does = {**machine.does, "M0": lambda _machine, _words: None}  # pyright: ignore[reportAttributeAccessIssue]
    for name in ("q-1", "q-2", "q-3"):
        session.bed_question.ask(name, desk.now)
        desk.wait(5)
        assert (desk.status.asks, desk.status.answered) == ("", "")
    with pytest.raises(PrinterError, match="does not wait"):
        session.bed_question.ask("q-4", desk.now)


@pytest.mark.parametrize("profile", ["marlin1", "prusa", "ender-clone"])
def test_where_a_question_could_not_be_called_off_none_is_asked(profile):
    desk, session = idle(profile)
    with pytest.raises(PrinterError, match="EMERGENCY_PARSER"):
        session.bed_question.ask("q-1", desk.now)
