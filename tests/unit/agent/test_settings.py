import re
from pathlib import Path

import msgspec
import pytest

import agent
from agent.consent.hours import Hours
from agent.consent.terms import Consent
from agent.printers.catalogue import KINDS
from agent.printers.moonraker.kind import MoonrakerPrinter
from agent.printers.octoprint.kind import OctoPrintPrinter
from agent.printers.prusalink.kind import PrusaLinkPrinter
from agent.printers.serial.kind import SerialPrinter
from agent.printers.serial.options import PortOptions
from agent.settings import AbsentError, Settings, SettingsError, find, load
from gcode.profile import Profile

EXAMPLE = Path(agent.__file__).parent / "settings.example.toml"
LEAST = '[[printer]]\nname = "left"\ndriver = "serial"\nport = "/dev/ttyUSB0"\nmaterial = "pla"\n'

SERVED = '[[printer]]\nname = "o"\ndriver = "{}"\nmaterial = "pla"\nurl = "http://h"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "muster-agent.toml"
    path.write_text(text)
    return path


def test_the_example_can_be_used_as_it_stands(tmp_path: Path):
    for secret in ("octoprint-right.key", "moonraker-voron.key", "prusalink-mk3.password"):
        (tmp_path / secret).write_text(f"of {secret}\n")
    loaded = load(write(tmp_path, EXAMPLE.read_text()))
    left, right, voron, mk3 = loaded.settings.printer
    assert isinstance(left, SerialPrinter)
    assert (left.name, left.driver, left.profile) == ("left", "serial", Profile())
    assert (left.window, left.dtr, left.park, left.goes_on) == (127, "stop", (10, 200), False)
    assert isinstance(right, OctoPrintPrinter)
    assert (right.driver, right.key) == ("octoprint", "of octoprint-right.key")
    assert isinstance(voron, MoonrakerPrinter)
    assert (voron.driver, voron.key) == ("moonraker", "of moonraker-voron.key")
    assert isinstance(mk3, PrusaLinkPrinter)
    assert (mk3.driver, mk3.user, mk3.password) == ("prusalink", "maker", "of prusalink-mk3.password")


def test_scripts_that_lead_through_a_zone_are_told_and_hinder_nothing_else(tmp_path: Path):
    zoned = "[printer.profile]\nhome = [0, 0]\nzones = [{ x = 0, y = 150, width = 6, depth = 20 }]\n"
    (said,) = load(write(tmp_path, LEAST + zoned)).warnings
    assert "left: the gate refuses some jobs: line 9 of the end script" in said
    assert load(write(tmp_path, LEAST)).warnings == []


@pytest.mark.parametrize(
    "kind",
    [Settings, Consent, Hours, *(kind.settings for kind in KINDS), Profile],
)
def test_every_setting_is_told_in_the_example(kind: type[msgspec.Struct]):
    told = set(re.findall(r"^(?:# )?\[*([a-z_]+)\]* *(?:=|$)", EXAMPLE.read_text(), re.MULTILINE))
    told |= set(re.findall(r"^\[(?:printer|consent)\.([a-z]+)[\].]", EXAMPLE.read_text(), re.MULTILINE))
    assert {field.name for field in msgspec.structs.fields(kind)} <= told


def test_what_is_left_out_has_a_cautious_meaning(tmp_path: Path):
    loaded = load(write(tmp_path, LEAST))
    assert not loaded.settings.clear_from_page
    assert loaded.place is None
    assert loaded.state.is_absolute()
    assert loaded.scripts["left"].family == "marlin"


