"""A pytest plugin: what the tests started ends with them.

Each process of a run carries the run's mark in its environment, as do all that it starts. When a test process is
through, those that carry the mark and its worker's name must be gone. What is left is named, ended, and fails the run.
"""

import os
from typing import Any

import pytest

from tests.farend import processes

_LEFT = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "seconds that a process may take to end by itself after the last test"
    parser.addini("leftovers_patience", told, type="string", default="15")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_LEFT] = []
    if not hasattr(config, "workerinput"):
        os.environ.update(processes.mark(processes.RUN))


@pytest.hookimpl(trylast=True)  # after the last fixtures' ends, and those of what the whole session shares
def pytest_sessionfinish(session: pytest.Session) -> None:
    patience = float(session.config.getini("leftovers_patience"))
    found = [each.words for each in processes.end_all_of_run(patience)]
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left"] = found
        return
    session.config.stash[_LEFT] += found
    if session.config.stash[_LEFT] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[_LEFT] += getattr(node, "workeroutput", {}).get("left", [])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if left := config.stash[_LEFT]:
        terminalreporter.section("processes that tests left behind (ended now)", red=True, bold=True)
        for each in left:
            terminalreporter.line(each, red=True)
