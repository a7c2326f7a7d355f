"""What the documents say is so."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import coordinator.cli
from wire import lifecycle, topics

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SECURITY = (ROOT / "SECURITY.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
AGENT_COMMANDS = (
    *("stop", "offers", "accept", "decline", "present", "away", "refusals", "check"),
    *("run", "status", "printers", "clear", "cancel", "reset", "enroll", "setup", "watch", "virtual-printer"),
)


def test_the_picture_of_an_attempts_life_is_the_codes_table():
    assert lifecycle.diagram() in ARCHITECTURE


@pytest.mark.parametrize("kind", topics.UP + topics.DOWN)
def test_every_kind_of_message_is_explained(kind):
    assert f"| `{kind}` |" in ARCHITECTURE


@pytest.mark.parametrize(
    "document", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
)
def test_every_file_that_a_document_links_to_is_there(document):
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / document).read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_file_that_the_architecture_names_is_there():
    named = re.findall(r"`((?:wire|gcode|gcode_templates|agent|coordinator)/[\w./*-]+)`", ARCHITECTURE)
    assert len(named) > 10
    assert [name for name in named if not list(ROOT.glob(name.rstrip("/")))] == []


def test_every_test_that_the_architecture_names_is_there():
    named = set(re.findall(r"`(test_\w+)`", ARCHITECTURE))
    assert len(named) > 10
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), flags=re.MULTILINE)
    }
    assert named - there == set()


def test_every_test_that_shows_our_security_is_there():
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", SECURITY)
    assert len(named) > 50
    assert len(named) == SECURITY.count("`tests/")
    missing = [f"{file}::{name}" for file, name in named if f"\ndef {name}(" not in (ROOT / file).read_text()]
    assert missing == []


def test_every_threat_has_an_answer_and_a_test_that_shows_it():
    table = SECURITY.partition("## Who tries what")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")][2:]
    assert [
        row[1].strip() for row in rows if len(row) != 4 or not all(cell.strip() for cell in row[1:])
    ] == []
    assert [row[1].strip() for row in rows if "::test_" not in row[3]] == []


def test_each_command_that_the_security_page_names_exists():
    for program, words in re.findall(r"`(muster|muster-agent) ([a-z -]+?)(?: [A-Z]+)*`", SECURITY):
        named = words.split()
        if program == "muster":
            named = named[:2]
            assert coordinator.cli.run([*named, "--help"]) == 0, words
        else:
            assert named[0] in AGENT_COMMANDS, words


def test_every_locked_package_has_its_hash():
    locks = sorted(ROOT.glob("requirements*.lock"))
    assert len(locks) > 3
    for lock in locks:
        packages = re.split(r"\n(?=\S)", lock.read_text().strip())
        assert [each.split()[0] for each in packages if "--hash=sha256:" not in each] == []
    makefile = (ROOT / "Makefile").read_text()
    assert makefile.count("pip install") == makefile.count("--require-hashes") + makefile.count(
        "--no-deps --no-build-isolation"
    )


def test_every_library_is_accounted_for():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + [
        each for extra in project["optional-dependencies"].values() for each in extra
    ]
    decisions = ARCHITECTURE.partition("## Decisions")[2].lower()
    missing = {name for each in wanted if (name := re.split(r"[\[<>=]", each)[0]) not in decisions}
    assert missing == set()


def _commands(program: str) -> list[str]:
    blocks = re.findall(r"```\n(.*?)```", README, flags=re.DOTALL)
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return sorted({line for line in lines if line.startswith(program + " ")})


@pytest.mark.parametrize("command", _commands("muster"))
def test_a_command_in_the_readme_exists_with_its_options(command, capsys):
    words = shlex.split(command)[1:]
    named = [word for word in words if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")][:2]
    if named[0] in ("serve", "invite", "demo", "login", "ledger"):
        named = named[:1]
    assert coordinator.cli.run([*named, "--help"]) == 0
    said = capsys.readouterr().out
    assert [word for word in words if word.startswith("--") and word not in said] == []


@pytest.mark.parametrize(
    "command", [*_commands("muster-agent"), *(f"muster-agent {c}" for c in AGENT_COMMANDS)]
)
def test_an_agents_command_in_the_readme_exists(command):
    name = shlex.split(command)[1]
    done = subprocess.run(
        [sys.executable, "-m", "agent", name, "--help"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_every_target_that_the_documents_name_is_in_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z-]+)", README + (ROOT / "CONTRIBUTING.md").read_text()))
    assert named - targets == set()


def test_the_changelog_has_a_place_for_what_comes():
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text()
