"""What a serial host must do: one test for each numbered requirement, in their order."""

import errno
import os
import signal
import termios
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.printers.driver import Condition, Ending, PrinterError
from agent.printers.serial.driver import SerialDriver
from agent.printers.serial.emergency_stop import STOP
from agent.printers.serial.events import Acknowledged, Broken, Halted
from agent.printers.serial.line import allowance, frame
from agent.printers.serial.marlin import Marlin
from agent.printers.serial.options import WINDOW, PortOptions
from agent.printers.serial.parser import parse
from agent.printers.serial.port import Port, PortLost
from agent.printers.serial.port_identity import PortLocator
from agent.printers.serial.progress import PrintProgress
from agent.printers.serial.record import Printing, Record
from agent.printers.serial.replies import Killed, Restarted, Temperatures
from agent.printers.serial.resends import SETTLE
from agent.printers.serial.session import SerialSession
from agent.printers.serial.silence import FENCE_AFTER
from agent.printers.serial.stage import SessionStage
from tests.contract.bench import motion
from tests.farend.board import Board
from tests.farend.virtual import VirtualPrinter, end_pumps, pump_pid
from tests.unit.agent.printers.serial.test_driver import bench_on
from tests.unit.agent.printers.serial.test_marlin import Talk


class Print:
    """A session with a model of a board, and a clock that the test turns."""

    def __init__(self, *capabilities: str, setup: PortOptions | None = None, seconds: float = 0.01) -> None:
        self.board = Board(capabilities=capabilities, seconds=seconds)
        self.session = SerialSession(Record(), 0.0, setup)
        self.now = 0.0
        self.sent = b""
        self.until(lambda: self.session.stage is SessionStage.IDLE)

    def turn(self, seconds: float = 0.05) -> None:
        self.now += seconds
        self.session.tick(self.now)
        data = self.session.transmit(self.now)
        self.sent += data
        self.board.receive(data)
        self.board.advance(self.now)
        self.session.receive(b"".join(self.board.take()), self.now)

    def until(self, wanted, within: float = 3000.0) -> None:
        deadline = self.now + within
        while not wanted():
            assert self.now < deadline, f"in vain: {self.session.status(self.now)}"
            self.turn()

    def start(self, *lines: str, top: float = 200.0) -> None:
        plan = Printing(path="", count=len(lines), seconds=600, top=top, boot="")
        self.session.run.start("a", iter([[line.encode() for line in lines]]), plan, self.now)

    def ends(self) -> tuple[Ending | None, str]:
        self.until(lambda: self.session.record.ending is not None)
        return self.session.record.ending, self.session.record.why


BODY = ["G28", "G92 E0", "G1 Z0.2 F600", *(f"G1 X{n} Y5 E{n}" for n in range(1, 200))]


def test_serial_01_lines_carry_a_number_and_a_checksum():
    assert frame(3, b"T0") == b"N3 T0*57\n"


@pytest.mark.parametrize(
    "line", [b"G1 X1\\", b"M117 see M110 N99", b"G1 " + b"X" * 90, b"G1 X\xd9\xa3", b"G1\tX1"]
)
def test_serial_02_only_canonical_lines_are_framed(line: bytes):
    marlin = Marlin()
    marlin.feed(iter([[line]]))
    data, events = marlin.transmit(0)
    assert (data, [type(event) for event in events]) == (b"", [Broken])
    assert len(frame(2_000_000, b"G" * 80)) <= 96


def test_serial_03_m110_goes_alone_and_is_proven():
    talk = Talk()
    before = len(talk.sent())
    talk.marlin.sender.renumber("greeted")
    assert talk.sent() == []
    talk.hears(*["ok"] * before)
    assert talk.sent() == ["N0 M110 N0"]
    talk.hears("ok")
    talk.waits(SETTLE)
    assert talk.sent() == ["N1 M105"]
    assert Acknowledged("greeted") in talk.hears("ok T:20 /0")


def test_serial_04_silence_repeats_nothing():
    talk = Talk()
    before = set(talk.sent())
    for _ in range(300):
        talk.waits(1.0)
        assert not before & set(talk.sent())


