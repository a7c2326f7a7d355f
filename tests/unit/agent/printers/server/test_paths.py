"""Our files among the owner's."""

import pytest

from agent.printers.server import paths


def test_an_attempt_and_its_path_name_each_other():
    assert paths.attempt_of(paths.path_of("0190-ab_C")) == "0190-ab_C"


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "benchy.gcode",
        "a1.gcode",
        "muster/",
        "muster/a1",
        "muster/.gcode",
        "muster/a/b.gcode",
        "other/a1.gcode",
        "muster/a b.gcode",
    ],
)
def test_a_file_that_is_not_ours_has_no_attempt(path: str | None):
    assert paths.attempt_of(path) is None


@pytest.mark.parametrize("name", ["", "../a", "a/b", "a b", ".a", "-a", "a.gcode;rm", "ä", "a\n", "a" * 81])
def test_an_odd_name_is_no_file_name(name: str):
    assert not paths.is_name(name)


def test_the_newest_of_our_files_is_the_last_attempt():
    files = [
        ("muster/a1.gcode", 10.0),
        ("muster/a2.gcode", 30.0),
        ("muster/a3.gcode", 20.0),
        ("muster/benchy draft.gcode", 99.0),
    ]
    assert paths.newest(files) == "a2"
    assert paths.newest([]) is None
