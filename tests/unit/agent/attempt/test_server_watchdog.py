"""The watchdog of a printer behind a server: only what its server's readings can bear."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.attempt.server_watchdog import RENEWED, ServerWatchdog
from agent.consent.terms import ConsentTerms
from agent.printers.driver import Condition, Heat, Status
from agent.printers.moonraker.kind import MoonrakerPrinter
from tests.farend.files import serving
from tests.unit.agent.attempt.test_runner import Bench


def prints(nozzle: float, target: float = 200.0, condition: Condition = Condition.PRINTING) -> Status:
    return Status(condition=condition, attempt="a-1", nozzle=Heat(nozzle, target), bed=Heat(60, 60))


def says(*course: tuple[float, Status], seconds: float = 300) -> str:
    guard = ServerWatchdog()
    return next(filter(None, (guard.look("a-1", seconds, status, at) for at, status in course)), "")


def test_a_nozzle_above_its_target_twice_is_stopped_and_once_is_not():
    good = (0, prints(199)), (2, prints(200)), (4, prints(215))
    assert not says(*good, (6, prints(216)), (8, prints(205)))
    assert "rises" in says(*good, (6, prints(216)), (8, prints(217)))


def test_one_reading_that_is_looked_at_twice_is_one():
    assert not says((0, prints(200)), (1, prints(216)), (1.5, prints(216)), (2, prints(201)))
    assert "rises" in says((0, prints(200)), (1, prints(216)), (1 + RENEWED, prints(216)))


def test_a_reading_that_is_not_renewed_is_no_dead_heater():
    """An old board answers nothing while it homes: its server shows the same temperature for minutes."""
    assert not says(*((float(at), prints(60)) for at in range(240)))
    assert not says((0, prints(200)), *((float(at), prints(200, 0)) for at in range(1, 60)))


def test_a_print_may_take_half_as_long_again_and_half_an_hour_but_not_for_its_pauses():
    limit = 1.5 * 300 + 1800
    assert not says((0, prints(200)), (limit, prints(200)))
    assert "far longer" in says((0, prints(200)), (limit + 1, prints(200)))
    paused = prints(200, condition=Condition.PAUSED)
    assert not says((0, prints(200)), (1000, prints(200)), (9000, paused), (limit + 7999, prints(200)))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with serving() as server:
        bench = Bench(tmp_path, server)
        printer = MoonrakerPrinter(
            name="left", material="petg", url="http://127.0.0.1:1", thermal_protection=True
        )
        bench.restart(printer=printer, terms=ConsentTerms(default="auto"))
        yield bench
        bench.journal.close()


def test_what_runs_away_behind_a_server_is_stopped_fails_and_waits_for_a_person(bench: Bench):
    bench.printing()
    for heat in (200, 230, 231):
        bench.printer.looks = prints(heat)
        bench.step(2)
    assert bench.printer.told == ["start a-1", "cancel"]
    assert bench.steps[-1] == "fail"
    assert "stopped for safety: the nozzle rises" in bench.why
    bench.look(Condition.IDLE)
    bench.journal.beds.clear("left", 0)
    said = len(bench.link.readies)
    bench.step()
    assert len(bench.link.readies) == said
    assert "muster-agent reset" in bench.link.told.why
    bench.journal.rests.end("left")
    bench.step()
    assert len(bench.link.readies) == said + 1