def test_serial_05_silence_brings_a_fence_whose_answer_proves_all_before():
    talk = Talk()
    before = talk.sent()
    talk.waits(FENCE_AFTER)
    assert talk.sent() == [f"N{len(before) + 1} M105"]
    talk.hears("ok T:20.0 /0.0")
    assert talk.marlin.executed == len(before)


def test_serial_05_a_lost_answer_to_a_fence_costs_no_more_than_a_moment():
    talk = Talk()
    talk.marlin.sender.send(b"M105")
    sent = talk.sent()
    talk.hears(*["ok"] * (len(sent) - 1))  # the fence came first, and its answer was lost
    talk.sent()
    assert talk.marlin.executed >= len(sent) - 2


def test_serial_06_a_storm_of_refusals_is_one_going_back():
    talk = Talk()
    before = talk.sent()
    for _ in before:
        talk.hears("Error:checksum mismatch, Last Line: 0", "Resend: 1", "ok")
        assert talk.sent() == []
    talk.waits(SETTLE)
    assert talk.sent() == before


@pytest.mark.parametrize(
    "told", [["Resend: 3", "ok"], ["Resend: N3"], ["rs 3"], ["Resend: 3", "ok", "Resend: 3", "ok"]]
)
def test_serial_07_the_ok_of_a_resend_acknowledges_nothing(told: list[str]):
    talk = Talk()
    talk.sent()
    talk.hears("ok", "ok", *told)
    assert talk.marlin.executed == 2


def test_serial_08_a_number_that_can_not_be_is_asked_again_and_at_last_fails():
    talk = Talk()
    events: list[object] = []
    talk.sent()
    for _ in range(40):
        events += talk.hears("Resend: 31337", "ok")
        events += talk.waits(SETTLE)
        talk.sent()
    assert Broken in {type(event) for event in events}


def test_serial_09_a_resend_beyond_the_history_fails_and_is_never_guessed():
    talk = Talk(count=3000)
    for _ in range(2000):
        talk.sent()
        talk.hears("ok")
    events: list[object] = []
    for _ in range(20):
        events += talk.hears("Error:checksum mismatch, Last Line: 99", "Resend: 100", "ok")
        events += talk.waits(SETTLE)
        assert not any(line.startswith("N100 ") for line in talk.sent())
    assert Broken in {type(event) for event in events}


def test_serial_10_a_plain_ok_is_for_the_oldest_and_an_advanced_one_for_its_number():
    talk = Talk()
    talk.sent()
    talk.hears("ok")
    assert talk.marlin.executed == 1
    talk.hears("ok N4 P15 B3")
    assert talk.marlin.executed == 4
    talk.hears("ok N2 P15 B3")
    assert talk.marlin.executed == 4


def test_serial_11_garbage_is_passed_over_and_bounded():
    marlin = Marlin()
    assert marlin.receive(b"\0\0\xff\xfe half a line", 0) == []
    assert marlin.receive(b"x" * 10_000_000, 0) == []
    assert marlin.held < 1024
    heard = marlin.receive(b"\n\0 T:20.0 /0.0\r\n", 0)
    assert [type(event) for event in heard] == [Temperatures]


def test_serial_12_what_is_unacknowledged_fits_the_smallest_buffer():
    talk = Talk()
    data, _ = talk.marlin.transmit(0)
    assert WINDOW - len(data) // data.count(b"\n") < len(data) <= WINDOW


def test_serial_12_a_full_window_leaves_a_fence_its_place():
    talk = Talk()
    board = Board(seconds=4.0)  # its planner is full for long
    fences = 0
    for _ in range(60):
        sent = talk.marlin.transmit(talk.now)[0]
        fences += sent.count(b"M105")
        board.receive(sent)
        board.advance(talk.now)
        talk.waits(0.25)  # and no ok ever comes back
    assert fences >= 2
    assert board.overflowed == 0


def test_serial_12_a_larger_buffer_is_used_where_the_profile_says_so():
    marlin = Marlin(window=512)
    marlin.feed(iter([[b"G1 X%d" % number for number in range(100)]]))
    assert 400 < len(marlin.transmit(0)[0]) <= 512


def test_serial_12_one_line_at_a_time_where_the_firmware_needs_it():
    marlin = Marlin(window=0)
    marlin.feed(iter([[b"G1 X%d" % number for number in range(100)]]))
    assert marlin.transmit(0)[0].count(b"\n") == 1