def test_the_place_leaves_rounded(tmp_path: Path):
    assert load(write(tmp_path, "place = [40.41678, -3.70379]\n" + LEAST)).place == (40.4, -3.7)


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("state = 1\n" + LEAST, 1, "state"),
        ("stat = 'x'\n" + LEAST, 1, "stat"),
        ("place = [91, 0]\n" + LEAST, 1, "place"),
        ("clear_from_page = 'yes'\n" + LEAST, 1, "clear_from_page"),
        ("[hours]\ndaily = ['22-7']\n" + LEAST, 2, "daily"),
        ("[hours]\nzone = 'Europe/Atlantis'\n" + LEAST, 2, "Atlantis"),
        (LEAST + "baud = 'fast'\n", 6, "baud"),
        (LEAST + "baud = 300\n", 1, "baud"),
        (LEAST + "window = 50\n", 1, "window"),
        (LEAST + "dtr = 'always'\n", 6, "dtr"),
        (LEAST + "park = [1]\n", 6, "park"),
        (LEAST + "goes_on = 1\n", 6, "goes_on"),
        (LEAST + "[printer.profile]\nwidth = -1\n", 7, "width"),
        (LEAST + "[printer.profile]\nfamily = 'mendel'\n", 7, "mendel"),
        (LEAST.replace("pla", "wood"), 5, "wood"),
        (LEAST.replace('"serial"', '"parallel"'), 3, "parallel"),
        (LEAST.replace("left", "The Left One"), 2, "name"),
        (LEAST.replace("port =", "prot ="), 4, "prot"),
        (LEAST + LEAST, 1, "left"),
        (LEAST + "[[printer]\n", 6, "TOML"),
        ("", 1, "printer"),
        (SERVED.format("octoprint"), 1, "key"),
        (SERVED.format("octoprint") + 'key = "a"\nkey_file = "b"\n', 1, "key"),
        (SERVED.format("moonraker") + 'key = "a"\nkey_file = "b"\n', 1, "key"),
        (SERVED.format("moonraker").replace("http", "ftp"), 5, "url"),
        (SERVED.format("prusalink"), 1, "password"),
        (SERVED.format("prusalink") + 'key = "a"\npassword = "b"\n', 1, "one of"),
        (SERVED.format("moonraker") + 'password = "b"\n', 6, "password"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, line: int, word: str):
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as error:
        load(path)
    told = str(error.value)
    assert told.startswith(f"{path}:{line}: ")
    assert word in told
    assert "\n" not in told


def test_a_script_of_ones_own_is_read_and_checked(tmp_path: Path):
    own = 'family = "mine"\ntitle = "Mine"\nstart = ["G21", "M104 S{nozle}"]\nend = ["M104 S0"]\n'
    (tmp_path / "mine.toml").write_text(own)
    with pytest.raises(SettingsError, match="nozle"):
        load(write(tmp_path, LEAST + 'script = "mine.toml"\n'))
    (tmp_path / "mine.toml").write_text(own.replace("nozle", "nozzle"))
    assert load(write(tmp_path, LEAST + 'script = "mine.toml"\n')).scripts["left"].family == "mine"
    with pytest.raises(SettingsError, match=r"other\.toml"):
        load(write(tmp_path, LEAST + 'script = "other.toml"\n'))


def test_what_is_left_out_of_a_serial_printer_is_safe_on_every_board(tmp_path: Path):
    (left,) = load(write(tmp_path, LEAST)).settings.printer
    assert isinstance(left, SerialPrinter)
    own = PortOptions(port=left.port)
    assert (left.baud, left.window, left.dtr) == (own.baud, own.window, own.dtr)
    assert (left.park, left.goes_on) == (own.park, own.goes_on)


def test_a_moonraker_that_trusts_this_machine_needs_no_key(tmp_path: Path):
    (printer,) = load(write(tmp_path, SERVED.format("moonraker"))).settings.printer
    assert (printer.driver, isinstance(printer, MoonrakerPrinter) and printer.key) == ("moonraker", "")


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe", b"x" * 201, b"two\nlines\n"])
@pytest.mark.parametrize(
    ("driver", "word"),
    [("octoprint", "key_file"), ("prusalink", "password_file")],
)
def test_a_file_that_holds_no_secret_is_told(tmp_path: Path, content: bytes, driver: str, word: str):
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(SettingsError, match="secret: this should hold"):
        load(write(tmp_path, f'{SERVED.format(driver)}{word} = "secret"\n'))


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(AbsentError, match=r"nothing\.toml: not there"):
        load(tmp_path / "nothing.toml")
    with pytest.raises(SettingsError, match="can't be read"):
        load(tmp_path)


def test_the_file_given_wins_over_the_variable_over_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ana")
    monkeypatch.delenv("MUSTER_AGENT_CONFIG", raising=False)
    assert find(None) == Path("/home/ana/.config/muster/agent.toml")
    write(tmp_path, LEAST)
    assert find(None) == Path("muster-agent.toml")
    monkeypatch.setenv("MUSTER_AGENT_CONFIG", "/b.toml")
    assert find(None) == Path("/b.toml")
    assert find("/c.toml") == Path("/c.toml")
