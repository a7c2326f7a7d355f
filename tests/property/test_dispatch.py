"""Which printer prints what next: the order of pairs, for any needs and printers."""

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from coordinator.model.dispatch import OpenNeed, WaitingPrinter, distance, rank
from coordinator.model.records import Hospital, Need, OpenReady, RegisteredPrinter
from gcode.profile import Profile

places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
# As wide as the wire allows: an agent may be wrong about where it is, and must not hurt others.
said_places = st.none() | st.tuples(st.floats(-180, 180), st.floats(-180, 180))


def hospital(place: tuple[float, float]) -> Hospital:
    return Hospital(
        id="h", name="St Anna", contact="ward 3", latitude=place[0], longitude=place[1], created=0
    )


hospitals = st.sampled_from([(48.2, 16.3), (41.4, 2.2)]).map(hospital)


def any_pair(_want: OpenNeed, _wait: WaitingPrinter) -> bool:
    return True


@st.composite
def needs(draw) -> list[OpenNeed]:
    return [
        OpenNeed(
            need=Need(
                id=f"n-{number}",
                hospital="h",
                part="ear-saver",
                version="1",
                quantity=10,
                priority=draw(st.integers(0, 2)),
                deadline=draw(st.none() | st.sampled_from([100.0, 200.0])),
                created=draw(st.sampled_from([1.0, 2.0])),
            ),
            hospital=draw(hospitals),
            units=draw(st.integers(0, 3)),
        )
        for number in range(draw(st.integers(0, 5)))
    ]


@st.composite
def printers(draw) -> list[WaitingPrinter]:
    return [
        WaitingPrinter(
            ready=OpenReady(
                agent=f"agent-{number}",
                printer="one",
                nonce="0" * 16,
                counter=1,
                expires=1,
                window_ends=1,
                material="petg",
                epoch="a" * 32,
                seq=0,
                held=(),
            ),
            printer=RegisteredPrinter(
                agent=f"agent-{number}",
                name="one",
                driver="serial",
                profile=Profile(),
                material="petg",
                online=True,
                seen=0,
                place=draw(said_places),
            ),
        )
        for number in range(draw(st.integers(0, 5)))
    ]


def km(want: OpenNeed, wait: WaitingPrinter) -> float:
    return distance(wait.printer.place, (want.hospital.latitude, want.hospital.longitude))


@given(needs(), printers(), st.data())
def test_exactly_the_feasible_pairs_come_the_most_pressing_first(wanted, waiting, data):
    fits = {(want.need.id, wait.ready.agent): data.draw(st.booleans()) for want in wanted for wait in waiting}

    def fit(want: OpenNeed, wait: WaitingPrinter) -> bool:
        return fits[want.need.id, wait.ready.agent]

    pairs = list(rank(wanted, waiting, fit))
    names = [(want.need.id, wait.ready.agent) for want, wait in pairs]
    expected = {name for name, fit in fits.items() if fit}
    assert sorted(names) == sorted(
        each for each in expected if next(w for w in wanted if w.need.id == each[0]).units
    )
    keys = [
        (
            -want.need.priority,
            math.inf if want.need.deadline is None else want.need.deadline,
            km(want, wait),
            want.need.created,
        )
        for want, wait in pairs
    ]
    assert keys == sorted(keys)


@given(needs(), printers(), st.randoms(use_true_random=False))
def test_the_order_does_not_hang_on_the_order_in_which_they_are_told(wanted, waiting, dice: random.Random):
    once = list(rank(wanted, waiting, any_pair))
    dice.shuffle(wanted)
    dice.shuffle(waiting)
    assert list(rank(wanted, waiting, any_pair)) == once


def test_less_pressing_needs_are_not_even_looked_at_before_they_are_reached():
    [low], [high] = [[_need(priority)] for priority in (1, 9)]
    looked: list[int] = []
    pairs = rank([low, high], [_printer()], lambda want, _: not looked.append(want.need.priority))
    next(pairs)
    assert looked == [9]


@given(said_places, places)
def test_a_distance_is_never_negative_and_never_longer_than_half_the_earth(one, other):
    far = distance(one, other)
    assert far == math.inf if one is None else 0 <= far <= math.pi * 6371 + 1


@given(places, places)
def test_a_distance_is_the_same_both_ways(one, other):
    assert math.isclose(distance(one, other), distance(other, one), abs_tol=1e-6)


def test_vienna_to_barcelona_is_some_1350_km():
    assert 1300 < distance((48.21, 16.37), (41.39, 2.17)) < 1400


def _need(priority: int) -> OpenNeed:
    need = Need(
        id=f"n-{priority}", hospital="h", part="p", version="1", quantity=1, priority=priority, created=0
    )
    return OpenNeed(need, Hospital(id="h", name="", contact="", latitude=0, longitude=0, created=0), 1)


def _printer() -> WaitingPrinter:
    ready = OpenReady(
        agent="a",
        printer="one",
        nonce="",
        counter=1,
        expires=1,
        window_ends=1,
        material="",
        epoch="",
        seq=0,
        held=(),
    )
    printer = RegisteredPrinter(
        agent="a", name="one", driver="", profile=Profile(), material="", online=True, seen=0
    )
    return WaitingPrinter(ready, printer)