def test_serial_12_advanced_oks_tell_how_much_more_has_room():
    plain, told = Talk(), Talk()
    for talk in (plain, told):
        talk.sent()
    plain.hears("ok")
    told.hears("ok N1 P15 B3")
    assert (
        len(told.sent()) >= len(plain.sent()) + 2
    )  # the next three lines, of which one would have found room


def test_serial_12_a_board_that_keeps_losing_lines_gets_them_one_by_one_and_more_again_later():
    talk = Talk(count=9000)
    talk.sent()
    window = talk.marlin.window.limit
    for number in range(1, 30):
        talk.hears(f"Error:checksum mismatch, Last Line: {number - 1}", f"Resend: {number}", "ok")
        talk.waits(SETTLE)
        talk.sent()
        talk.hears("ok")
        talk.sent()
    assert window.size == 0
    for _ in range(5000):
        talk.waits(0.001)
        talk.sent()
        talk.hears("ok")
    assert window.size == WINDOW


def test_serial_13_reported_temperatures_do_not_hide_a_lost_ok_and_busy_is_life():
    talk = Talk()
    talk.sent()
    talk.waits(FENCE_AFTER - 0.1)
    talk.hears("echo:busy: processing")
    talk.waits(FENCE_AFTER - 0.1)
    assert talk.sent() == []
    talk.hears(" T:200.0 /200.0 B:60.0 /60.0")
    talk.waits(0.1)
    assert talk.sent()[0].endswith("M105")


def test_serial_14_long_commands_have_their_own_patience():
    assert allowance(frame(1, b"G1 X1")) == 60
    assert allowance(frame(1, b"M190 S60")) >= 900
    assert allowance(frame(1, b"G28")) > 60
    assert allowance(frame(1, b"G4 S300")) == 360
    assert allowance(frame(1, b"G4 P10000")) == 70
    one = Print()
    one.until(lambda: "M113 S2" in one.board.executed)


def test_serial_14_a_firmware_that_told_how_hot_it_gets_is_not_silent_for_half_an_hour():
    marlin = Marlin()
    marlin.sender.send(b"M190 S60")
    marlin.transmit(0)
    assert marlin.silence.allowance() == marlin.silence.longest() == 1800
    marlin.receive(b"T:21.0 E:0 B:30.0\n", 1)
    assert marlin.silence.allowance() == 60
    assert marlin.silence.longest() == 1800


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    end_pumps(tmp_path / "state")


def test_serial_15_the_sender_is_a_small_process_of_its_own(tmp_path: Path, state: Path):
    with VirtualPrinter(tmp_path / "far", 60) as far:
        bench = bench_on(far, tmp_path)
        bench.idle()
        pid = pump_pid(state)
        assert pid not in {None, os.getpid()}
        told = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        assert told["Threads"].strip() == "1"
        assert int(told["VmRSS"].split()[0]) < 20_000 + 4_000  # kB; coverage and the like come on top
        bench.driver.close()


def test_serial_16_the_board_is_asked_who_it_is_and_what_it_does_not_tell_it_does_not_have():
    told = Print("AUTOREPORT_TEMP").session.board
    assert (told.identity.firmware, told.identity.machine, told.identity.uuid[:8]) == (
        "Marlin bugfix (model)",
        "Model",
        "cafebabe",
    )
    assert told.reports_heat
    assert not told.parses_at_once
    assert not told.prompts


def test_serial_17_temperatures_come_by_themselves_or_are_asked_for():
    reporting, silent = Print("AUTOREPORT_TEMP"), Print()
    for one in (reporting, silent):
        for _ in range(200):
            one.turn()
    assert "M155 S2" in reporting.board.executed
    assert silent.board.executed.count("M105") > 4
    reporting.session.leave()
    reporting.turn()
    reporting.turn()
    assert "M155 S0" in reporting.board.executed


@pytest.mark.parametrize(
    "told",
    [
        "T:200.5 /210.0 B:59.9 /60.0 @:0",
        " T:200.5/210.0 B:59.9/60.0",
        "T:200.5 /210.0 T0:200.5 /210.0 T1:20 /0 B:59.9 /60",
    ],
)
def test_serial_17_firmwares_space_their_temperatures_as_they_like(told: str):
    reply = parse(told.encode())
    assert isinstance(reply, Temperatures)
    assert reply.nozzle is not None
    assert reply.bed is not None
    assert (reply.nozzle.actual, reply.nozzle.target, reply.bed.actual) == (200.5, 210.0, 59.9)


