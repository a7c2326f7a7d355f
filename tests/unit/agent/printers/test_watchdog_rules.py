"""Each of the watchdog's rules, at its edge, and with a firmware that misbehaves so; in the board's own time.

The firmware here has no watchdog of its own (or it is switched off): that is the day for which ours is made.
"""

from collections.abc import Callable, Iterator, Sequence

import pytest

from agent.printers.driver import Condition, Ending, Heat
from agent.printers.serial.options import PortOptions
from agent.printers.serial.stage import SessionStage
from agent.printers.virtual.machine import MachineModel
from agent.printers.watchdog import HeaterWatch, Watchdog
from tests.farend.owner import COLD, HEAT, Desk

# ── at the edge ───────────────────────────────────────────────────────────────────────────────────────────


def says(readings: Sequence[tuple[float, float, float]], seconds: float = 40.0) -> str:
    """What a heater's watch says to (time, actual, target)."""
    heater = HeaterWatch("the nozzle", seconds)
    return next(filter(None, (heater.see(Heat(actual, target), at) for at, actual, target in readings)), "")


def held(*actual: float, target: float = 200.0, every: float = 2.0) -> list[tuple[float, float, float]]:
    """Readings of a heater that has reached its target."""
    return [(at * every, each, target) for at, each in enumerate((target - 2, target, *actual))]


@pytest.mark.parametrize(
    ("readings", "word"),
    [
        (held(215, 215, 215), ""),
        (held(216, 214, 216), ""),
        (held(215.5, 215.5), "rises"),
        (held(231, 200, 200), ""),
        (held(231, 231), "jumped"),
        (held(230, 200), ""),
        (held(169.5, 169.5), "jumped"),
        (held(185, 185, 185, every=30), ""),
        (held(*[184.9] * 10), ""),
        (held(*[184.9] * 11), "fell"),
        (held(*[184.9] * 9, 185, *[184.9] * 10), ""),
    ],
    ids=[
        "15 above is fair",
        "above, but not twice in a row",
        "more than 15 above, twice",
        "one reading 31 off may be noise",
        "two readings 31 off",
        "30 in one step",
        "30.5 down, twice",
        "15 below is fair",
        "below for 18 s",
        "below for 20 s",
        "below for 18 s, twice",
    ],
)
def test_a_heater_at_its_target(readings, word):
    assert word in says(readings)
    assert bool(says(readings)) is bool(word)


@pytest.mark.parametrize(("seconds", "name"), [(40.0, "nozzle"), (60.0, "bed")])
def test_a_heater_on_its_way_gains_two_degrees_in_its_time(seconds: float, name: str):
    just = [(at, 60 + 2.0 * at / seconds, 100.0) for at in range(0, 600, 2)]
    assert not says(just, seconds), name
    slow = [(at, 60 + 1.8 * at / seconds, 100.0) for at in range(0, 600, 2)]
    assert "stays" in says(slow, seconds)
    dead = [(at, 60.0, 100.0) for at in range(0, int(seconds) + 2, 2)]
    assert not says(dead, seconds)
    assert "stays" in says([*dead, (seconds + 2, 60.0, 100.0)], seconds)


@pytest.mark.parametrize(
    ("seen", "now", "silent", "word"),
    [
        (100, 110, 0, ""),
        (100, 110.1, 0, "temperature"),
        (100, 105, 60, ""),
        (100, 105, 60.1, "answered nothing"),
        (2250, 2250, 0, ""),
        (2250.1, 2250.1, 0, "far longer"),
    ],
)
def test_silence_and_time(seen: float, now: float, silent: float, word: str):
    """A print of 300 s may take 1.5 × 300 + 1800 = 2250 s."""
    watchdog = Watchdog(0)
    watchdog.begin(300, 0)
    watchdog.see(Heat(200, 200), None, seen)
    said = watchdog.look(now, silent, patience=60, reports=True)
    assert word in said
    assert bool(said) is bool(word)


# ── a firmware that misbehaves so ─────────────────────────────────────────────────────────────────────────


def printing(desk: Desk) -> Desk:
    desk.warm()
    assert desk.until(lambda: desk.stage is SessionStage.IDLE, 100)
    desk.start()
    assert desk.until(lambda: desk.firmware.machine.position[3] > 0.2, 1000)
    return desk


