"""What the host says, line by line, when the printer answers well and when it does not."""

import pytest

from agent.printers.serial.events import Acknowledged, Broken, Exhausted
from agent.printers.serial.line import checksum, frame
from agent.printers.serial.marlin import Marlin
from agent.printers.serial.options import WINDOW
from agent.printers.serial.replies import Killed, Position, Reading, Restarted, Temperatures
from agent.printers.serial.resends import SETTLE
from agent.printers.serial.silence import FENCE_AFTER


class Talk:
    """A conversation with a clock that the test turns."""

    def __init__(self, count: int = 100) -> None:
        self.marlin = Marlin()
        self.marlin.feed(iter([[b"G1 X%d" % number for number in range(1, count + 1)]]))
        self.now = 0.0

    def sent(self) -> list[str]:
        data, self.events = self.marlin.transmit(self.now)
        return [line.rpartition("*")[0] or line for line in data.decode().splitlines()]

    def hears(self, *lines: str) -> list[object]:
        return list(self.marlin.receive("".join(f"{line}\n" for line in lines).encode(), self.now))

    def waits(self, seconds: float) -> list[object]:
        self.now += seconds
        return list(self.marlin.tick(self.now))


def test_a_line_has_a_number_and_the_xor_of_its_bytes():
    assert frame(3, b"T0") == b"N3 T0*57\n"  # the example of the RepRap wiki
    assert checksum(b"\x01\x02\x04") == 7


def test_no_more_is_sent_than_the_smallest_receive_buffer_holds():
    talk = Talk()
    data, _ = talk.marlin.transmit(0)
    assert 80 < len(data) <= WINDOW
    assert talk.sent() == []


def test_an_ok_makes_room_for_the_next_line():
    talk = Talk()
    before = talk.sent()
    talk.hears("ok")
    assert talk.sent() == [f"N{len(before) + 1} G1 X{len(before) + 1}"]
    assert talk.marlin.executed == 1


def test_a_refused_line_is_sent_again_once_the_others_have_been_refused_too():
    talk = Talk()
    before = talk.sent()
    talk.hears("ok", "Error:checksum mismatch, Last Line: 2", "Resend: 3", "ok")
    talk.hears("Error:Line Number is not Last Line Number+1, Last Line: 2", "Resend: 3", "ok")
    assert talk.sent() == []
    talk.waits(SETTLE)
    assert talk.sent()[: len(before) - 2] == before[2:]


def test_the_ok_of_a_refusal_acknowledges_nothing():
    talk = Talk()
    talk.sent()
    talk.hears("Error:checksum mismatch, Last Line: 2", "Resend: 3", "ok")
    assert talk.marlin.executed == 0
    talk.hears("ok", "ok")
    assert talk.marlin.executed == 2


@pytest.mark.parametrize(
    "told", [["Resend: 3", "ok"], ["rs 3", "ok"], ["Resend: N3"], ["Resend: 3", "Resend: 3", "ok", "ok"]]
)
def test_firmwares_ask_again_in_their_own_ways(told: list[str]):
    talk = Talk()
    talk.sent()
    talk.hears("ok", "ok", *told)
    talk.waits(SETTLE)
    assert talk.sent()[0] == "N3 G1 X3"
    assert talk.marlin.executed == 2


def test_a_garbled_number_is_asked_for_again():
    talk = Talk()
    before = talk.sent()
    talk.hears("Resend: 31337", "ok")
    talk.waits(SETTLE)
    assert talk.sent() == [f"N{len(before) + 1} M105"]


def test_a_line_that_is_refused_for_ever_ends_the_conversation():
    talk = Talk()
    talk.sent()
    events: list[object] = []
    for _ in range(11):
        talk.hears("Error:checksum mismatch, Last Line: 0", "Resend: 1", "ok")
        events += talk.waits(SETTLE)
        talk.sent()
    assert [type(event) for event in events] == [Broken]


def test_silence_brings_a_fence_and_no_repeat():
    talk = Talk()
    before = talk.sent()
    talk.waits(FENCE_AFTER)
    assert talk.sent() == [f"N{len(before) + 1} M105"]
    talk.hears("ok T:20.0 /0.0 B:20.0 /0.0")
    assert talk.marlin.executed == len(before)
    assert talk.sent()


def test_a_plain_ok_does_not_pass_a_fence():
    talk = Talk(count=1)
    talk.marlin.sender.send(b"M400", b"M105", tag="ended")
    talk.sent()
    assert talk.hears("ok", "ok", "ok", "ok") == []
    assert Acknowledged("ended") in talk.hears("ok T:20.0 /0.0")