def test_serial_18_a_board_that_restarts_fails_the_attempt_and_says_at_which_layer():
    one = Print()
    one.start("G28", "G1 Z0.2", "G1 X1 Y1 E1", "G1 Z0.4", *(f"G1 X{n} Y1 E{n}" for n in range(2, 500)))
    for _ in range(5):
        one.turn()
    one.board.restart()
    assert one.ends() == (
        Ending.FAILED,
        "The printer restarted itself at layer 2: is its power supply loose, or did somebody press reset?",
    )
    before = [line for line in one.board.executed if line.startswith("G1")]
    one.until(lambda: one.session.stage is SessionStage.IDLE)
    assert [line for line in one.board.executed if line.startswith("G1")] == before


def test_serial_18_a_restart_whose_banner_was_lost_is_told_by_its_numbers():
    talk = Talk()
    for _ in range(20):
        talk.sent()
        talk.hears("ok")
    heard = talk.hears("Error:Line Number is not Last Line Number+1, Last Line: 0", "Resend: 1", "ok")
    assert Restarted() in heard


def test_serial_18_one_garbled_number_is_no_restart():
    talk = Talk()
    for _ in range(20):
        talk.sent()
        talk.hears("ok")
    assert Restarted() not in talk.hears("Resend: 1", "ok")
    talk.waits(SETTLE)
    assert talk.sent()[0].endswith("M105")


def test_serial_19_errors_are_told_apart():
    assert parse(b'echo:Unknown command: "M999"') is None
    assert parse(b"Error:volume.init failed") is None
    assert isinstance(parse(b"Error:MINTEMP triggered, system stopped! Heater_ID: bed"), Killed)
    assert isinstance(parse(b"!! Move out of range"), Killed)
    one = Print()
    one.start(*BODY)
    one.board.say(
        "Error:Heating failed, system stopped! Heater_ID: bed", "Error:Printer halted. kill() called!"
    )
    ending, why = one.ends()
    assert ending is Ending.FAILED
    assert "the bed does not get hot" in why
    assert one.session.status(one.now).condition is Condition.FAULT


def test_serial_19_a_refusal_to_extrude_fails_the_print():
    one = Print()
    one.start(*BODY)
    one.turn()
    one.board.say("echo:cold extrusion prevented")
    ending, why = one.ends()
    assert ending is Ending.FAILED
    assert "too cold" in why
    assert one.session.stage is SessionStage.IDLE


def test_serial_20_buttons_and_prompts_of_the_printer_are_heard():
    one = Print(seconds=0.2)
    one.start(*BODY)
    one.turn()
    one.board.say("//action:pause")
    one.until(lambda: one.session.stage is SessionStage.PAUSED)
    one.board.say("//action:prompt_begin Filament runout", "//action:prompt_show")
    one.turn()
    assert "Filament runout" in one.session.status(one.now).why
    one.board.say("//action:resume")
    one.until(lambda: one.session.stage is SessionStage.PRINTING)
    one.board.say("//action:cancel")
    assert one.ends()[0] is Ending.CANCELLED


def test_serial_20_what_would_wait_for_a_button_is_kept_back():
    marlin = Marlin()
    marlin.feed(iter([[b"G1 X1", b"M0", b"G1 X2"]]))
    data, events = marlin.transmit(0)
    assert (data, events) == (frame(1, b"G1 X1"), [Halted("M0")])
    one = Print()
    one.start("G28", "G1 X1", "M600", "G1 X2")
    one.until(lambda: one.session.stage is SessionStage.PAUSED)
    assert "M600" in one.session.status(one.now).why
    one.session.run.resume(one.now)
    assert one.ends()[0] is Ending.DONE
    assert one.board.executed.count("G1 X2") == 1
    assert "M600" not in one.board.executed


