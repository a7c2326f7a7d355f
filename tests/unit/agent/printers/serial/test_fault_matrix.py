"""Every fault of the virtual printer in every state of a session, on every kind of board, in the board's own time.

Each ends within a bound in a condition that an owner understands, and after a confirmed cancel no motor moves.
"""

import re

import pytest

from agent.printers.driver import Condition, Ending
from agent.printers.serial.stage import SessionStage
from agent.printers.virtual.faults import EVERY, KNOBS
from agent.printers.virtual.profile import PROFILES
from tests.farend.owner import BODY, Desk

BOUND = 1000.0
"""Seconds of the printer's time in which a print of four minutes is over, or stands."""
CANCEL = 400.0
"""And in which one is that was cancelled."""
MINUTE = 60.0
SENTENCE = re.compile(r"[A-Z]\w+ \w+ \w+.{12,}")
RUNS = ("heating", "homing", "printing", "pausing", "paused", "resuming", "cancelling")
STATES = ("greeting", "idle", *RUNS, "fault", "unplugged")
RUNNING = {SessionStage.PRINTING, SessionStage.PAUSING, SessionStage.PAUSED, SessionStage.CANCELLING}
BROKEN = {"rise", "cool"}
"""What no reset mends."""
ALWAYS = ("marlin2", "marlin1")
OTHERS = [name for name in PROFILES if name not in ALWAYS]


def reach(desk: Desk, state: str) -> None:
    """Bring a printer into this state."""
    session = desk.session
    assert session
    if state == "greeting":
        desk.wait(0.35)
        return
    if state != "heating":
        desk.warm()
    assert desk.until(lambda: desk.stage is SessionStage.IDLE, 100)
    if state in RUNS:
        desk.start()
        machine = desk.firmware.machine
        assert desk.until(lambda: machine.waits_for is not None, 100)
        if state == "heating":
            desk.wait(20)
            return
        assert desk.until(lambda: "G28" in desk.log, 1000)
        if state == "homing":
            return
        assert desk.until(lambda: machine.position[3] > 1, 1000)
        if state in {"pausing", "paused", "resuming"}:
            session.run.pause(desk.now)
        if state in {"paused", "resuming"}:
            assert desk.until(lambda: desk.stage is SessionStage.PAUSED, 100)
        if state == "resuming":
            session.run.resume(desk.now)
        if state == "cancelling":
            session.run.cancel(desk.now)
    elif state == "fault":
        desk.firmware.strike("mintemp")
        assert desk.until(lambda: desk.stage is SessionStage.FAULT, 100)
    elif state == "unplugged":
        desk.unplug()


def is_settled(desk: Desk) -> bool:
    return not desk.record.runs or desk.stage is SessionStage.PAUSED


def check_told(desk: Desk, what: str) -> None:
    """What an owner sees is something that an owner understands."""
    status = desk.status
    bad = status.condition in {Condition.UNREACHABLE, Condition.FAULT} or status.ending is Ending.FAILED
    assert not bad or SENTENCE.match(status.why), f"{what}: {status}"
    assert status.ending is not Ending.UNKNOWN, f"{what}: {status}"


def check_still(desk: Desk, what: str) -> None:
    """Nothing moves or is heated, and nothing will be."""
    moved = len(desk.motion)
    assert desk.is_still, f"{what}: it moves after it was said to stand"
    assert not desk.firmware.machine.nozzle.target, f"{what}: the nozzle is heated"
    assert not desk.firmware.machine.bed.target, f"{what}: the bed is heated"
    desk.wait(2 * MINUTE)
    assert desk.motion[moved:] == [], f"{what}: it moved again"


def check_recovers(desk: Desk, what: str) -> None:
    """Its owner gets it back: by the plug, by reset, or by its switch."""
    if desk.session is None:
        desk.plug()
    if not desk.until(lambda: desk.stage is SessionStage.IDLE, MINUTE):
        assert desk.session
        desk.session.reset(desk.now)
        if not desk.until(lambda: desk.stage is SessionStage.IDLE, MINUTE):
            desk.firmware.restart()
    assert desk.until(lambda: desk.stage is SessionStage.IDLE, MINUTE), f"{what}: {desk.status}"


def cases(state: str, fault: str) -> list[tuple[str, int, Desk]]:
    """Printers in that state, with the fault coming once, or every so many times: two boards, and one of the rest."""
    found: list[tuple[str, int, Desk]] = []
    place = STATES.index(state) + 3 * list(KNOBS).index(fault)
    for profile in (*ALWAYS, OTHERS[place % len(OTHERS)]):
        for often in (0, 3, 20) if fault in EVERY else (0,):
            desk = Desk(profile, *([f"{fault}:{often}"] if often else []), seed=place)
            reach(desk, state)
            if often:
                desk.spoil()
            else:
                desk.firmware.strike(fault)
            found.append((f"{fault} ({often}) while {state} on {profile}", often, desk))
    return found


@pytest.mark.parametrize("fault", KNOBS)
@pytest.mark.parametrize("state", STATES)
def test_a_fault_ends_in_something_that_its_owner_understands(state: str, fault: str):
    for what, often, desk in cases(state, fault):
        assert desk.until(lambda desk=desk: is_settled(desk), BOUND), f"{what}: in vain: {desk.status}"
        desk.wait(MINUTE)
        check_told(desk, what)
        if desk.stage is SessionStage.PAUSED:
            assert desk.session
            desk.session.run.resume(desk.now)
            assert desk.until(lambda desk=desk: is_settled(desk), BOUND), f"{what}: {desk.status}"
            check_told(desk, what)
        if fault in EVERY and (often != 3 or fault == "lose-ok") and state in RUNS[:-1]:
            assert desk.record.ending is Ending.DONE, f"{what}: such a cable can be lived with: {desk.status}"
        if desk.record.ending is Ending.DONE:
            executed = [line for line in desk.motion if line in BODY]
            assert executed == list(BODY), f"{what}: done, but not all of it, or more than that"
        if fault not in BROKEN:
            assert desk.record.ending is not Ending.DONE or not desk.record.fault, f"{what}: {desk.status}"
            desk.faults.any = False
            check_recovers(desk, what)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_third_ok_may_be_lost_and_each_costs_little(profile: str):
    def takes(*knobs: str) -> tuple[float, int]:
        desk = Desk(profile, *knobs, seed=1)
        reach(desk, "printing")
        desk.spoil()
        began = desk.now
        assert desk.until(lambda: not desk.record.runs, BOUND), f"{profile}: in vain: {desk.status}"
        assert desk.record.ending is Ending.DONE, f"{profile}: {desk.status}"
        assert [line for line in desk.motion if line in BODY] == list(BODY)
        return desk.now - began, len(desk.motion) // 3

    clean, lost = takes()
    assert takes("lose-ok:3")[0] <= clean + 2.0 * lost


@pytest.mark.parametrize("fault", KNOBS)
@pytest.mark.parametrize("state", RUNS)
def test_a_cancel_after_a_fault_is_sure(state: str, fault: str):
    for what, _, desk in cases(state, fault):
        if desk.session and desk.stage in RUNNING:
            desk.session.run.cancel(desk.now)
        assert desk.until(lambda desk=desk: not desk.record.runs, CANCEL), f"{what}: in vain: {desk.status}"
        check_told(desk, what)
        if desk.record.ending is Ending.CANCELLED:
            check_still(desk, what)
