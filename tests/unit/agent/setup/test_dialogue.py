"""A person answers, over real ports and real addresses; what comes out are settings that load."""

import re
import stat
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.discovery.search import Scope
from agent.printers.driver import Condition
from agent.printers.moonraker.kind import MoonrakerPrinter
from agent.printers.octoprint.driver import OctoPrintDriver
from agent.printers.octoprint.kind import OctoPrintPrinter
from agent.printers.prusalink.kind import PrusaLinkPrinter
from agent.printers.serial.kind import SerialPrinter
from agent.printers.serial.port import Outlet
from agent.settings import SettingsError, load
from agent.setup import dialogue
from agent.setup.dialogue import SetupError
from agent.setup.this_machine import ThisMachine
from tests.farend import moonraker, octoprint, prusalink
from tests.farend.imposter import answering
from tests.farend.virtual import VirtualPrinter
from tests.unit.agent.discovery.test_servers import PRUSALINK
from tests.unit.agent.test_settings import LEAST
from tests.waiting import PATIENCE

INFO = b'{"result": {"klippy_state": "ready", "moonraker_version": "v0.9"}}'
AXES = b'{"result": {"eventtime": 1, "status": {"toolhead": {"axis_maximum": [305.0, 301.0, 280.0, 0.0]}}}}'
VORON = {
    "/server/info": (200, {}, INFO),
    "/printer/objects/query?toolhead=axis_maximum": (200, {}, AXES),
}


class Person:
    """Answers what `answers` has for a question, else presses Enter; `heard` is all that was shown."""

    def __init__(self, *answers: tuple[str, str | type[BaseException]]) -> None:
        self.answers = list(answers)
        self.heard = ""

    def ask(self, prompt: str) -> str:
        self.say(prompt)
        for number, (pattern, answer) in enumerate(self.answers):
            if re.search(pattern, prompt):
                del self.answers[number]
                if isinstance(answer, str):
                    return answer
                raise answer
        return ""

    ask_secret = ask

    def say(self, text: str) -> None:
        self.heard += text + "\n"


