"""`muster` beside a coordinator that `muster serve` runs, and far from an office that is played by hand."""

import os
import signal

import pytest
from structlog.testing import capture_logs

from coordinator import cli
from tests.farend.shared import told
from tests.unit.coordinator.cli.command import CLINIC, Said, Served
from tests.unit.coordinator.office import KEY, Office, open_office
from tests.unit.coordinator.web.house import open_house


@pytest.fixture(scope="package")
def served(tmp_path_factory):
    """One running coordinator for all tests beside this file; its end is a test of its own kind."""
    with told("The coordinator"):
        running = Served(tmp_path_factory.mktemp("served"))
    yield running
    running.ends(signal.SIGTERM)


@pytest.fixture
def say(capsys, monkeypatch, tmp_path):
    """`muster` in this process, somewhere where there are no settings."""
    for name in list(os.environ):
        if name.startswith("MUSTER_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def said(*arguments: str) -> Said:
        code = cli.run(arguments)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return said


@pytest.fixture
def near(say, served, monkeypatch):
    """`muster` on the machine of the running coordinator."""
    monkeypatch.setenv("MUSTER_CONFIG", str(served.config))
    return say


@pytest.fixture
def approved(near) -> str:
    """A hospital that may ask."""
    hospital = near("hospital", "add", *CLINIC, "--json").json["id"]
    return near("hospital", "approve", hospital, "--json").json["id"]


@pytest.fixture
def office(tmp_path):
    opened: Office = open_office(tmp_path, f"sqlite:///{tmp_path}/muster.db")
    yield opened
    opened.store.close()


@pytest.fixture
def far(say, office, monkeypatch):
    """`muster` on another machine, with the coordinator's address and key."""
    # Its log is the coordinator's, not the command's, though both are in this process.
    with capture_logs(), open_house(office) as house:
        monkeypatch.setenv("MUSTER_URL", house.url)
        monkeypatch.setenv("MUSTER_KEY", KEY)
        monkeypatch.setenv("MUSTER_BY", "Núria")
        yield say
