"""The model against what was seen in a real Marlin 2 built for Linux: SERIAL.md's facts marked **M**."""

from tests.unit.agent.printers.virtual.board import Board, frame


def test_fact_2_a_backslash_answers_resend_for_ever():
    board = Board()
    for _ in range(12):
        assert "Resend: 1" in board.raw(frame(1, b"M117 a\\b"))


def test_fact_2_a_framed_line_over_95_characters_answers_resend_for_ever():
    board = Board()
    assert board.raw(frame(1, b"M117 " + b"x" * 84)) == ["ok"]
    for _ in range(12):
        assert "Resend: 2" in board.raw(frame(2, b"M117 " + b"x" * 90))


def test_fact_2_a_text_that_holds_m110_sets_the_counter():
    board = Board()
    board.does(b"M117 see M110 N99")
    assert board.raw(frame(2, b"G21"))[0] == "Error:Line Number is not Last Line Number+1, Last Line: 99"


def test_fact_3_lines_in_the_same_write_as_m110_bring_a_bogus_resend_of_line_1():
    board = Board()
    board.does(b"G21", b"G21", b"G21")
    assert board.raw(frame(0, b"M110 N0")) == ["ok"]
    assert board.raw(frame(1, b"G21")) == ["ok"]
    together = frame(0, b"M110 N0") + b"".join(frame(number, b"G21") for number in range(1, 6))
    assert "Resend: 1" in board.raw(together)


def test_fact_4_the_last_line_and_the_one_before_get_no_answer_at_all():
    board = Board()
    board.does(b"G21", b"G21", b"G21")
    assert board.raw(frame(3, b"G21")) == []
    assert board.raw(frame(2, b"G21")) == []
    assert "Resend: 4" in board.raw(frame(1, b"G21"))


def test_fact_6_one_error_flushes_the_receive_buffer():
    board = Board()
    four = [frame(1, b"G1 X1").replace(b"X", b"Y"), *[frame(number, b"G1 X1") for number in range(2, 5)]]
    said = board.raw(b"".join(four))
    assert said.count("ok") == 1
    assert [line for line in said if line.startswith("Resend")] == ["Resend: 1"]


def test_fact_6_lines_still_on_the_way_each_answer_error_and_resend_and_ok():
    board = Board()
    board.raw(frame(1, b"G1 X1").replace(b"X", b"Y"))
    for number in (2, 3, 4):
        error, resend, ok = board.raw(frame(number, b"G1 X1"))
        assert error.startswith("Error:Line Number")
        assert (resend, ok) == ("Resend: 1", "ok")


def test_fact_12_127_bytes_are_safe_whatever_the_queue_does_and_500_are_not():
    line = b"G1 X10.125 Y20.250 E1.50000"
    safe, greedy = Board(), Board()
    for board, window in ((safe, 127), (greedy, 500)):
        board.does(b"G28")
        flight = b""
        while len(flight + frame(board.number + 1, line)) <= window:
            board.number += 1
            flight += frame(board.number, line)
        board.raw(flight)
    assert safe.firmware.overflowed == 0
    assert greedy.firmware.overflowed > 200
    assert not any(word.startswith("Resend") for word in safe.waits(8))
    greedy.waits(8)
    assert "Resend" in " ".join(greedy.raw(b"\n" + frame(greedy.number, line)))


def test_fact_26_an_absurd_number_tells_the_last_line_and_printing_goes_on_behind_it():
    board = Board()
    board.does(*[f"G1 X{x} F6000".encode() for x in range(1, 6)])
    said = board.raw(frame(99999999, b"M105"))
    assert said == ["Error:Line Number is not Last Line Number+1, Last Line: 5", "Resend: 6", "ok"]
    assert board.raw(frame(6, b"G1 X6")) == ["ok"]
    assert board.log == [*[f"G1 X{x} F6000" for x in range(1, 6)], "G1 X6"]


def test_an_emergency_word_passes_the_queue_and_still_costs_an_ok():
    board = Board()
    board.does(b"M109 S200", b"G1 X1", b"G1 X2")
    assert board.raw(b"M108\n") == ["ok"] * 4


def test_a_relative_file_shows_every_line_in_its_extrusion():
    board = Board()
    board.does(b"M83", b"M302 P1", *[b"G1 X1 E0.5 F6000"] * 10)
    assert "E:5.00" in board.does(b"M114")[0]
