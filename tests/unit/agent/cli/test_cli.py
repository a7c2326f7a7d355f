import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.cli import main
from agent.journal import Journal
from tests.farend.agent import environment
from tests.farend.files import serving
from tests.farend.imposter import answering
from tests.farend.virtual import VirtualPrinter
from tests.unit.agent.discovery.test_servers import PRUSALINK
from tests.unit.agent.membership.test_enrolment import Desk
from tests.unit.agent.test_settings import LEAST
from tests.waiting import PATIENCE


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(f'state = "{tmp_path / "state"}"\n{LEAST}')
    return path


class Said:
    """What a command answered."""

    def __init__(self, capture: pytest.CaptureFixture[str], *words: object) -> None:
        try:
            self.code = main([str(word) for word in words])
        except SystemExit as end:
            self.code = end.code
        self.out, self.err = capture.readouterr()


def complaint(said: Said) -> str:
    """The one line of an error that a person can mend."""
    assert said.code == 2
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("muster-agent: ")
    return said.err


def test_the_help_teaches_the_first_time(capsys: pytest.CaptureFixture[str]):
    said = Said(capsys, "--help")
    assert said.code == 0
    for word in ("enroll", "clear", "run", "printers", "status", "MUSTER_AGENT_CONFIG"):
        assert word in said.out


@pytest.mark.parametrize(
    "command", ["run", "status", "printers", "clear", "cancel", "reset", "enroll", "setup", "watch", "try"]
)
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], command: str):
    said = Said(capsys, command, "--help")
    assert said.code == 0
    assert len(said.out.splitlines()) > 5


@pytest.mark.parametrize("words", [[], ["frobnicate"], ["clear"], ["enroll"], ["status", "--yaml"]])
def test_what_is_no_command_is_told(capsys: pytest.CaptureFixture[str], words: list[str]):
    said = Said(capsys, *words)
    assert said.code == 2
    assert "muster-agent" in said.err


@pytest.mark.parametrize(
    "words", [["run"], ["status"], ["clear", "left"], ["cancel", "left"], ["reset", "left"], ["enroll", "x"]]
)
def test_without_settings_every_command_says_where_they_are_missed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str]
):
    assert str(tmp_path / "none.toml") in complaint(Said(capsys, "--config", tmp_path / "none.toml", *words))


def test_broken_settings_are_told_with_their_line(capsys: pytest.CaptureFixture[str], config: Path):
    config.write_text("[[printer]]\nname = 'left'\ndriver = 'serial'\nport = 5\nmaterial = 'pla'\n")
    assert f"{config}:4: " in complaint(Said(capsys, "--config", config, "run"))


def test_who_has_not_joined_is_told_how(capsys: pytest.CaptureFixture[str], config: Path):
    assert "enroll INVITE" in complaint(Said(capsys, "--config", config, "run"))


def test_a_state_folder_that_can_not_be_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    (tmp_path / "file").write_text("")
    config = tmp_path / "agent.toml"
    config.write_text(f'state = "{tmp_path}/file/state"\n{LEAST}')
    for words in (["run"], ["clear", "left", "--yes"]):
        assert "state folder" in complaint(Said(capsys, "--config", config, *words))


def test_a_journal_that_is_none_is_told(capsys: pytest.CaptureFixture[str], config: Path, tmp_path: Path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "journal.db").write_bytes(b"x" * 5000)
    for words in (["status"], ["clear", "left", "--yes"], ["cancel", "left"]):
        assert "journal.db" in complaint(Said(capsys, "--config", config, *words))


def test_clear_wants_a_printer_that_there_is(capsys: pytest.CaptureFixture[str], config: Path):
    assert "left" in complaint(Said(capsys, "--config", config, "clear", "lfet", "--yes"))


@pytest.mark.parametrize(("answer", "clear"), [("y", True), ("n", False), ("", False), (None, False)])
def test_clear_asks_first(
    capsys: pytest.CaptureFixture[str],
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str | None,
    clear: bool,
):
    def ask(question: str) -> str:
        assert "empty" in question
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", ask)
    said = Said(capsys, "--config", config, "clear", "left")
    if clear:
        assert said.code == 0
        journal = Journal(tmp_path / "state" / "journal.db")
        assert journal.beds.is_clear("left")
        journal.close()
    else:
        complaint(said)


def test_status_of_an_agent_that_never_ran(capsys: pytest.CaptureFixture[str], config: Path, tmp_path: Path):
    told = json.loads(Said(capsys, "--config", config, "status", "--json").out)
    assert told == {
        "agent": None,
        "coordinator": None,
        "until": None,
        "running": False,
        "unheard": 0,
        "printers": [{"printer": "left", "bed_clear": False, "attempt": None, "state": None, "refused": ""}],
    }
    assert "not joined" in Said(capsys, "--config", config, "status").out
    assert not (tmp_path / "state").exists()


def test_an_agent_joins_once(capsys: pytest.CaptureFixture[str], config: Path):
    with serving() as server:
        desk = Desk(server)
        said = Said(capsys, "--config", config, "enroll", desk.invite, "--name", "ana")
        assert (said.code, said.err) == (0, "")
        assert "ana" in said.out
        again = complaint(Said(capsys, "--config", config, "enroll", desk.invite, "--name", "ana"))
        assert "already" in again
    assert json.loads(Said(capsys, "--config", config, "status", "--json").out)["agent"] == "ana"


