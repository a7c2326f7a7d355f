"""What the documents say is so."""

import ast
import functools
import itertools
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import coordinator.cli
from coordinator.metrics import Metrics, Now
from wire import lifecycle, topics

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ROOMS = ("wire", "gcode", "gcode_templates", "agent", "coordinator", "systemd", "tests", "docs")
PAGES = sorted(DOCS.glob("*.md"))
DOCUMENTS = [*(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "CHANGELOG")), *PAGES]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text() for path in DOCUMENTS}
README = TEXTS["README.md"]
SECURITY = TEXTS["docs/security.md"]
AGENT_COMMANDS = (
    *("stop", "offers", "accept", "decline", "present", "away", "refusals", "check"),
    *(
        "run",
        "status",
        "printers",
        "clear",
        "cancel",
        "reset",
        "enroll",
        "setup",
        "watch",
        "try",
        "virtual-printer",
    ),
)


def _said(text: str) -> list[str]:
    """What stands between backticks, but for blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def _anchors(text: str) -> set[str]:
    """The places of a page that a link may point to, as they are made of its headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@functools.cache
def _defined(path: Path) -> frozenset[str]:
    """The functions and classes of a file, and the classes' methods as `Class.method`."""

    def within(body: list[ast.stmt], before: str) -> Iterator[str]:
        for each in body:
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield before + each.name
                if isinstance(each, ast.ClassDef):
                    yield from within(each.body, f"{each.name}.")

    return frozenset(within(ast.parse(path.read_text()).body, ""))


# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("document", TEXTS)
def test_every_link_leads_somewhere(document):
    folder = (ROOT / document).parent
    broken: list[str] = []
    for link in re.findall(r"\]\(([^)]+)\)", TEXTS[document]):
        path, _, anchor = link.partition("#")
        if ":" in path:
            continue
        there = (folder / path).resolve() if path else ROOT / document
        if not there.exists() or (anchor and anchor not in _anchors(there.read_text())):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("document", TEXTS)
def test_every_file_and_function_that_a_document_names_is_there(document):
    wrong: list[str] = []
    for said in _said(TEXTS[document]):
        if re.fullmatch(r"[\w./*-]+(:[\w.]+)?", said) is None or "NAME" in said:
            continue
        path, _, function = said.partition(":")
        inside = path.partition("/")[0] in ROOMS and "/" in path
        if not inside:
            if path.endswith(".py"):
                wrong.append(f"{said}: from the root, please")
            continue
        found = list(ROOT.glob(path.rstrip("/")))
        if not found or (function and (len(found) > 1 or function not in _defined(found[0]))):
            wrong.append(said)
    assert wrong == []


def test_the_pages_name_enough_to_be_held():
    named = [said for text in TEXTS.values() for said in _said(text)]
    assert sum(said.endswith(".py") for said in named) > 100
    assert len(re.findall(r"\.py:\w", TEXTS["docs/architecture.md"])) > 30


@pytest.mark.parametrize("document", TEXTS)
def test_every_test_that_a_document_names_is_there(document):
    named = set(re.findall(r"`(test_\w+)`", TEXTS[document]))
    assert named - _tests() == set()


@functools.cache
def _tests() -> frozenset[str]:
    return frozenset(
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), flags=re.MULTILINE)
    )


def test_every_page_stands_in_the_index():
    index = TEXTS["docs/index.md"]
    assert [page.name for page in PAGES if page.name != "index.md" and f"({page.name})" not in index] == []


def test_pages_that_should_be_read_at_once_are_short():
    assert len(TEXTS["docs/architecture.md"].splitlines()) <= 200
    assert len(README.splitlines()) <= 200


# ── what the code says, too ───────────────────────────────────────────────────────────────────────────────


def test_the_picture_of_an_attempts_life_is_the_codes_table():
    assert lifecycle.diagram() in TEXTS["docs/conversation.md"]


@pytest.mark.parametrize("kind", topics.UP + topics.DOWN)
def test_every_kind_of_message_is_explained(kind):
    assert f"| `{kind}` |" in TEXTS["docs/conversation.md"]


def test_every_word_of_the_glossary_has_one_line_in_order():
    rows = re.findall(r"^\| ([\w -]+) \| (.+) \|$", TEXTS["docs/glossary.md"], flags=re.MULTILINE)[1:]
    words = [word for word, _ in rows]
    assert len(words) > 50
    assert words == sorted(set(words), key=str.lower)


def test_the_operators_are_told_of_every_metric_and_no_other():
    metrics = Metrics()
    metrics.watch(lambda: Now(units={"needed": 1}))
    there = set(re.findall(r"^# TYPE (\w+) ", metrics.render()[0].decode(), flags=re.MULTILINE))
    told = set(re.findall(r"`(muster_\w+)`", TEXTS["docs/operations.md"]))
    assert {name for name in there if not name.endswith("_created")} == told


def test_the_operators_are_told_of_every_role():
    from coordinator.model.roles import Role

    people = TEXTS["docs/operations.md"].partition("## People")[2].partition("\n## ")[0]
    assert re.findall(r"^\| (\w+) \|", people, flags=re.MULTILINE)[1:] == [role.value for role in Role]


def test_every_setting_that_a_document_names_is_explained():
    explained = "".join(
        (ROOT / tower / "settings.example.toml").read_text() for tower in ("agent", "coordinator")
    )
    for document in ("docs/operations.md", "docs/printers.md"):
        for section, name in re.findall(r"`\[(\w+)\](?: (\w+))?", TEXTS[document]):
            assert f"[{section}]" in explained, section
            assert not name or re.search(rf"^#? ?{name} = ", explained, flags=re.MULTILINE), name


def test_the_address_of_the_apis_reference_is_the_one_that_the_readme_names():
    from coordinator import settings
    from coordinator.web import reference

    port = settings.WebSettings().port
    assert f"http://127.0.0.1:{port}{reference.PATH}" in README
    assert reference.PATH in TEXTS["docs/index.md"]


# ── security ──────────────────────────────────────────────────────────────────────────────────────────────


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


@pytest.mark.parametrize("document", TEXTS)
def test_each_command_that_a_document_names_exists(document, capsys):
    for said in _said(TEXTS[document]):
        program, _, rest = said.partition(" ")
        if program not in ("muster", "muster-agent") or not rest:
            continue
        words = shlex.split(rest)
        named = list(itertools.takewhile(re.compile(r"[a-z][a-z-]*").fullmatch, words))[:2]
        if program == "muster-agent":
            assert words[0] in AGENT_COMMANDS or words[0].startswith("-") or words[0] == "COMMAND", said
        elif words[0] not in ("COMMAND", "--help"):
            assert coordinator.cli.run([*named, "--help"]) == 0, said
            shown = capsys.readouterr().out
            assert [word for word in words if word.startswith("--") and word not in shown] == [], said


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
    decisions = TEXTS["docs/decisions.md"].partition("## Dependencies")[2].lower()
    missing = {name for each in wanted if (name := re.split(r"[\[<>=]", each)[0]) not in decisions}
    assert missing == set()


def _commands(program: str) -> list[str]:
    """The commands that stand in blocks of the README and of the operators' page."""
    text = README + TEXTS["docs/operations.md"]
    blocks = re.findall(r"```\n(.*?)```", text, flags=re.DOTALL)
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
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", "\n".join(TEXTS.values()), flags=re.MULTILINE))
    assert named - targets == set()


def test_the_changelog_has_a_place_for_what_comes():
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text()
