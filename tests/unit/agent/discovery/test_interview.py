from hypothesis import given
from hypothesis import strategies as st

from agent.discovery.interview import AGAIN_SECONDS, BOOT_SECONDS, WORDS, Interview

MARLIN = (
    b"FIRMWARE_NAME:Marlin 2.1.2.1 (Jan  1 2024 10:00:00) SOURCE_CODE_URL:github.com/MarlinFirmware/Marlin"
    b" PROTOCOL_VERSION:1.0 MACHINE_TYPE:Ender-3 V2 EXTRUDER_COUNT:1"
    b" UUID:cede2a2f-41a2-4748-9b12-c55c62f367ff\n"
    b"Cap:AUTOREPORT_TEMP:1\nCap:EMERGENCY_PARSER:0\nCap:THERMAL_PROTECTION:1\nok\n"
)
PRUSA = (
    b"FIRMWARE_NAME:Prusa-Firmware 3.13.3 based on Marlin FIRMWARE_URL:https://github.com/prusa3d/Prusa-Firmware"
    b" PROTOCOL_VERSION:1.0 MACHINE_TYPE:Prusa i3 MK3S EXTRUDER_COUNT:1\nok\n"
)
ASKED = BOOT_SECONDS + 0.01


def asked() -> Interview:
    interview = Interview(0)
    assert interview.transmit(ASKED) == WORDS
    return interview


def test_a_board_gets_a_moment_before_it_is_asked():
    assert Interview(0).transmit(BOOT_SECONDS / 2) == b""


def test_a_marlin_is_known_by_its_answer():
    interview = asked()
    interview.receive(MARLIN, 1)
    board = interview.board
    assert interview.is_over(1)
    assert (board.firmware, board.machine) == ("Marlin 2.1.2.1 (Jan  1 2024 10:00:00)", "Ender-3 V2")
    assert board.uuid == "cede2a2f-41a2-4748-9b12-c55c62f367ff"
    assert board.capabilities == {"AUTOREPORT_TEMP", "THERMAL_PROTECTION"}
    assert board.refused == {"EMERGENCY_PARSER"}


def test_a_prusa_is_known_by_its_answer():
    interview = asked()
    interview.receive(PRUSA, 1)
    assert interview.board.firmware == "Prusa-Firmware 3.13.3 based on Marlin"
    assert interview.board.machine == "Prusa i3 MK3S"


@given(st.lists(st.integers(1, len(MARLIN) - 1), unique=True).map(sorted))
def test_an_answer_in_pieces_is_the_same_answer(cuts: list[int]):
    whole, pieces = asked(), asked()
    whole.receive(MARLIN, 1)
    for begin, end in zip([0, *cuts], [*cuts, len(MARLIN)], strict=True):
        pieces.receive(MARLIN[begin:end], 1)
    assert pieces.board == whole.board
    assert pieces.is_over(1)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_noise_raises_nothing_and_hides_no_board(before: bytes, after: bytes):
    interview = asked()
    interview.receive(before + b"\n" + MARLIN + after, 1)
    assert interview.board.machine == "Ender-3 V2"


def test_a_banner_and_reports_are_no_answer():
    interview = asked()
    interview.receive(b"start\necho:Marlin 2.1.2\n T:20.1 /0.0 B:20.0 /0.0 @:0 B@:0\nok\nwait\n", 1)
    assert interview.board.firmware == ""
    assert interview.is_text
    assert not interview.is_over(99)


def test_who_did_not_answer_is_asked_again_and_who_did_is_not():
    interview = asked()
    assert interview.transmit(ASKED + AGAIN_SECONDS / 2) == b""
    assert interview.transmit(ASKED + AGAIN_SECONDS) == WORDS
    interview.receive(MARLIN, 2)
    assert interview.transmit(99) == b""


def test_a_board_that_stopped_itself_tells_why():
    interview = asked()
    interview.receive(b"Error:Printer halted. kill() called!\n", 1)
    assert "halted" in interview.board.fault
    assert interview.is_over(1)


def test_a_wrong_baud_rate_is_noise_and_a_spark_is_not():
    spark, wrong = asked(), asked()
    spark.receive(b"\x00start\n", 1)
    wrong.receive(b"\x98\xf8\x86\x1e\xe6\x80" * 5, 1)
    assert not spark.is_noise
    assert wrong.is_noise


def test_an_answer_that_never_ends_is_ended():
    interview = asked()
    interview.receive(MARLIN.removesuffix(b"ok\n"), 1)
    assert not interview.is_over(1)
    assert interview.is_over(interview.wake_at())
    assert interview.board.capabilities