@pytest.mark.parametrize("invite", ["", "hello", "muster1.", "muster1.e30", "muster1.%%%"])
def test_what_is_no_invite_is_told(capsys: pytest.CaptureFixture[str], config: Path, invite: str):
    assert "copy it" in complaint(Said(capsys, "--config", config, "enroll", invite, "--name", "ana"))


@pytest.mark.parametrize("name", ["Ana", "a b", "-a", "a" * 49, "ana\n"])
def test_what_is_no_name_is_told(capsys: pytest.CaptureFixture[str], config: Path, name: str):
    said = complaint(Said(capsys, "--config", config, "enroll", "muster1.x", f"--name={name}"))
    assert "--name" in said


QUICK = ("printers", "--no-open", "--interface", "127.0.0.1", "--seconds", "0.4")


def test_the_printers_of_a_port_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    config = tmp_path / "agent.toml"
    config.write_text(
        f'state = "{tmp_path / "state"}"\n' + LEAST.replace("/dev/ttyUSB0", f"{tmp_path}/nothing")
    )
    said = Said(capsys, "--config", config, *QUICK)
    assert said.code == 0
    assert "unreachable" in said.out


def test_printers_are_found_before_there_are_settings(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    with VirtualPrinter(tmp_path / "far", 60) as far, answering(PRUSALINK) as url:
        words = ("--config", tmp_path / "none.toml", "printers", "--no-open", "--interface", "127.0.0.1")
        given = ("--seconds", "2", "--port", far.port, "--url", url)
        told = json.loads(Said(capsys, *words, *given, "--json").out)
        assert told["printers"] == []
        assert "Marlin" in told["ports"][0]["firmware"]
        assert [each["kind"] for each in told["servers"] if each["url"] == url] == ["prusalink"]
        text = Said(capsys, *words, *given)
    assert "muster-agent setup" in text.out
    assert "PrusaLink" in text.out


def test_printers_of_the_settings_are_looked_at_and_marked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    config = tmp_path / "agent.toml"
    with VirtualPrinter(tmp_path / "far", 60) as far:
        config.write_text(f'state = "{tmp_path / "state"}"\n' + LEAST.replace("/dev/ttyUSB0", str(far.port)))
        said = Said(capsys, "--config", config, *QUICK[:-1], "3", "--port", far.port, "--json")
    told = json.loads(said.out)
    assert [(each["printer"], each["condition"]) for each in told["printers"]] == [("left", "idle")]
    assert [(each["printer"], each["firmware"]) for each in told["ports"][:1]] == [("left", "")]


def test_printers_that_are_not_there_do_not_hold_it_up(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    config = tmp_path / "agent.toml"
    config.write_text(f'state = "{tmp_path / "state"}"\n' + LEAST.replace("/dev/ttyUSB0", f"{tmp_path}/none"))
    begun = time.monotonic()
    assert Said(capsys, "--config", config, *QUICK[:-2]).code == 0
    assert time.monotonic() - begun < PATIENCE


def test_the_virtual_printer_comes_along(capsys: pytest.CaptureFixture[str]):
    said = Said(capsys, "virtual-printer", "--help")
    assert said.code == 0
    assert "--speed" in said.out


def test_an_agent_does_not_carry_what_it_does_not_need_to_print():
    script = (
        "import sys, agent.app, agent.printers.serial;"
        "heavy = ('requests', 'octorest', 'serial', 'zoneinfo', 'zeroconf', 'asyncio', 'cryptography.x509',"
        " 'cryptography.hazmat.primitives.serialization');"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment()
    )
    assert done.stdout == "[]\n"


def test_an_invite_to_join_again_is_not_for_trying(capsys: pytest.CaptureFixture[str]):
    with serving() as server:
        invite = replace(Desk(server).invite, agent="ana")
    assert "lets ana join again" in complaint(Said(capsys, "try", invite))


def test_a_coordinator_elsewhere_is_tried_only_if_somebody_says_that_it_is_for_that(capsys, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _question: "n")
    with serving() as server:
        invite = replace(Desk(server).invite, url="https://hub.example.org")
    assert "nothing was changed" in complaint(Said(capsys, "try", invite))


@pytest.mark.parametrize(
    ("system", "name"), [("win32", "Windows"), ("darwin", "macOS"), ("freebsd14", "freebsd14")]
)
def test_on_another_system_one_line_says_so(capsys, monkeypatch, tmp_path: Path, system: str, name: str):
    monkeypatch.setattr(sys, "platform", system)
    for words in (["printers"], ["run"], ["try"], ["status"], ["virtual-printer"]):
        assert f"this is {name}" in complaint(Said(capsys, *words))
    file = tmp_path / "whole.gcode"
    file.write_text("G28\n")
    assert Said(capsys, "check", file).code == 1


@pytest.mark.parametrize("words", [["printers"], ["run"], ["try"], ["setup"]])
def test_without_the_extra_one_line_names_it(words: list[str]):
    code = f"import sys; sys.modules['zeroconf'] = None; from agent.cli import main; sys.exit(main({words}))"
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "muster-agent: zeroconf is not installed here, which comes with the agent's extra: pip install"
        " 'muster[agent]'\n"
    )


def test_without_the_coordinators_extra_its_command_names_it():
    code = "import sys; sys.modules['click'] = None; from coordinator.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "click is not installed" in done.stderr
    assert "muster[coordinator]" in done.stderr