def test_serial_21_urgent_words_pass_the_window_where_a_parser_hears_them():
    one = Print("EMERGENCY_PARSER", "AUTOREPORT_TEMP")
    one.start("M109 S200", *BODY)
    one.until(lambda: one.board.target == 200)
    began = one.now
    one.session.run.cancel(one.now)
    assert one.ends()[0] is Ending.CANCELLED
    assert one.now - began < 5
    assert one.board.target == 0


def test_serial_21_without_a_parser_a_reset_cancels_where_it_is_allowed_and_the_wait_is_told_where_not():
    allowed, not_allowed = Print(setup=PortOptions(port="", dtr="cancel")), Print()
    for one in (allowed, not_allowed):
        one.start("M109 S200", *BODY)
        one.until(lambda one=one: one.board.target == 200)
        one.session.run.cancel(one.now)
    assert allowed.session.emergency_stop.wants_reset
    allowed.board.restart()
    assert allowed.ends() == (Ending.CANCELLED, "")
    assert not not_allowed.session.emergency_stop.wants_reset
    assert "can't be interrupted" in not_allowed.session.status(not_allowed.now).why
    assert not_allowed.ends()[0] is Ending.CANCELLED
    assert not_allowed.board.target == 0


def test_serial_21_an_emergency_stop_is_sent_in_every_way_and_ends_in_a_reset_if_nothing_confirms_it():
    one = Print()
    one.start(*BODY)
    one.turn()
    one.board.receive = lambda data: None
    before = len(one.sent)
    one.until(lambda: one.session.stage is SessionStage.FAULT)
    one.turn()
    assert STOP in one.sent[before:]
    assert b" M112*" in one.sent[before:]
    one.until(lambda: one.session.emergency_stop.wants_reset, within=5)


def test_serial_21_a_fault_outlives_the_process_and_only_a_person_ends_it():
    one = Print()
    one.start(*BODY)
    one.board.say("Error:MAXTEMP triggered, system stopped! Heater_ID: 0")
    one.ends()
    later = SerialSession(one.session.record, 0.0)
    later.receive(b"start\n", 1.0)  # that is what opening the port does to many boards
    assert later.status(1.0).condition is Condition.FAULT
    assert "thermistor" in later.status(1.0).why
    later.reset(2.0)
    assert later.status(2.0).condition is not Condition.FAULT


def test_serial_22_a_pause_lifts_within_limits_and_a_cancel_parks():
    one = Print(setup=PortOptions(port="", park=(0, 200)), seconds=0.2)
    one.start(*BODY)
    one.until(lambda: "G1 X3 Y5 E3" in one.board.executed)
    one.session.run.pause(one.now)
    one.until(lambda: one.session.stage is SessionStage.PAUSED)
    assert one.board.place["Z"] == 5.2
    one.session.run.cancel(one.now)
    assert one.ends()[0] is Ending.CANCELLED
    assert (one.board.place["X"], one.board.place["Y"]) == (0, 200)
    assert one.board.executed.index("M84") > one.board.executed.index("G1 X0.00 Y200.00 F3000")
    low = Print(seconds=0.2)
    low.start(*BODY, top=3.0)
    low.until(lambda: "G1 X3 Y5 E3" in low.board.executed)
    low.session.run.pause(low.now)
    low.until(lambda: low.session.stage is SessionStage.PAUSED)
    assert low.board.place["Z"] == 0.2


def test_serial_23_done_is_m400_acknowledged_and_progress_is_time():
    one = Print(seconds=0.5)
    one.start(*BODY)
    one.until(lambda: not one.session.channel.marlin.sender.source.is_there)
    assert one.session.record.ending is None
    assert one.session.status(one.now).progress < 1
    assert one.ends()[0] is Ending.DONE
    assert "M400" in one.board.executed
    assert one.session.status(one.now).progress == 1
    slow_then_fast = PrintProgress(
        iter([[b"G1 X100 F600", *[b"G1 X%d F6000" % (n % 2) for n in range(640)]]])
    )
    while not slow_then_fast.is_known:
        slow_then_fast.study()
    assert slow_then_fast.part(0) == 0
    assert (slow_then_fast.part(64) or 0) > 64 / 641 * 1.5
    assert slow_then_fast.part(641) == 1


def test_serial_23_heating_shows_as_heating():
    one = Print()
    one.start("M109 S200", *BODY)
    one.until(lambda: one.board.target == 200)
    assert one.session.status(one.now).why == "heating up"
    assert one.session.status(one.now).progress < 0.01


