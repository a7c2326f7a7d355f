"""Each file of the corpus gets its verdict, from the gate and from the command."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from agent import cli
from agent.cli.check import choose
from gcode.refusal import Rule
from gcode.rules import ALLOWED
from tests.corpus import every
from tests.corpus.case import FILES, HERE, PLAIN, VERDICTS, Case
from tests.fuzz.differential import hold, judged

CASES = every()
MACHINES = {
    name: choose(None if name == PLAIN else str(HERE / "machines" / f"{name}.toml"), None, None)
    for name in (PLAIN, "fenced", "round")
}


def test_there_are_at_least_a_hundred_and_fifty_and_no_name_twice():
    assert len(CASES) >= 150
    assert len({case.path for case in CASES}) == len(CASES)
    assert len({(case.machine, case.data) for case in CASES}) > 0.98 * len(CASES)


def test_the_files_are_those_that_the_rules_make():
    """If not: `python -m tests.corpus`, and look at the difference."""
    there = {path for path in FILES.rglob("*") if path.is_file()}
    assert there == {case.path for case in CASES}
    assert [case.path for case in CASES if case.path.read_bytes() != case.data] == []
    assert VERDICTS.read_text() == "".join(case.row + "\n" for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.machine}/{case.name}")
def test_a_file_gets_its_verdict(case: Case, capsys: pytest.CaptureFixture[str]):
    profile = [] if case.machine == PLAIN else ["--profile", str(HERE / "machines" / f"{case.machine}.toml")]
    status = cli.main(["check", "--json", str(case.path), *profile])
    said = json.loads(capsys.readouterr().out)
    assert said.keys() == {"accepted", "code", "line", "reason"}
    assert (said["accepted"], said["code"], said["line"]) == (not case.code, case.code, case.line), said
    assert status == (1 if case.code else 0)
    assert bool(said["reason"]) == bool(case.code)


@pytest.mark.parametrize("case", [case for case in CASES if not case.code], ids=lambda case: case.name)
def test_what_is_accepted_does_no_harm(case: Case):
    machine = MACHINES[case.machine]
    assert hold(case.data, machine.profile, machine.material).accepted


def test_every_rule_but_size_refuses_some_file():
    refused = Counter(case.code for case in CASES if case.code)
    assert refused.keys() == {rule.value for rule in Rule} - {Rule.SIZE}


def test_every_code_that_may_be_said_is_said_in_a_file_that_passes():
    said = {line.split()[0] for case in CASES if not case.code for line in case.data.decode().splitlines()}
    owners = {"G29", "M204", "M420", "M900"}
    assert said == ALLOWED.keys() - owners


@pytest.mark.parametrize("case", [case for case in CASES if not case.code], ids=lambda case: case.name)
def test_an_accepted_file_is_refused_once_a_byte_of_its_form_is_spoilt(case: Case):
    machine = MACHINES[case.machine]
    for spoilt in (
        case.data[:-1],
        case.data.replace(b"\n", b"\r\n"),
        case.data.replace(b" ", b"  "),
        case.data.lower(),
        b"\xef\xbb\xbf" + case.data,
        case.data + b"\0",
        re.sub(rb"\n", b" ; note\n", case.data, count=1),
    ):
        assert not judged(spoilt, machine.profile, machine.material).accepted


def test_no_file_is_large():
    assert all(path.stat().st_size < 50_000 for path in Path(FILES).rglob("*.gcode"))
