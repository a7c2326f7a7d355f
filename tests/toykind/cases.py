"""What the product does with a kind of printer that it has never heard of, but for its record."""

import json
from pathlib import Path

import pytest

from agent import settings
from agent.app import AppError, check_apart
from agent.attempt.bed_confirmation import BedConfirmation
from agent.cli import main
from agent.discovery.search import Scope, discover, usual_urls
from agent.printers.catalogue import driver
from agent.setup import dialogue
from agent.setup.this_machine import ThisMachine
from tests.contract.toy import ANSWERS
from tests.farend.announcements import announced
from tests.farend.imposter import answering
from tests.toykind.kind import ToyPrinter
from tests.unit.agent.discovery.test_search import port_of, until_found
from tests.unit.agent.setup.test_dialogue import Person, machine

QUICK = ("--no-open", "--interface", "127.0.0.1", "--seconds", "1.5")


def written(path: Path, url: str) -> Path:
    path.with_name("box.pin").write_text("4711\n")
    path.write_text(
        f'state = "{path.parent / "state"}"\n[[printer]]\nname = "box"\ndriver = "toy"\nmaterial = "pla"\n'
        f'url = "{url}"\nbay = "2"\npin_file = "box.pin"\n'
    )
    return path


def said(capture: pytest.CaptureFixture[str], *words: object) -> str:
    code = main([str(word) for word in words])
    out, err = capture.readouterr()
    assert code == 0, err
    return out


def test_it_is_found_and_told_of_before_there_are_settings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    with answering(ANSWERS) as url:
        words = ("--config", tmp_path / "none.toml", "printers", "--url", url, *QUICK)
        told = json.loads(said(capsys, *words, "--json"))
        text = said(capsys, *words)
    assert [each["kind"] for each in told["servers"] if each["url"] == url] == ["toy"]
    assert f"{url}: Toy Server 3.1" in text
    assert "+ plays since 3.1" in text
    assert "- its PIN, from the label below it" in text


def test_it_is_looked_at_and_known_when_it_is_in_the_settings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    with answering(ANSWERS) as url:
        config = written(tmp_path / "agent.toml", url)
        words = ("--config", config, "printers", "--url", url, *QUICK)
        told = json.loads(said(capsys, *words, "--json"))
        text = said(capsys, *words)
        watched = said(capsys, "--config", config, "watch", "--once")
    (box,) = told["printers"]
    assert (box["printer"], box["driver"], box["condition"], box["nozzle"]) == ("box", "toy", "idle", 21)
    assert [each["printer"] for each in told["servers"] if each["url"] == url] == ["box"]
    assert "Toy Server 3.1, your printer box" in text
    assert "box  idle  (toy)" in watched


def test_its_announcements_are_heard_and_its_door_is_tried():
    with answering(ANSWERS) as url, announced("toy", "Nursery", port_of(url)):
        (found,) = until_found(url)
    assert (found.kind, found.name, found.version) == ("toy", "Nursery", "3.1")
    assert "http://127.0.0.1:5999" in usual_urls()
    assert discover(Scope(interfaces=(), seconds=0.1)).why == ()


@pytest.mark.parametrize("found", [True, False], ids=["found", "named"])
def test_its_owner_is_asked_what_it_wants_and_nothing_else(tmp_path: Path, found: bool):
    path = tmp_path / "config" / "agent.toml"
    person = Person(
        *([] if found else [("Another printer", "URL")]),
        ("call it", "box"),
        ("Which bay", "2"),
        ("Its PIN", "4711"),
    )
    with answering(ANSWERS) as url:
        person.answers = [
            (question, url if answer == "URL" else answer) for question, answer in person.answers
        ]
        loaded = dialogue.run(path, person, machine(urls=[url] if found else []))
        (printer,) = loaded.settings.printer
        assert isinstance(printer, ToyPrinter)
        assert (printer.url, printer.bay, printer.pin) == (url, "2", "4711")
    assert (printer.profile.width, printer.profile.depth, printer.profile.height) == (123, 124, 125)
    assert printer.thermal_protection
    assert path.with_name("toy-box.pin").read_text() == "4711\n"
    assert "4711" not in path.read_text() + person.heard
    assert "# Which of its bays.\nbay = " in path.read_text()
    assert not any(word in person.heard for word in ("OctoPrint", "application key", "Try again"))
    assert person.answers == []


def test_it_can_be_named_while_it_is_switched_off(tmp_path: Path):
    path = tmp_path / "config" / "agent.toml"
    person = Person(
        ("Another printer", "http://127.0.0.1:9"),
        ("What is it", "toy"),
        ("call it", "box"),
        ("Its PIN", "4711"),
        ("Try again", "n"),
    )
    (printer,) = dialogue.run(
        path, person, ThisMachine(lambda _: Scope(interfaces=(), seconds=0.2))
    ).settings.printer
    assert isinstance(printer, ToyPrinter)
    assert "OctoPrint, Moonraker, PrusaLink or Toy Server answers there" in person.heard


def test_what_its_record_says_is_so_elsewhere_too(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    url = "http://127.0.0.1:9"
    config = written(tmp_path / "agent.toml", url)
    (box,) = settings.load(config).settings.printer
    assert BedConfirmation(box, driver(box, tmp_path)).place == "at its bell"
    twin = ToyPrinter(name="twin", material="pla", url="http://localhost:9/")
    with pytest.raises(AppError, match="box and twin are one printer"):
        check_apart((box, twin))
    assert main(["--config", str(config), "reset", "box", "--yes"]) == 2
    assert f"box is driven by the server at {url}: wind it up there" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["printers", "--help"])
    assert "Toy Server" in capsys.readouterr().out
