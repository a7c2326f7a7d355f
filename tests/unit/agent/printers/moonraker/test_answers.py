import pytest

from agent.printers.driver import Condition, Ending
from agent.printers.moonraker import answers
from agent.printers.moonraker.answers import KlipperObjects, MoonrakerView, PastPrint, PrintStats


def look(
    state: str = "ready", printing: str = "standby", file: str = "", queue: str = "paused", **more: object
):
    parts = KlipperObjects(
        webhooks=answers.Webhooks(state=state, state_message="It broke\nSee the log"),
        print_stats=PrintStats(state=printing, filename=file),
        pause_resume=answers.PauseResume(is_paused=printing == "paused"),
    )
    for name, value in more.items():
        setattr(parts, name, value)
    return answers.view_of(parts, queue)


OURS = "muster/a1.gcode"


@pytest.mark.parametrize(
    ("seen", "condition"),
    [
        (look(), Condition.IDLE),
        (look(printing="complete", file=OURS), Condition.IDLE),
        (look(printing="printing", file=OURS), Condition.PRINTING),
        (look(printing="paused", file=OURS), Condition.PAUSED),
        (look(printing="printing", file="benchy.gcode"), Condition.BUSY),
        (look(printing="paused", file="a1.gcode"), Condition.BUSY),
        (look(idle_timeout=answers.IdleTimeout(state="Printing")), Condition.BUSY),
        (look(pause_resume=answers.PauseResume(is_paused=True)), Condition.BUSY),
        (look(queue="loading"), Condition.BUSY),
        (look(queue="ready"), Condition.BUSY),
        (look("shutdown", "printing", OURS), Condition.FAULT),
        (look("error"), Condition.FAULT),
        (look("startup"), Condition.UNREACHABLE),
        (MoonrakerView(state="disconnected"), Condition.UNREACHABLE),
        (look(printing=""), Condition.FAULT),
        (look(pause_resume=answers.PauseResume()), Condition.FAULT),
    ],
)
def test_klippers_states_are_the_drivers_conditions(seen: MoonrakerView, condition: Condition):
    assert seen.condition("a1") is condition
    assert bool(seen.why(condition)) is (
        condition in {Condition.BUSY, Condition.FAULT, Condition.UNREACHABLE}
    )


def test_the_first_line_of_klippers_message_is_the_reason():
    seen = look("shutdown")
    assert "Klipper stopped: It broke. Mend the cause" in seen.why(Condition.FAULT)


@pytest.mark.parametrize(
    ("statuses", "seen", "ending"),
    [
        (["completed"], look(), Ending.DONE),
        (["cancelled"], look(), Ending.CANCELLED),
        (["error"], look(), Ending.FAILED),
        (["klippy_shutdown"], look("shutdown"), Ending.FAILED),
        (["klippy_disconnect"], look(), Ending.FAILED),
        (["klippy_disconnect"], MoonrakerView(state="disconnected"), None),
        (["klippy_disconnect"], look(printing="complete", file=OURS), Ending.DONE),
        (["klippy_disconnect"], look(printing="printing", file=OURS), None),
        (["in_progress"], look(printing="printing", file=OURS), None),
        (["in_progress"], look("shutdown", "printing", OURS), Ending.FAILED),
        (["server_exit"], look(printing="printing", file=OURS), None),
        (["server_exit"], look(printing="complete", file=OURS), Ending.DONE),
        (["server_exit"], look(printing="cancelled", file=OURS), Ending.CANCELLED),
        (["server_exit"], look(), None),
        (["in_progress", "server_exit"], look(printing="printing", file=OURS), Ending.UNKNOWN),
        (["cancelled", "completed"], look(printing="cancelled", file=OURS), Ending.DONE),
        ([], look(printing="complete", file=OURS), Ending.DONE),
        ([], look(printing="complete", file="benchy.gcode"), None),
    ],
)
def test_the_oldest_print_of_our_file_tells_how_ours_ended(
    statuses: list[str], seen: MoonrakerView, ending: Ending | None
):
    jobs = [PastPrint(filename=OURS, status=status) for status in statuses]
    jobs.insert(0, PastPrint(filename="benchy.gcode", status="completed"))
    assert seen.trace("a1", jobs, blind=False) is ending
