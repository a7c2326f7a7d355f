"""Help, and the words in which figures are told."""

import subprocess
import sys

import click
import pytest

from coordinator import cli
from coordinator.cli import formatting
from tests.unit.coordinator.cli.command import environment


def commands(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found += commands(inner, (*path, name))
    return found


@pytest.mark.parametrize("path", commands(cli.muster), ids=" ".join)
def test_help_teaches(say, path):
    helped = say(*path, "--help")
    assert helped.code == 0
    assert "Example" in helped.out or "Commands:" in helped.out
    if "Example" in helped.out:
        assert "  muster " + " ".join(path) in helped.out


def test_a_group_alone_shows_what_it_can_do(say):
    alone = say("need")
    assert alone.code == 0
    assert "file" in alone.out


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from coordinator import cli; assert cli.run(['--help']) == 0;"
        "print({'httpx', 'rich', 'fastapi', 'sqlalchemy'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stderr == "set()\n"


@pytest.mark.parametrize(
    ("seconds", "words_"),
    [
        (0, "1 min"),
        (90, "2 min"),
        (7199, "120 min"),
        (7200, "2 hours"),
        (86_400, "24 hours"),
        (200_000, "2 days"),
    ],
)
def test_lengths_of_time_in_words(seconds, words_):
    assert formatting.length(seconds) == words_


def test_a_deadline_says_how_far_off_it_is():
    assert formatting.due(None, 0) == "no deadline"
    assert formatting.due(1_585_785_599, 1_585_500_000) == "1 Apr 2020, in 3 days"
    assert formatting.due(1_585_785_599, 1_586_000_000) == "1 Apr 2020, 2 days late"


def test_terminal_codes_of_others_do_nothing():
    assert formatting.plain("\x1b[2Jtwo\nlines") == "�[2Jtwo\nlines"
    assert formatting.line(" one \n line\r\n") == "one line"
