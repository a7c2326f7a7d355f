"""How the product's files hang together: no circles, no private name across files, no class name twice."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from functools import cache
from pathlib import Path
from typing import NamedTuple

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("wire", "gcode", "gcode_templates", "agent", "coordinator")

CIRCLES_ALLOWED: Mapping[tuple[str, str], str] = {}
"""Imports (of whom, what) that may close a circle, and why."""

PRIVATE_ALLOWED: Mapping[tuple[str, str], str] = {
    ("coordinator/mqtt/amqtt_child.py", "_exit"): "os._exit has no other name",
}
"""Private names of others that a file may use (`*` for all), and why."""

NAMESAKES: Mapping[str, str] = {}
"""Names that more than one class has, and why."""


class Private(NamedTuple):
    """A private name of another's that a file uses."""

    file: str
    line: int
    name: str


# ── circles ───────────────────────────────────────────────────────────────────────────────────────────────


@cache
def imports() -> dict[str, frozenset[str]]:
    """Which module imports which, also under TYPE_CHECKING and inside of functions."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {
        module: frozenset(graph.find_modules_directly_imported_by(module)) for module in sorted(graph.modules)
    }


def circles(edges: Mapping[str, Set[str]]) -> list[list[str]]:
    """Sets of modules each of which leads to all others of its set (Tarjan's strongly connected components)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        path.append(module)
        for other in sorted(edges.get(module, frozenset())):
            if other not in order:
                visit(other)
            if other in path:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == order[module]:
            place = path.index(module)
            circle, path[place:] = path[place:], []
            if len(circle) > 1 or module in edges.get(module, frozenset()):
                found.append(sorted(circle))

    for module in edges:
        if module not in order:
            visit(module)
    return found


def test_a_circle_would_be_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a", "d"}}) == [["b", "c"], ["d"]]
    assert circles({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}) == []


def test_the_imports_of_functions_and_of_types_count():
    assert "agent.membership.enrolment" in imports()["agent.membership.renewal"]
    assert "agent.membership.credentials" in imports()["agent.membership.lifetime"]


def test_no_module_imports_what_imports_it():
    edges = {
        module: {other for other in others if (module, other) not in CIRCLES_ALLOWED}
        for module, others in imports().items()
    }
    assert circles(edges) == []


# ── private names ─────────────────────────────────────────────────────────────────────────────────────────


@cache
def trees() -> dict[str, ast.Module]:
    """Every file of the product, by its path from the root."""
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text())
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def module_of(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def own_names(tree: ast.AST) -> set[str]:
    """Names that are made somewhere in here."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
    return names


def used_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Private names that are asked for here, be it by import, by a dot or by `getattr`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            parts = (part for each in node.names for part in each.name.split("."))
            yield from ((node.lineno, part) for part in parts if is_private(part))
        elif isinstance(node, ast.Attribute) and is_private(node.attr):
            yield node.lineno, node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("attr"):
            texts = (each.value for each in node.args if isinstance(each, ast.Constant))
            yield from ((node.lineno, each) for each in texts if isinstance(each, str) and is_private(each))


class Classes:
    """Every class of some files, and whom it inherits from."""

    def __init__(self, files: Mapping[str, ast.Module]) -> None:
        self._made: dict[tuple[str, str], ast.ClassDef] = {}
        self._known: dict[str, dict[str, tuple[str, str]]] = {}
        for file, tree in files.items():
            known = self._known[module_of(file)] = {}
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    self._made[module_of(file), node.name] = node
                    known[node.name] = (module_of(file), node.name)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    for each in node.names:
                        known.setdefault(each.asname or each.name, (node.module, each.name))

    def inherited(self, file: str) -> set[str]:
        """Private names of the ancestors, in other files, of a file's classes."""
        module = module_of(file)
        found: set[str] = set()
        for home, name in list(self._made):
            if home == module:
                for other, ancestor in self._ancestors(home, name):
                    if other != module:
                        found |= {each for each in own_names(self._made[other, ancestor]) if is_private(each)}
        return found

    def _ancestors(self, module: str, name: str) -> Iterator[tuple[str, str]]:
        for base in self._made[module, name].bases:
            named = base.value if isinstance(base, ast.Subscript) else base
            text = ast.unparse(named)
            place = self._known[module].get(text) or self._dotted(module, text)
            if place in self._made and place != (module, name):
                yield place
                yield from self._ancestors(*place)

    def _dotted(self, module: str, text: str) -> tuple[str, str]:
        head, _, last = text.rpartition(".")
        package, name = self._known[module].get(head, ("", ""))
        return f"{package}.{name}", last


def strangers(files: Mapping[str, ast.Module]) -> list[Private]:
    """Private names that a file uses and another has made."""
    classes = Classes(files)
    found: list[Private] = []
    for file, tree in files.items():
        own, inherited = own_names(tree), classes.inherited(file)
        for line, name in used_names(tree):
            if name not in own or name in inherited:
                found.append(Private(file, line, name))
    return found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("from agent.base import _secret", "_secret"),
        ("import agent.base\nagent.base._secret()", "_secret"),
        ("from agent.base import Base\nBase()._kept", "_kept"),
        ("from agent.base import Base\nclass Own(Base):\n    def f(self): return self._kept", "_kept"),
        ("from agent.base import Base\nclass Own(Base):\n    def f(self): self._kept = 1", "_kept"),
        ("from agent import base\nclass Own(base.Base):\n    def f(self): self._kept = 1", "_kept"),
        ("getattr(object(), '_kept')", "_kept"),
    ],
)
def test_a_private_name_of_another_file_would_be_found(text: str, name: str):
    base = ast.parse("class Base:\n    def __init__(self): self._kept = 0\ndef _secret(): ...")
    found = strangers({"agent/base.py": base, "agent/own.py": ast.parse(text)})
    assert {(each.file, each.name) for each in found} == {("agent/own.py", name)}


def test_a_file_may_use_its_own_private_names():
    text = (
        "class Own:\n    def __init__(self): self._kept = 0\n    def __eq__(self, other): return other._kept"
    )
    assert strangers({"agent/own.py": ast.parse(text)}) == []


def test_no_file_uses_the_private_names_of_another():
    found = strangers(trees())
    allowed = [
        each for name in ("*", "") for each in found if (each.file, name or each.name) in PRIVATE_ALLOWED
    ]
    assert sorted(set(found) - set(allowed)) == []


# ── class names ───────────────────────────────────────────────────────────────────────────────────────────


def namesakes(files: Mapping[str, ast.Module]) -> dict[str, list[str]]:
    """Names of more than one class, and where those stand."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for file, tree in files.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{file}:{node.lineno}")
    return {name: found for name, found in sorted(places.items()) if len(found) > 1}


def test_a_name_that_two_classes_have_would_be_found():
    twice = {
        "agent/a.py": ast.parse("class Own: ..."),
        "wire/b.py": ast.parse("class Own: ...\nclass Other: ..."),
    }
    assert namesakes(twice) == {"Own": ["agent/a.py:1", "wire/b.py:1"]}


def test_no_two_classes_have_one_name():
    found = namesakes(trees())
    assert {name: places for name, places in found.items() if name not in NAMESAKES} == {}
