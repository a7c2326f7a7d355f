"""Which printer prints what next. Pure: what is feasible is told by the caller."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from coordinator.model.records import Hospital, Need, OpenReady, RegisteredPrinter


@dataclass(frozen=True, slots=True)
class OpenNeed:
    """A need of which `units` are not yet promised."""

    need: Need
    hospital: Hospital
    units: int


@dataclass(frozen=True, slots=True)
class WaitingPrinter:
    """A printer that asked for work."""

    ready: OpenReady
    printer: RegisteredPrinter


Pair = tuple[OpenNeed, WaitingPrinter]
Place = tuple[float, float]
"""Latitude and longitude, in degrees."""


def rank(
    wanted: Iterable[OpenNeed],
    waiting: Iterable[WaitingPrinter],
    feasible: Callable[[OpenNeed, WaitingPrinter], bool],
) -> Iterator[Pair]:
    """Every feasible pair, the most pressing first: priority, then deadline, distance, age.

    Lazy: `feasible` is asked of less pressing needs only when the caller comes to them.
    """
    waiting = list(waiting)
    asked = sorted((want for want in wanted if want.units > 0), key=_urgency)
    for _, alike in groupby(asked, key=_urgency):
        pairs = [(want, wait) for want in alike for wait in waiting if feasible(want, wait)]
        yield from sorted(pairs, key=_nearness())


def _urgency(want: OpenNeed) -> tuple[int, float]:
    deadline = want.need.deadline
    return -want.need.priority, math.inf if deadline is None else deadline


def _nearness() -> Callable[[Pair], tuple[float, float, str, str, str]]:
    known: dict[tuple[Place | None, Place], float] = {}

    def nearness(pair: Pair) -> tuple[float, float, str, str, str]:
        want, wait = pair
        places = wait.printer.place, (want.hospital.latitude, want.hospital.longitude)
        if places not in known:
            known[places] = distance(*places)
        return known[places], want.need.created, want.need.id, wait.ready.agent, wait.ready.printer

    return nearness


def distance(one: Place | None, other: Place) -> float:
    """Kilometres between two (latitude, longitude) in degrees, as the crow flies; infinite if one is unknown.

    By the haversine formula on a sphere of 6,371 km: wrong by 0.5 % at most, where 0.1° cells are 11 km wide.
    """
    if one is None:
        return math.inf
    north1, east1, north2, east2 = map(math.radians, (*one, *other))
    half = math.sin((north2 - north1) / 2) ** 2
    half += math.cos(north1) * math.cos(north2) * math.sin((east2 - east1) / 2) ** 2
    return 2 * 6371 * math.asin(math.sqrt(min(1.0, max(0.0, half))))  # rounding may leave it just outside