def slow_heater(desk: Desk) -> None:
    """Its element has almost burnt through: it never gets beyond 45 °C."""
    machine = desk.firmware.machine
    machine.nozzle.is_at(desk.now, 45.0)
    machine.nozzle._gain = 24.0


def slow_bed(desk: Desk) -> None:
    machine = desk.firmware.machine
    machine.bed.is_at(desk.now, 30.0)
    machine.bed._gain = 9.0


def rises(desk: Desk) -> None:
    desk.firmware.strike("rise")


def bed_rises(desk: Desk) -> None:
    desk.firmware.machine.bed.runs_away = True


def falls(desk: Desk) -> None:
    """Half of its element is dead: it can hold 184 °C, and still pushes plastic."""
    nozzle = desk.firmware.machine.nozzle
    nozzle.is_at(desk.now, 184.0)
    nozzle._gain = 163.0


def jumps(desk: Desk) -> None:
    """A thermistor that comes loose: 50 °C less from one reading to the next, and its heater is dead."""
    nozzle = desk.firmware.machine.nozzle
    nozzle.is_at(desk.now, 150.0)
    nozzle.broken = True


def tells_no_heat(desk: Desk) -> None:
    desk.firmware._reporter.report_temperatures(0)


def hangs(desk: Desk) -> None:
    """It says how hot it is, but no line is ever done, and it does not say that it is busy."""

    def never(_machine: MachineModel, _words: dict[str, float]) -> Iterator[float]:
        while True:
            yield desk.now + 1.0

    desk.firmware.machine.does = {**MachineModel.does, "G1": never}  # pyright: ignore[reportAttributeAccessIssue]
    desk.firmware._reporter.busy_every = 0


def crawls(desk: Desk) -> None:
    """Somebody turned the speed down to nothing at the display."""
    desk.firmware.machine._factor = 0.01


RULES: dict[str, tuple[Callable[[Desk], None], str, float]] = {
    "the nozzle rises": (rises, "the nozzle rises", 120),
    "the bed rises": (bed_rises, "the bed rises", 300),
    "the nozzle falls": (falls, "the nozzle fell", 120),
    "the nozzle jumps": (jumps, "the nozzle jumped", 30),
    "no temperature": (tells_no_heat, "told no temperature", 30),
    "no ok and not busy": (hangs, "answered nothing", 120),
    "far too slow": (crawls, "far longer", 3000),
}


def check_stopped(desk: Desk, word: str, within: float) -> None:
    """It was stopped for safety, its attempt has failed, its heaters are off, and only a person takes it up again."""
    began = desk.now
    assert desk.until(lambda: desk.stage is SessionStage.FAULT, within), desk.status
    assert desk.now - began <= within
    status = desk.status
    assert word in status.why, status
    assert (status.condition, status.ending) == (Condition.FAULT, Ending.FAILED)
    desk.wait(30)
    machine = desk.firmware.machine
    assert (machine.nozzle.target, machine.bed.target) == (0, 0)
    moved = len(desk.motion)
    desk.wait(600)
    assert desk.stage is SessionStage.FAULT
    assert desk.motion[moved:] == []
    assert desk.session
    desk.firmware.machine.nozzle.runs_away = desk.firmware.machine.bed.runs_away = False
    desk.session.reset(desk.now)
    assert desk.until(lambda: desk.stage is SessionStage.IDLE, 120)


@pytest.mark.parametrize("rule", RULES)
def test_a_firmware_that_misbehaves_is_stopped(rule: str):
    spoil, word, within = RULES[rule]
    desk = printing(Desk())
    spoil(desk)
    check_stopped(desk, word, within)


@pytest.mark.parametrize(("spoil", "word"), [(slow_heater, "the nozzle stays"), (slow_bed, "the bed stays")])
def test_a_heater_that_does_not_heat_is_found(spoil: Callable[[Desk], None], word: str):
    desk = Desk()
    assert desk.until(lambda: desk.stage is SessionStage.IDLE, 100)
    desk.start()
    desk.wait(1)
    spoil(desk)
    check_stopped(desk, word, 300)


@pytest.mark.parametrize("profile", ["marlin2", "marlin1", "prusa", "ender-clone", "late-ok"])
def test_a_good_print_raises_no_alarm_from_cold_to_cold(profile: str):
    desk = Desk(profile)
    assert desk.until(lambda: desk.stage is SessionStage.IDLE, 100)
    desk.start()
    desk.wait(1)
    assert desk.until(lambda: not desk.record.runs, 3000)
    assert (desk.record.ending, desk.record.fault) == (Ending.DONE, "")
    desk.wait(900)
    assert desk.stage is SessionStage.IDLE


