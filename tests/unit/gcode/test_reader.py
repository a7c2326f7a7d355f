"""Only canonical bytes are read."""

import pytest

from gcode.reader import LONGEST_LINE, Command, command, commands
from gcode.refusal import Refused, Rule


def test_a_line_becomes_its_code_and_fields():
    assert command(b"G1 X-1.5 Y20 E0.00001 F9000", 7) == Command(
        7, "G1", (("X", -1.5), ("Y", 20.0), ("E", 0.00001), ("F", 9000.0))
    )
    assert command(b"M107", 1) == Command(1, "M107", ())


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" G1 X1",
        b"G1 X1 ",
        b"G1  X1",
        b"G1\tX1",
        b"G1 X1\r",
        b"g1 X1",
        b"G1 x1",
        b"G1X1",
        b"G01 X1",
        b"G1.0 X1",
        b"G1 X",
        b"G1 X+1",
        b"G1 X1E3",
        b"G1 X1e3",
        b"G1 X.5",
        b"G1 X5.",
        b"G1 X01",
        b"G1 X--1",
        b"G1 X1_0",
        b"G1 X1,5",
        b"G1 X0x10",
        b"G1 Xnan",
        b"G1 Xinf",
        b"G1 X1 ; note",
        b"G1 X1;",
        b"G1 (a) X1",
        b"; G1",
        b"G1 X1*5",
        b"N1 G1 X1",
        b"G1 X1 #",
        b"G1 X\\1",
        b"G1 X1\x08",
        b"G1 X1\x00",
        b"G1 X1\xb2",
        "G1 X１０".encode(),
        "G1 X٣".encode(),
        b"\xef\xbb\xbfG1 X1",
        b"T0",
        b"@pause",
        b"M117 hello",
        b"START_PRINT",
        b"G65537 X1",
        b"G1 X1234567",
        b"G1 X1.123456",
        b"M84 X Y",
        b"G28 W",
    ],
)
def test_any_other_spelling_is_refused(line: bytes):
    with pytest.raises(Refused) as caught:
        command(line, 3)
    assert (caught.value.rule, caught.value.line) == (Rule.FORM, 3)


def test_eighty_bytes_are_a_line_and_eighty_one_are_not():
    line = b"G1" + b" X1234" * 13
    assert len(line) == LONGEST_LINE
    assert len(command(line, 1).fields) == 13
    with pytest.raises(Refused, match="longer than 80"):
        command(line + b"5", 1)


def test_a_file_may_come_in_pieces_cut_anywhere():
    data = b"G28\nG1 X1 Y2\nM107\n"
    whole = list(commands([data]))
    assert [c.line for c in whole] == [1, 2, 3]
    for cut in range(len(data)):
        assert list(commands([data[:cut], data[cut:]])) == whole


def test_the_last_line_must_be_ended():
    with pytest.raises(Refused, match="not ended") as caught:
        list(commands([b"G28\nM10", b"7"]))
    assert caught.value.line == 2


def test_an_endless_line_is_not_waited_for():
    def endless():
        yield b"G28\n"
        for _ in range(3):
            yield b"X" * 50
        raise AssertionError("read on")

    with pytest.raises(Refused, match="longer than 80"):
        list(commands(endless()))
