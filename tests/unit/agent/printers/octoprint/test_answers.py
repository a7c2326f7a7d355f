import msgspec
import pytest

from agent.printers.driver import Condition, Ending
from agent.printers.octoprint import answers
from agent.printers.octoprint.answers import OctoPrintJob, OctoPrintPrinterState, PrintCounts, StateFlags


def look(
    text: str,
    path: str | None = "muster/a1.gcode",
    origin: str = "local",
    error: str = "",
    flags: StateFlags | None = None,
):
    job = OctoPrintJob(
        job=answers.SelectedJob(file=answers.SelectedFile(path=path, origin=origin)),
        progress=answers.JobProgress(),
        state=text,
        error=error,
    )
    printer = OctoPrintPrinterState(state=answers.OctoPrintState(text=text, flags=flags)) if flags else None
    return answers.view_of(job, printer)


@pytest.mark.parametrize(
    ("flags", "condition"),
    [
        ({"operational": True, "ready": True}, Condition.IDLE),
        ({"operational": True, "printing": True}, Condition.PRINTING),
        ({"operational": True, "printing": True, "cancelling": True}, Condition.PRINTING),
        ({"operational": True, "printing": True, "finishing": True}, Condition.PRINTING),
        ({"operational": True, "finishing": True}, Condition.PRINTING),
        ({"operational": True, "printing": True, "pausing": True}, Condition.PRINTING),
        ({"operational": True, "paused": True}, Condition.PAUSED),
        ({"operational": True, "paused": True, "printing": True}, Condition.PAUSED),  # as 2.0 says it
        ({"operational": True}, Condition.BUSY),  # sends a file to its SD card
        ({"operational": True, "ready": True, "finishing": True}, Condition.PRINTING),
    ],
)
def test_flags_become_a_condition(flags: dict[str, bool], condition: Condition):
    assert look("as it may be", flags=StateFlags(**flags)).condition("a1") is condition


@pytest.mark.parametrize(
    ("path", "origin", "running"),
    [
        ("benchy.gcode", "local", "a1"),
        ("muster/a2.gcode", "local", "a1"),
        ("muster/a1.gcode", "sdcard", "a1"),
        ("muster/a1.gcode", "local", None),
        (None, "local", "a1"),
    ],
)
def test_what_is_not_our_running_attempt_is_another_hand(path: str | None, origin: str, running: str | None):
    seen = look("Printing", path, origin, flags=StateFlags(operational=True, printing=True))
    assert seen.condition(running) is Condition.BUSY
    assert seen.why(Condition.BUSY)


@pytest.mark.parametrize(
    ("text", "error", "condition"),
    [
        ("Offline", "", Condition.UNREACHABLE),
        ("Connecting", "", Condition.UNREACHABLE),
        ("Error", "", Condition.FAULT),
        ("Offline after error", "MINTEMP triggered!", Condition.FAULT),
    ],
)
def test_without_a_printer_the_state_tells_a_fault_from_an_absence(
    text: str, error: str, condition: Condition
):
    seen = look(text, error=error)
    assert seen.condition("a1") is condition
    assert (error or text) in seen.why(condition)


@pytest.mark.parametrize(
    ("prints", "ending"),
    [
        (None, None),
        (PrintCounts(), None),
        (PrintCounts(success=1), Ending.DONE),
        (PrintCounts(failure=1), Ending.FAILED),
        (PrintCounts(success=2), Ending.DONE),
        (PrintCounts(success=1, failure=1), Ending.UNKNOWN),
    ],
)
def test_the_record_of_a_file_tells_the_ending(prints: PrintCounts | None, ending: Ending | None):
    assert answers.ending_of(prints) is ending


@pytest.mark.parametrize(
    ("version", "old"),
    [
        ("1.11.8", False),
        ("1.11.10", False),
        ("1.12", False),
        ("2.0.0rc1", False),
        ("1.11.7", True),
        ("1.9.3", True),
        ("unknown", True),
    ],
)
def test_old_versions_are_known_by_their_number(version: str, old: bool):
    assert answers.is_old(version) is old


def test_flags_are_read_as_octoprint_writes_them():
    read = msgspec.convert(
        {"closedOrError": False, "sdReady": True, "ready": True, "printing": False}, StateFlags
    )
    assert read.ready
    assert not read.printing
