"""`muster-agent check`: a verdict for a person or a program, whatever it is given."""

import io
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from agent import cli, settings
from agent.cli import check

GOOD = (
    "G21\nG90\nM83\nM140 S80\nM104 S230\nG28\nM190 S80\nM109 S230\nG92 E0\nG1 X10 Y10 Z0.2 F3000\n"
    "G1 X20 Y10 E0.4\nM104 S0\nM140 S0\nM84\n"
)
BODY = "G1 X20 Y20 F3000\nG1 X30 Y20 E0.4\n"
ROOT = Path(__file__).parents[4]


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv(settings.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    status = cli.main(["check", "--json", *words])
    return status, json.loads(capsys.readouterr().out.splitlines()[-1])


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_a_good_file_is_accepted_with_status_0(tmp_path, capsys):
    file = write(tmp_path / "good.gcode", GOOD)
    assert said(capsys, file) == (0, {"accepted": True, "code": "", "line": 0, "reason": ""})
    assert cli.main(["check", file]) == 0
    out = capsys.readouterr().out
    assert "accepted\n  14 lines, 0.0 g, 0 h 01 min" in out
    assert "220 x 220 x 250 mm, nozzle 0.4 mm, petg" in out


def test_a_bad_file_is_refused_with_status_1_and_its_line_is_shown(tmp_path, capsys):
    file = write(tmp_path / "bad.gcode", GOOD.replace("G92 E0", "M600"))
    status, verdict = said(capsys, file)
    assert status == 1
    assert verdict == {"accepted": False, "code": "code", "line": 9, "reason": verdict["reason"]}
    assert cli.main(["check", file]) == 1
    out = capsys.readouterr().out
    assert "refused (code)\n  line 9: M600 is not on the list" in out
    assert "      M600\n" in out


def test_every_rule_has_a_word_for_a_person():
    assert check.ADVICE.keys() == set(check.Rule)


def test_what_a_terminal_must_not_see_is_not_shown(tmp_path, capsys):
    file = tmp_path / "bad\x1b[31m.gcode"
    file.write_bytes(b"G1 X1\x1b[2J\x00\xff\n")
    assert cli.main(["check", str(file)]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[2J\\x00\\xff" in out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["nowhere.gcode"], "no such file"),
        (["."], "Is a directory"),
        (["good.gcode/x"], "Not a directory"),
        (["good.gcode", "--profile", "teapot"], "no machine is called 'teapot'"),
        (["good.gcode", "--profile", "nowhere.toml"], "can't be read"),
        (["good.gcode", "--profile", "./good.gcode"], "not valid TOML"),
        (["good.gcode", "--profile", "odd.toml"], "`widht` is not a known setting"),
        (["good.gcode", "--profile", "family.toml"], "no family is called 'acme'"),
        (["good.gcode", "--profile", "zones.toml"], "need `home`"),
        (["good.gcode", "--material", "wood"], "petg, pla"),
    ],
)
def test_what_can_not_be_judged_is_told_with_status_2(words, why, tmp_path, capsys):
    write(tmp_path / "good.gcode", GOOD)
    write(tmp_path / "odd.toml", "widht = 3\n")
    write(tmp_path / "family.toml", 'family = "acme"\n')
    write(tmp_path / "zones.toml", "zones = [{x = 1, y = 1, radius = 5}]\n")
    assert cli.main(["check", "--json", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert why in err
    assert err.count("\n") == 1


def test_words_that_it_does_not_know_have_status_2(capsys):
    for words in ([], ["a", "b"], ["a", "--wrong"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(["check", *words])
        assert ended.value.code == 2


def test_the_machine_may_be_a_family_a_model_a_file_or_a_printer_of_ones_own(tmp_path, capsys):
    wide = write(tmp_path / "wide.gcode", GOOD.replace("X20 Y10", "X240 Y10"))
    assert said(capsys, wide)[1]["code"] == "volume"
    assert said(capsys, wide, "--profile", "prusa-mk3")[0] == 0
    assert said(capsys, wide, "--profile", "marlin")[0] == 1
    assert said(capsys, wide, "--profile", "ender-5-plus")[0] == 0
    machine = write(tmp_path / "my.toml", 'width = 240\nmaterial = "pla"\n')
    assert said(capsys, wide, "--profile", machine)[1]["code"] == "temperature"
    assert said(capsys, wide, "--profile", machine, "--material", "petg")[0] == 0
    own = '[[printer]]\nname = "left"\ndriver = "serial"\nport = "/dev/x"\nmaterial = "petg"\n'
    own += "[printer.profile]\nwidth = 250\n"
    file = write(tmp_path / "own.toml", own)
    assert cli.main(["--config", file, "check", "--json", wide, "--profile", "left"]) == 0
    assert cli.main(["--config", file, "check", "--json", wide, "--profile", "right"]) == 2
    write(tmp_path / settings.NAME, own.replace("left", "marlin"))
    assert said(capsys, wide, "--profile", "marlin")[0] == 0
    write(tmp_path / settings.NAME, "nonsense")
    assert said(capsys, wide, "--profile", "marlin")[0] == 1
    assert cli.main(["check", wide, "--profile", "left"]) == 2


def test_a_body_is_judged_between_the_scripts_of_its_machine(tmp_path, capsys):
    body = write(tmp_path / "body.gcode", BODY)
    assert said(capsys, body)[1]["line"] == 1
    assert said(capsys, body, "--body")[0] == 0
    assert (
        said(capsys, write(tmp_path / "whole.gcode", GOOD), "--body")[1]["code"] == "state"
    )  # homes after the purge line
    bad = write(tmp_path / "bad.gcode", BODY + "M500\n")
    assert said(capsys, bad, "--body")[1]["line"] == 18
    assert cli.main(["check", "--body", bad]) == 1
    assert "line 3 (18 with the start script): M500" in capsys.readouterr().out


def test_a_whole_file_is_no_owners_own():
    for code in ("G29", "M420 S1", "M204 P500", "M900 K0.1"):
        for text in (GOOD.replace("G28\n", f"G28\n{code}\n"), GOOD + f"{code}\n"):
            data = text.encode()
            verdict = check.judge_whole(
                len(data), check.reader(io.BytesIO(data)), check.Profile(), check.material("petg")
            )
            assert (verdict.code, verdict.line) == ("code", text.splitlines().index(code) + 1)


def test_stdin_and_pipes_are_read_to_their_end(tmp_path, capsys, monkeypatch):
    class Stdin(io.TextIOWrapper):
        pass

    monkeypatch.setattr(sys, "stdin", Stdin(io.BytesIO(GOOD.encode())))
    assert said(capsys, "-")[0] == 0
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    thread = threading.Thread(target=pipe.write_text, args=(GOOD.replace("M84\n", ""),))
    thread.start()
    assert said(capsys, str(pipe))[0] == 0
    thread.join()


def test_a_device_without_end_is_left(capsys):
    status, verdict = said(capsys, "/dev/zero")
    assert (status, verdict["code"], verdict["line"]) == (1, "form", 1)


def test_a_file_of_three_million_lines_is_left_at_the_limit(tmp_path, capsys):
    path = tmp_path / "long.gcode"
    path.write_bytes(GOOD.replace("M104 S0\nM140 S0\nM84\n", "").encode() + b"M83\n" * 3_000_000)
    from gcode.gate import Limits

    profile, plastic = check.Profile(), check.material("petg")
    with path.open("rb") as file:
        verdict = check.judge_whole(
            path.stat().st_size, check.reader(file), profile, plastic, Limits(lines=2000)
        )
    assert (verdict.code, verdict.line) == ("size", 2001)


def test_a_terminal_is_told_how_far_it_is(monkeypatch, capsys, tmp_path):
    clock = iter(range(1000))
    monkeypatch.setattr(check.time, "monotonic", lambda: float(next(clock)))
    progress = check._ProgressLine("a.gcode", 1000)
    progress(250)
    progress.end()
    assert capsys.readouterr().err == "\ra.gcode: 25 %\r\x1b[K"


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\0" * 70_000, b"G1 X1 " * 20_000, b"\xff" * 10, b"G28" * 50_000 + b"\n"]
)
def test_where_work_ends_is_found_whatever_the_bytes(data):
    assert 0 <= check_ends(data) <= len(data)


def check_ends(data: bytes) -> int:
    from gcode.whole import work_ends

    return work_ends(len(data), check.reader(io.BytesIO(data)))


@pytest.mark.parametrize("padding", [0, 1, 4000, 6553, 6554, 20_000])
def test_work_is_found_across_blocks(padding):
    tail = b"M107\nG1 X1 Y1\n" + b"G1 X100.5\n" * padding
    for work in (
        b"G1 X1 E1\n",
        b"G1 E-1 F60\n",
        b"G28\n",
        b"M104 S1\n",
        b"M109 S200\n",
        b"M140 S0.5\n",
        b"G3 X1 Y1 I1 E1\n",
    ):
        assert check_ends(b"G21\n" + work + tail) == 4 + len(work)
    for idle in (b"M104 S0\n", b"M140 S0.0\n", b"G92 E0\n", b"G1 X1 F60\n", b"M84\n"):
        assert check_ends(b"G21\n" + idle + tail) == 0


def test_a_large_file_takes_little_memory(tmp_path):
    path = tmp_path / "large.gcode"
    lines = "".join(f"G1 X{20 + n % 100}.{n % 1000:03d} Y{30 + n % 90}.5 E0.02\n" for n in range(4000))
    head, tail = GOOD.split("G1 X20 Y10 E0.4\n")
    path.write_text(head + lines * 60 + tail)
    code = "from agent import cli; cli.main(['check', '--json', %r]); print(open('/proc/self/status').read())"
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code % str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=120,
    )
    assert json.loads(done.stdout.splitlines()[0])["accepted"], done.stdout
    peak = next(int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("VmHWM"))
    assert peak < 60_000, (peak, time.monotonic() - began)