# ── what is said to the board, and what is read of it ─────────────────────────────────────────────────────


@pytest.mark.parametrize("profile", ["marlin2", "marlin1", "prusa"])
def test_the_firmwares_own_idle_stop_is_on_for_the_print_and_off_after_it(profile: str):
    desk = Desk(profile)
    said: list[bytes] = []
    receive = desk.firmware.receive

    def hear(data: bytes) -> None:
        said.append(data)
        receive(data)

    desk.firmware.receive = hear
    desk.warm()
    assert desk.until(lambda: desk.stage is SessionStage.IDLE, 100)
    desk.start()
    desk.wait(1)
    assert desk.until(lambda: not desk.record.runs, 3000)
    text = b"".join(said)
    first, last = text.index(b" M85 S300"), text.rindex(b" M85 S0")
    assert first < text.index(b" " + HEAT[0].encode())
    assert last > text.index(b" " + COLD[-1].encode())


def stop_of(desk: Desk) -> bytes:
    """The bytes that go out when a heater runs away."""
    said: list[bytes] = []
    receive = desk.firmware.receive

    def hear(data: bytes) -> None:
        if desk.stage is SessionStage.FAULT:
            said.append(data)
        receive(data)

    desk.firmware.receive = hear
    rises(desk)
    assert desk.until(lambda: desk.stage is SessionStage.FAULT, 120)
    desk.wait(20)
    return b"".join(said)


def test_the_order_of_an_emergency_stop():
    desk = printing(Desk())
    text = stop_of(desk)
    places = [text.index(word) for word in (b"M108\n", b"M112\n", b"M104 S0\n", b"M140 S0\n")]
    assert places == sorted(places)
    assert desk.resets == 0, "it has said that it stopped itself"


def deaf(desk: Desk) -> None:
    """A firmware that does not know M112."""
    desk.firmware._tells = {  # pyright: ignore[reportAttributeAccessIssue]
        code: does for code, does in desk.firmware._tells.items() if code != "M112"
    }


@pytest.mark.parametrize(("dtr", "resets"), [("stop", 1), ("never", 0)])
def test_a_board_that_does_not_confirm_the_stop_is_reset_where_its_owner_allows_that(dtr, resets):
    desk = printing(Desk("marlin1", setup=PortOptions(port="", dtr=dtr)))
    deaf(desk)
    desk.firmware.machine.nozzle.runs_away = True
    assert desk.until(lambda: desk.stage is SessionStage.FAULT, 120)
    desk.wait(3)
    assert desk.resets == resets


def test_after_a_reset_the_temperatures_tell_that_the_heaters_are_off():
    desk = printing(Desk("marlin1"))
    deaf(desk)
    desk.firmware.machine.nozzle.runs_away = True
    assert desk.until(lambda: desk.stage is SessionStage.FAULT, 120)
    desk.firmware.machine.nozzle.runs_away = False  # it was the firmware's mistake, not its transistor's
    desk.wait(60)
    assert desk.stage is SessionStage.FAULT
    assert "heaters are off" in desk.status.why


def test_an_element_that_is_stuck_on_is_said_to_be_hot_and_reset_again():
    """A transistor that is burnt through: no command ends that, only the power switch."""
    desk = printing(Desk("marlin1"))
    deaf(desk)
    restart = desk.firmware.restart

    def restart_in_vain() -> None:
        restart()
        desk.firmware.machine.nozzle.runs_away = True

    desk.firmware.restart = restart_in_vain
    desk.firmware.machine.nozzle.runs_away = True
    assert desk.until(lambda: desk.stage is SessionStage.FAULT, 120)
    desk.wait(60)
    assert "switch off its power" in desk.status.why
    assert "the nozzle" in desk.status.why
    assert desk.resets > 1


def test_a_firmware_that_stopped_itself_tells_no_more_and_that_is_said():
    desk = printing(Desk())
    rises(desk)
    assert desk.until(lambda: desk.stage is SessionStage.FAULT, 120)
    desk.wait(60)
    assert "tells no temperature" in desk.status.why