def test_busy_and_heating_are_no_silence():
    talk = Talk()
    talk.sent()
    for word in ("echo:busy: processing", " T:180.0 /200.0 B:60.0 /60.0 @:0 B@:0 W:?"):
        talk.waits(FENCE_AFTER - 0.1)
        talk.hears(word)
    talk.waits(FENCE_AFTER - 0.1)
    assert talk.sent() == []


def test_reports_that_come_by_themselves_do_not_hide_a_lost_ok():
    talk = Talk()
    talk.sent()
    talk.waits(FENCE_AFTER - 0.1)
    talk.hears(" T:200.0 /200.0 B:60.0 /60.0 @:0 B@:0")
    talk.waits(0.1)
    assert talk.sent()[0].endswith("M105")


def test_a_printer_that_waits_while_lines_are_in_flight_is_asked():
    talk = Talk()
    talk.sent()
    talk.hears("wait")
    assert talk.sent()[0].endswith("M105")


def test_an_advanced_ok_acknowledges_all_up_to_its_number():
    talk = Talk()
    talk.sent()
    talk.hears("ok N3 P12 B2")
    assert talk.marlin.executed == 3
    talk.hears("ok N2 P12 B2")
    assert talk.marlin.executed == 3


def test_a_new_count_begins_with_nothing_else_on_its_way():
    talk = Talk()
    talk.marlin.sender.renumber("greeted")
    assert talk.sent() == ["N0 M110 N0"]
    assert talk.hears("ok") == []
    assert talk.sent() == []
    talk.waits(SETTLE)
    assert talk.sent() == ["N1 M105"]
    assert Acknowledged("greeted") in talk.hears("ok T:20.0 /0.0")
    assert talk.sent()[0] == "N2 G1 X1"


def test_a_new_count_that_was_not_heard_is_begun_again():
    talk = Talk()
    talk.marlin.sender.renumber("greeted")
    talk.sent()
    talk.hears("ok")
    talk.waits(SETTLE)
    assert talk.sent() == ["N1 M105"]
    talk.hears("Error:Line Number is not Last Line Number+1, Last Line: 7", "Resend: 8", "ok")
    talk.waits(SETTLE)
    assert talk.sent() == ["N0 M110 N0"]


def test_urgent_words_pass_the_window_and_cost_an_ok():
    talk = Talk(count=1)
    talk.sent()
    talk.marlin.sender.urge(b"M108")
    assert talk.sent() == ["M108"]
    talk.hears("ok")
    assert talk.marlin.executed == 1


def test_what_is_held_back_is_sent_later():
    talk = Talk(count=3)
    talk.marlin.sender.source.hold()
    assert talk.sent() == []
    talk.marlin.sender.source.go_on()
    assert talk.sent() == ["N1 G1 X1", "N2 G1 X2", "N3 G1 X3"]
    assert talk.events == [Exhausted()]


@pytest.mark.parametrize("line", [b"G1 X1\\", b"M117 see M110 N99", b"G1 X1\nM112", b"", b"G1 " + b"X" * 90])
def test_a_line_that_would_be_misread_is_never_sent(line: bytes):
    marlin = Marlin()
    marlin.feed(iter([[line]]))
    data, events = marlin.transmit(0)
    assert data == b""
    assert [type(event) for event in events] == [Broken]


def test_a_board_that_starts_anew_is_noticed():
    talk = Talk()
    assert talk.hears("start") == [Restarted()]
    for _ in range(20):
        talk.sent()
        talk.hears("ok")
    heard = talk.hears("Error:Line Number is not Last Line Number+1, Last Line: 0", "Resend: 1", "ok")
    assert Restarted() in heard


def test_what_a_printer_tells_comes_out_as_events():
    talk = Talk()
    assert talk.hears("  T:200.5 /210.0 B:59.9 /60.0 T0:200.5 /210.0 @:64 B@:0") == [
        Temperatures(Reading(200.5, 210.0), Reading(59.9, 60.0))
    ]
    assert talk.hears("X:1.00 Y:2.00 Z:0.20 E:3.00 Count X:80 Y:160 Z:80") == [Position(1, 2, 0.2, 3)]
    assert talk.hears("Error:Thermal Runaway, system stopped! Heater_ID: 0") == [
        Killed("Thermal Runaway, system stopped! Heater_ID: 0")
    ]
    assert talk.hears('echo:Unknown command: "M999"', "echo:SD card ok", "\0\0", "//") == []
