import pytest

from agent.prose import flow, wrap

HELP = """
A paragraph that is
written on two lines.

heading:
  name       what it is, at a length that no narrow terminal holds
  long-name  something
"""


def test_paragraphs_are_filled_and_lists_stay():
    told = flow(HELP, 40).splitlines()
    assert told[0] == "A paragraph that is written on two"
    assert told[3:7] == [
        "heading:",
        "  name       what it is, at a length",
        "             that no narrow terminal",
        "             holds",
    ]
    assert told[7] == "  long-name  something"


@pytest.mark.parametrize("width", [1, 20, 40, 79, 200])
def test_nothing_is_lost_and_nothing_is_wider_than_it_must_be(width: int):
    told = flow(HELP, width)
    assert told.split() == HELP.split()
    longest = max(len(word) for word in HELP.split())
    assert max(map(len, told.splitlines())) <= max(width, 20, 13 + longest)


def test_a_path_is_never_broken():
    path = "/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0"
    assert path in wrap(f"{path} is in use by another program: close that first", 30).splitlines()