def test_serial_24_a_printer_that_moved_is_found_and_no_other_is_taken_for_it(tmp_path: Path, state: Path):
    links = tmp_path / "by-id"
    links.mkdir()

    first, second = tmp_path / "ttyUSB0", tmp_path / "ttyUSB1"
    first.touch()
    (links / "usb-Prusa_MK3_CZPX1").symlink_to(first)
    PortLocator(tmp_path / "passport", first, links).keep(first, 115200)
    later = PortLocator(tmp_path / "passport", first, links)
    assert later.find() == first
    assert later.known.baud == 115200
    second.touch()
    (links / "usb-Prusa_MK3_CZPX1").unlink()
    (links / "usb-Prusa_MK3_CZPX1").symlink_to(second)
    (links / "usb-Ender_CH340").symlink_to(first)
    assert later.find() == second
    (links / "usb-Prusa_MK3_CZPX1").unlink()
    with pytest.raises(PrinterError, match="another device"):
        later.find()


def test_serial_24_the_port_is_ours_alone_and_closing_it_resets_nothing():
    far, near = os.openpty()
    tty.setraw(near)
    port = Port(os.ttyname(near), 115200)
    try:
        assert not termios.tcgetattr(port.descriptor)[2] & termios.HUPCL
        with pytest.raises(PrinterError, match="in use"):
            Port(os.ttyname(near), 115200)
        assert port.reset() is False  # a pty has no DTR, and that is no error
        port.retune(250_000)
    finally:
        port.close()
        os.close(near)
        os.close(far)


def test_serial_25_a_lost_port_is_a_typed_loss_at_once():
    far, near = os.openpty()
    tty.setraw(near)
    port = Port(os.ttyname(near), 115200)
    os.close(near)
    os.close(far)
    with pytest.raises(PortLost):
        port.read()
    with pytest.raises(PortLost):
        port.write(b"M105\n")
    port.close()
    one = Print()
    one.start(*BODY)
    one.session.lose()
    assert one.session.record.ending is Ending.FAILED
    assert "connection to the printer was lost before the first layer" in one.session.record.why


def test_serial_25_a_file_that_breaks_off_fails_the_print_and_cools():
    one = Print()

    def broken() -> Iterator[list[bytes]]:
        yield [b"G28"]
        yield [b"M104 S200"]
        raise OSError(errno.EIO, "the card is dying")

    one.session.run.start("a", broken(), Printing(path="", count=99, seconds=1, top=0, boot=""), one.now)
    ending, why = one.ends()
    assert ending is Ending.FAILED
    assert "could not be read" in why
    assert one.board.target == 0


@pytest.mark.parametrize("goes_on", [True, False])
def test_serial_26_a_dead_host_is_replaced_only_where_the_owner_wants_and_the_board_proves(
    tmp_path: Path, state: Path, goes_on: bool
):
    with VirtualPrinter(tmp_path / "far", 20) as far:
        bench = bench_on(far, tmp_path)
        bench.driver = SerialDriver("mk3", str(far.port), 115200, state, top=200, goes_on=goes_on)
        bench.start(bench.short)
        bench.wait(lambda status: status.progress > 0.2)
        pid = pump_pid(state)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        status = bench.wait(lambda status: status.ending is not None)
        if goes_on:
            assert (status.ending, far.executed()) == (Ending.DONE, motion(bench.short))
        else:
            assert (status.ending, status.why[:40]) == (
                Ending.FAILED,
                "The process that drives the printer died",
            )
        bench.driver.close()


def test_serial_26_a_board_that_did_reset_is_not_gone_on_with(tmp_path: Path, state: Path):
    with VirtualPrinter(tmp_path / "far", 20) as far:
        bench = bench_on(far, tmp_path)
        bench.driver = SerialDriver("mk3", str(far.port), 115200, state, top=200, goes_on=True)
        bench.start(bench.short)
        bench.wait(lambda status: status.progress > 0.2)
        pid = pump_pid(state)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        far.restart()
        status = bench.wait(lambda status: status.ending is not None)
        assert status.ending is Ending.FAILED
        before = far.executed()
        time.sleep(0.3)
        assert far.executed() == before
        bench.driver.close()
