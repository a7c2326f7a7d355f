"""When a printer that we left alone is in somebody else's hands."""

import pytest

from agent.printers.driver import Condition, Heat, PrinterError
from agent.printers.serial.other_use import FORGET_SECONDS, OtherUse
from agent.printers.serial.record import Printing
from agent.printers.serial.replies import Position, SdCard
from tests.unit.agent.printers.serial.test_requirements import Print


def test_a_cold_printer_that_stands_still_is_free():
    hand = OtherUse()
    for now in range(100):
        hand.see_heat(Heat(21, 0), Heat(21, 0), now)
        hand.see_place(Position(1, 2, 3, 4), now)
        hand.see_card(SdCard(printing=False), now)
        assert not hand.why(now)


def test_a_target_that_we_did_not_set_is_somebody_else():
    hand = OtherUse()
    hand.see_heat(Heat(21, 200), None, 0)
    assert not hand.why(0), "one reading may be garbled"
    hand.see_heat(Heat(25, 200), None, 2)
    assert "heats" in hand.why(2)
    assert not hand.why(2 + FORGET_SECONDS)


def test_a_head_that_moves_is_somebody_else():
    hand = OtherUse()
    hand.see_place(Position(0, 0, 0, 0), 0)
    hand.see_place(Position(0, 0, 10, 0), 10)
    assert "moves" in hand.why(10)


def test_a_print_from_the_card_is_somebody_else_until_it_is_over():
    hand = OtherUse()
    hand.see_card(SdCard(printing=True), 0)
    assert "card" in hand.why(1)
    hand.see_card(SdCard(printing=False), 10)
    assert not hand.why(10)


def test_nothing_starts_on_a_printer_in_use():
    one = Print()
    one.board.say("SD printing byte 123/4567")
    one.turn()
    assert one.session.status(one.now).condition is Condition.BUSY
    with pytest.raises(PrinterError, match="own card"):
        one.session.run.start(
            "a", iter([[b"G28"]]), Printing(path="", count=1, seconds=1, top=0, boot=""), one.now
        )
    one.board.say("Not SD printing")
    one.turn()
    assert one.session.status(one.now).condition is Condition.IDLE