def machine(ports: Sequence[Path] = (), urls: Sequence[str] = ()) -> ThisMachine:
    """This machine, with these ports and addresses and no others."""
    outlets = tuple(Outlet(path=str(port), device=str(port.resolve())) for port in ports)
    return ThisMachine(
        lambda _: Scope(ports=outlets, opens=True, urls=tuple(urls), interfaces=(), seconds=15)
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "agent.toml"


@contextmanager
def far(tmp_path: Path) -> Generator[Path]:
    with VirtualPrinter(tmp_path / "far", 60) as printer:
        yield printer.port


def test_enter_is_enough_for_a_printer_at_a_port(tmp_path: Path, path: Path):
    person = Person()
    with far(tmp_path) as port:
        loaded = dialogue.run(path, person, machine([port]))
    (printer,) = loaded.settings.printer
    assert isinstance(printer, SerialPrinter)
    assert (printer.port, printer.baud, printer.material) == (str(port), 115_200, "pla")
    assert loaded.settings.hours.daily == ("22:00-07:00",)
    assert loaded.settings.consent.default == "ask"
    assert printer.thermal_protection is None, "this firmware says that it has it"
    assert loaded.place is None
    assert load(path).settings == loaded.settings
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_answers_become_settings_and_wrong_ones_are_asked_again(tmp_path: Path, path: Path):
    person = Person(
        ("call it", "The Left One"),
        ("call it", "left"),
        ("Plastic", "wood"),
        ("Plastic", "pe"),
        ("x height", "220"),
        ("x height", "0 x 5 x 5"),
        ("x height", "250 x 210 x 210"),
        ("Nozzle", "4"),
        ("Nozzle", "0.6"),
        ("scripts for", "prusa"),
        ("nothing print", "22-7"),
        ("nothing print", "21:30-08:00, 13:00-15:00"),
        ("offered to you first", "n"),
        ("where are you", "91, 0"),
        ("where are you", "40.4168 -3.7038"),
    )
    with far(tmp_path) as port:
        loaded = dialogue.run(path, person, machine([port]))
    (printer,) = loaded.settings.printer
    profile = printer.profile
    assert (printer.name, printer.material) == ("left", "petg")
    assert (profile.width, profile.depth, profile.height, profile.nozzle) == (250, 210, 210, 0.6)
    assert profile.family == "prusa-mk3"
    assert loaded.settings.hours.daily == ("21:30-08:00", "13:00-15:00")
    assert loaded.settings.place == (40.4, -3.7)
    assert loaded.settings.consent.default == "auto"
    assert person.answers == []


def test_a_moonraker_that_trusts_us_needs_no_key_and_tells_its_size(path: Path):
    with answering(VORON) as url:
        loaded = dialogue.run(path, Person(("call it", "voron"), ("Try again", "n")), machine(urls=[url]))
    (printer,) = loaded.settings.printer
    assert isinstance(printer, MoonrakerPrinter)
    assert (printer.url, printer.key) == (url, "")
    assert (printer.profile.width, printer.profile.depth, printer.profile.height) == (305, 301, 280)
    assert printer.thermal_protection


@pytest.mark.octoprint
def test_an_octoprints_owner_confirms_there_and_types_no_key(path: Path):
    with octoprint.octoprint() as far:

        class Owner(Person):
            """Confirms as soon as the page to do so is shown."""

            def say(self, text: str) -> None:
                super().say(text)
                if "/plugin/appkeys/auth/" in text:
                    far.decide(next(iter(far.pending_keys())), yes=True)

        owner = Owner(("call it", "right"))
        loaded = dialogue.run(path, owner, machine(urls=[far.url]))
        (printer,) = loaded.settings.printer
        assert isinstance(printer, OctoPrintPrinter)
        driver = OctoPrintDriver("right", far.url, printer.key)
        assert driver.status().condition is Condition.IDLE
        driver.close()
    assert path.with_name("octoprint-right.key").read_text() == f"{printer.key}\n"
    assert printer.key not in path.read_text() + owner.heard


def test_a_wrong_key_is_told_and_another_is_asked_for(path: Path):
    far = moonraker.shared()
    person = Person(("call it", "voron"), ("API key", "wrong"), ("API key", far.key))
    (printer,) = dialogue.run(path, person, machine(urls=[far.url])).settings.printer
    assert isinstance(printer, MoonrakerPrinter)
    assert printer.key == far.key
    assert "refuses the key" in person.heard


@pytest.mark.prusalink
def test_a_prusalink_announces_itself_and_takes_its_password(path: Path):
    far = prusalink.shared()
    person = Person(("call it", "mk3"), ("User", prusalink.USER), ("Password", prusalink.PASSWORD))
    everywhere = ThisMachine(lambda _: Scope(seconds=4.0))
    deadline = time.monotonic() + PATIENCE
    while not (found := [each for each in everywhere.find(known=()).servers if each.url == far.url]):
        assert time.monotonic() < deadline, "PrusaLink did not announce itself"
    assert [each.kind for each in found] == ["prusalink"]
    (printer,) = dialogue.run(path, person, machine(urls=[far.url])).settings.printer
    assert isinstance(printer, PrusaLinkPrinter)
    assert printer.password == prusalink.PASSWORD
    assert "Try again" not in person.heard


def test_a_password_goes_into_a_file_of_its_own(path: Path):
    answers = ("call it", "mk3"), ("Password", "s3cret"), ("Try again", "n")
    person = Person(*answers)
    with answering(PRUSALINK) as url:
        loaded = dialogue.run(path, person, machine(urls=[url]))
    (printer,) = loaded.settings.printer
    secret = path.with_name("prusalink-mk3.password")
    assert isinstance(printer, PrusaLinkPrinter)
    assert (printer.user, printer.password) == ("maker", "s3cret")
    assert secret.read_text() == "s3cret\n"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert "s3cret" not in path.read_text() + person.heard


def test_who_has_no_password_at_hand_leaves_the_printer_out(path: Path):
    with answering(PRUSALINK) as url, pytest.raises(SetupError, match="no printer"):
        dialogue.run(path, Person(), machine(urls=[url]))


def test_a_printer_that_was_not_found_can_be_named(tmp_path: Path, path: Path):
    with far(tmp_path) as port:
        person = Person(("Another printer", str(port)), ("call it", "named"))
        loaded = dialogue.run(path, person, machine())
    assert [printer.name for printer in loaded.settings.printer] == ["named"]


def test_a_printer_that_is_switched_off_can_be_named_too(path: Path):
    person = Person(
        ("Another printer", "/dev/ttyUSB7"),
        ("May .* be opened", "n"),
        ("call it", "off"),
    )
    (printer,) = dialogue.run(path, person, machine()).settings.printer
    assert isinstance(printer, SerialPrinter)
    assert (printer.port, printer.baud) == ("/dev/ttyUSB7", 0)


def test_a_file_that_is_there_is_only_added_to_after_its_difference_was_shown(tmp_path: Path, path: Path):
    path.parent.mkdir()
    fence = "profile = { home = [0, 0], zones = [{ x = 30, y = 0, width = 9, depth = 9 }] }\n"
    path.write_text("# my own words\n" + LEAST + fence)
    path.chmod(0o640)
    person = Person(("call it", "left"), ("call it", "right"))
    with far(tmp_path) as port:
        loaded = dialogue.run(path, person, machine([port]))
    assert [printer.name for printer in loaded.settings.printer] == ["left", "right"]
    assert path.read_text().startswith("# my own words\n" + LEAST + fence)
    assert "left: the gate refuses every job: line 14 of the start script" in person.heard
    assert '+name = "right"' in person.heard
    assert "you have a left already" in person.heard
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_no_means_that_nothing_is_written_and_what_was_answered_is_kept(tmp_path: Path, path: Path):
    path.parent.mkdir()
    path.write_text(LEAST)
    with far(tmp_path) as port:
        with pytest.raises(SetupError, match="nothing was written"):
            dialogue.run(path, Person(("call it", "right"), ("Write that", "n")), machine([port]))
        assert path.read_text() == LEAST
        person = Person(("to be driven", "n"))
        loaded = dialogue.run(path, person, machine([port]))
    assert "right" in person.heard
    assert [printer.name for printer in loaded.settings.printer] == ["left", "right"]


@pytest.mark.parametrize("question", ["call it", "Another", "nothing print", "where are you", "Write that"])
@pytest.mark.parametrize("end", [KeyboardInterrupt, EOFError])
def test_who_leaves_at_any_question_loses_nothing(
    tmp_path: Path, path: Path, question: str, end: type[BaseException]
):
    begun = [] if question == "call it" else [("call it", "right")]
    with far(tmp_path) as port:
        with pytest.raises(end):
            dialogue.run(path, Person(*begun, (question, end)), machine([port]))
        assert not path.exists()
        again = Person(("to be driven", "n")) if begun else Person()
        loaded = dialogue.run(path, again, machine([port]))
    assert len(loaded.settings.printer) == 1
    assert ("Keep that" in again.heard) == bool(begun)


def test_settings_that_are_wrong_are_not_touched(path: Path):
    path.parent.mkdir()
    path.write_text("[[printer]\n")
    with pytest.raises(SettingsError, match="TOML"):
        dialogue.run(path, Person(), machine())
    assert path.read_text() == "[[printer]\n"


def test_settings_that_somebody_else_changes_meanwhile_are_not_overwritten(tmp_path: Path, path: Path):
    path.parent.mkdir()
    path.write_text(LEAST)

    class Busybody(Person):
        def ask(self, prompt: str) -> str:
            if "Write that" in prompt:
                path.write_text(LEAST + "# changed\n")
            return super().ask(prompt)

    with far(tmp_path) as port, pytest.raises(SetupError, match="changed meanwhile"):
        dialogue.run(path, Busybody(("call it", "right")), machine([port]))
    assert path.read_text() == LEAST + "# changed\n"


def test_without_a_printer_nothing_is_written(path: Path):
    with pytest.raises(SetupError, match="no printer"):
        dialogue.run(path, Person(), machine())
    assert not path.parent.exists()


def test_no_is_no_answer_to_every_question_that_may_be_left_open(tmp_path: Path, path: Path):
    person = Person(("Another printer", "no"), ("nothing print", "n"), ("where are you", "n"))
    with far(tmp_path) as port:
        loaded = dialogue.run(path, person, machine([port]))
    assert len(loaded.settings.printer) == 1
    assert loaded.settings.hours.daily == ()
    assert loaded.place is None


def test_a_computers_own_port_is_not_asked_about(path: Path):
    own = Outlet(path="/dev/ttyS0", device="/dev/ttyS0", usb=False)
    here = ThisMachine(lambda _: Scope(ports=(own,), opens=True, interfaces=(), seconds=0.2))
    person = Person()
    with pytest.raises(SetupError, match="no printer"):
        dialogue.run(path, person, here)
    assert "ttyS0" not in person.heard
