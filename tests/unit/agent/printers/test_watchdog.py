"""When the watchdog barks, and when it must not."""

import pytest

from agent.printers.driver import Heat
from agent.printers.watchdog import Watchdog


def nozzle(course: list[tuple[float, float, float]]) -> list[str]:
    """What the watchdog says to a course of (time, actual, target)."""
    watchdog = Watchdog(0)
    return [watchdog.see(Heat(actual, target), None, at) for at, actual, target in course]


def course(*legs: tuple[int, float, float, float]) -> list[tuple[float, float, float]]:
    """Readings every two seconds along legs of (seconds, from, to, target)."""
    out: list[tuple[float, float, float]] = []
    at = 0.0
    for seconds, start, end, target in legs:
        out += [(at + step, start + (end - start) * step / seconds, target) for step in range(0, seconds, 2)]
        at += seconds
    return out


def test_a_good_print_is_left_alone():
    good = course(
        *(
            (20, 21, 21, 0),
            (90, 21, 205, 200),
            (600, 201, 199, 200),
            (60, 199, 180, 180),
            (300, 180, 181, 180),
        ),
        *((60, 181, 90, 0), (300, 90, 25, 0), (60, 25, 45, 0)),
    )
    assert not any(nozzle(good))


def test_a_nozzle_that_is_heated_again_while_it_is_still_hotter_is_left_alone():
    again = course((100, 21, 200, 200), (10, 200, 192, 0), (60, 192, 170, 170), (60, 170, 171, 170))
    assert not any(nozzle(again))


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (course((100, 21, 200, 200), (40, 200, 230, 200)), "rises"),
        (course((100, 21, 200, 200), (10, 200, 192, 0), (40, 192, 230, 170)), "rises"),
        (course((100, 21, 200, 200), (60, 200, 100, 0), (60, 100, 160, 0)), "rises"),
        (course((20, 21, 60, 200), (60, 60, 60.5, 200)), "stays"),
        (course((100, 21, 200, 200), (20, 200, 180, 200), (30, 180, 175, 200)), "fell"),
        (course((100, 21, 200, 200), (4, 150, 150, 200)), "jumped"),
    ],
    ids=["too hot", "too hot on the way down", "too hot although off", "does not heat", "falls", "jumps"],
)
def test_what_is_dangerous_is_said(wrong: list[tuple[float, float, float]], word: str):
    assert word in next(filter(None, nozzle(wrong)), "")


def test_one_reading_too_high_is_forgiven():
    assert not any(
        nozzle([(0, 195, 200), (2, 200, 200), (4, 216, 200), (6, 201, 200), (8, 216, 200), (10, 201, 200)])
    )


def test_silence_is_dangerous_after_its_time():
    watchdog = Watchdog(0)
    watchdog.see(Heat(200, 200), None, 100)
    assert not watchdog.look(109, 59, patience=60, reports=True)
    assert "temperature" in watchdog.look(111, 0, patience=60, reports=True)
    assert not watchdog.look(111, 0, patience=60, reports=False)
    assert "answered nothing" in watchdog.look(109, 61, patience=60, reports=True)
    assert not watchdog.look(109, 61, patience=900, reports=True)


def test_a_print_that_takes_far_too_long_is_stopped_but_not_for_its_pauses():
    watchdog = Watchdog(0)
    watchdog.begin(600, 0)
    watchdog.wait(1000)
    for now, wrong in ((600 * 1.5 + 1800 + 999, False), (600 * 1.5 + 1800 + 1001, True)):
        watchdog.see(None, None, now)
        assert bool(watchdog.look(now, 0, patience=60, reports=True)) is wrong
