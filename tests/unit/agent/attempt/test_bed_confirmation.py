"""When the runner asks at the printer itself, and what it takes for an answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.consent.terms import ConsentTerms
from agent.printers.driver import Condition, Ending, Status
from agent.printers.octoprint.kind import OctoPrintPrinter
from agent.printers.serial.kind import SerialPrinter
from tests.farend.files import serving
from tests.unit.agent.attempt.test_runner import Bench as Knobless
from tests.unit.agent.attempt.test_runner import ScriptedPrinter


class AskablePrinter(ScriptedPrinter):
    """One with a display and a knob, or behind an OctoPrint."""

    def ask(self, question: str) -> None:
        self._tell("ask")
        self.looks = Status(condition=Condition.IDLE, asks=question)

    def hush(self) -> None:
        self._tell("hush")
        self.looks = Status(condition=Condition.IDLE)

    def press(self) -> None:
        self.looks = Status(condition=Condition.IDLE, answered=self.looks.asks)


class Bench(Knobless):
    printer: AskablePrinter  # pyright: ignore[reportIncompatibleVariableOverride]

    def wants(self, *, knob: bool) -> None:
        self.printer = AskablePrinter()
        printer = SerialPrinter(
            name="left", material="petg", port="/dev/null", thermal_protection=True, clear_by_knob=knob
        )
        self.restart(printer=printer, terms=ConsentTerms(default="auto"))

    def printed(self) -> None:
        self.take()
        self.step()
        self.look(Condition.IDLE, "a-1", Ending.DONE)
        self.step()
        self.look(Condition.IDLE)
        self.printer.told.clear()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with serving() as server:
        bench = Bench(tmp_path, server)
        bench.wants(knob=True)
        yield bench
        bench.journal.close()


def test_after_a_print_the_knob_is_asked_once_and_a_press_clears_the_bed(bench: Bench):
    bench.printed()
    bench.step()
    bench.step()
    assert bench.printer.told == ["ask"]
    assert not bench.journal.beds.is_clear("left")
    bench.printer.press()
    bench.step()
    assert bench.journal.beds.is_clear("left")
    assert bench.steps[-1] == "clear"
    assert "knob" in bench.why


def test_behind_octoprint_the_answer_is_taken_alike_and_its_file_taken_away(bench: Bench):
    printer = OctoPrintPrinter(
        name="left",
        material="petg",
        url="http://[::1]",
        key="k",
        thermal_protection=True,
        clear_in_octoprint=True,
    )
    bench.restart(printer=printer)
    bench.printed()
    bench.step()
    bench.step()
    assert bench.printer.told == ["ask"]
    assert "load the file bed-is-clear" in bench.link.told.why
    # As OctoPrint tells it: a file that answers lies there until it is taken away.
    bench.printer.looks = replace(bench.printer.looks, answered=bench.printer.looks.asks)
    bench.step()
    assert bench.journal.beds.is_clear("left")
    assert "said somebody in its OctoPrint" in bench.why
    said = len(bench.link.readies)
    bench.step()
    assert (bench.printer.told, len(bench.link.readies)) == (["ask", "hush"], said)
    bench.step()
    assert len(bench.link.readies) > said


def test_who_did_not_ask_for_it_is_not_asked(bench: Bench):
    bench.wants(knob=False)
    bench.printed()
    bench.step()
    assert bench.printer.told == []


def test_an_old_press_clears_nothing(bench: Bench):
    """Somebody pressed for the last print; then the agent was restarted, and another hand printed."""
    bench.journal.beds.occupy("left")
    bench.printer.looks = Status(condition=Condition.IDLE, answered="0123")
    bench.step()
    assert not bench.journal.beds.is_clear("left")
    assert bench.printer.told == ["ask"]


def test_a_bed_that_was_cleared_by_command_needs_no_press(bench: Bench):
    bench.printed()
    bench.step()
    bench.journal.beds.clear("left", 0)
    said = len(bench.link.readies)
    bench.step()
    assert bench.printer.told == ["ask", "hush"]
    bench.step()
    assert len(bench.link.readies) > said


def test_while_the_display_asks_nothing_is_asked_for(bench: Bench):
    bench.printed()
    bench.step()
    bench.journal.beds.clear("left", 0)
    bench.printer.refuses = "it does not answer"
    said = len(bench.link.readies)
    bench.step()
    assert len(bench.link.readies) == said
