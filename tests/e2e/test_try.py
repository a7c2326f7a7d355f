"""`muster-agent try` as a maker without a printer runs it: alone, and for a coordinator; and what is left of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_readme import Table, table
from tests.farend import processes

__all__ = ["table"]
pytestmark = pytest.mark.timeout(400)
PATIENCE = 180.0


class Laptop:
    """A maker's, on which nothing was ever set up."""

    def __init__(self, directory: Path) -> None:
        self.mark = processes.mark()
        self.home, self.temporary = directory / "home", directory / "tmp"
        self.home.mkdir()
        self.temporary.mkdir()
        self._said = directory / "said"
        self.child: subprocess.Popen[bytes] | None = None

    def tries(self, *words: str) -> subprocess.Popen[bytes]:
        with self._said.open("wb") as said:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "agent", "try", *words],
                cwd=self.home,
                env=os.environ
                | self.mark
                | {
                    "HOME": str(self.home),
                    "TMPDIR": str(self.temporary),
                    "PYTHONPATH": str(Path(__file__).parents[2]),
                },
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                # A shell's job in the background hands down that Ctrl-C is ignored.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
            )
        return self.child

    @property
    def said(self) -> str:
        return self._said.read_text()

    def until(self, word: str) -> None:
        assert self.child is not None
        deadline = time.monotonic() + PATIENCE
        while word not in self.said:
            assert self.child.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.1)

    def is_as_before(self) -> bool:
        return (
            processes.none_left(self.mark, 60) == []
            and not list(self.home.iterdir())
            and not list(self.temporary.iterdir())
        )


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    made = Laptop(tmp_path)
    yield made
    processes.end(made.mark)
    if made.child is not None:
        made.child.wait()


def in_order(said: str, *words: str) -> bool:
    """Whether these begin lines of `said`, one after the other."""
    lines = iter(said.splitlines())
    return all(any(line.startswith(word) for line in lines) for word in words)


def test_a_maker_alone_sees_a_first_print(laptop: Laptop):
    assert laptop.tries("--speed", "1000", "--part", "strap-clip", "--count", "2").wait(PATIENCE) == 0
    assert in_order(
        laptop.said, "drawn     2 × Strap clip", "judged    the gate lets it pass", "printing ", "printed "
    )
    assert "virtual printing" in laptop.said
    assert "virtual idle, strap-clip × 2 printed" in laptop.said
    assert "muster-agent try INVITE" in laptop.said
    assert laptop.is_as_before()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_ended_in_the_middle_nothing_is_left(laptop: Laptop, ending: signal.Signals):
    child = laptop.tries("--speed", "20")
    laptop.until("virtual printing")
    assert len(processes.carriers(laptop.mark)) == 3  # itself, the printer, and what drives the port
    child.send_signal(ending)
    assert child.wait(PATIENCE) == 130
    assert laptop.said.endswith("ended: nothing of it is left\n")
    assert laptop.is_as_before()


def test_what_can_not_be_printed_is_said_in_one_line(laptop: Laptop):
    assert laptop.tries("--part", "ventilator").wait(PATIENCE) == 2
    assert laptop.said == "muster-agent: part 'ventilator' is not known (there are: ear-saver, strap-clip)\n"
    assert laptop.is_as_before()


def needs(table: Table, quantity: int) -> str:
    """A coordinator that needs so many, and an invite to it."""
    table.starts("coordinator", "serve")
    table.until((table.directory / "data" / "address").exists)
    hospital = table.muster(
        *("hospital", "add", "--name", "Hospital del Mar", "--contact", "ward 7"),
        *("--latitude", "41.38", "--longitude", "2.19"),
    )["id"]
    table.muster("hospital", "approve", hospital)
    table.muster("need", "file", "--hospital", hospital, "--part", "ear-saver", "--quantity", str(quantity))
    return table.muster("invite")["invite"]


def test_with_an_invite_it_prints_what_it_is_granted(laptop: Laptop, table: Table):
    assert laptop.tries(needs(table, 1), "--speed", "1000", "--plates", "1").wait(PATIENCE) == 0
    assert in_order(
        laptop.said,
        "enrolled  as try-",
        "waiting ",
        "granted   1 × ear-saver",
        "printed ",
        "cleared ",
        "left ",
    )
    (lot,) = table.muster("attempt", "list")
    assert (lot["state"], lot["agent"].startswith("try-")) == ("cleared", True)
    assert laptop.is_as_before()


def test_ended_in_a_plate_for_a_coordinator_it_gives_that_back(laptop: Laptop, table: Table):
    child = laptop.tries(needs(table, 4), "--speed", "20")
    laptop.until("virtual printing")
    child.send_signal(signal.SIGINT)
    assert child.wait(PATIENCE) == 0
    (lot,) = table.muster("attempt", "list")
    assert lot["state"] == "cancelled"
    assert in_order(laptop.said, "granted   4 × ear-saver", "ending ", "left ")
    assert laptop.is_as_before()
