"""How long a printer may print yet, of the hours that its owner gives it for a day and for a week. Pure."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta, tzinfo

from agent.consent.hours import HORIZON, Hours, zone

Print = tuple[float, float]
"""From when to when a printer was at work, in seconds since 1970."""


def allowance(hours: Hours, prints: Iterable[Print], now: datetime) -> float:
    """Seconds that a print which starts `now` may last until a day's or a week's hours are used up.

    Days and weeks are the calendar's in the owner's zone, and a week begins on Monday; what was printed in the hours
    before a midnight counts for the day before. HORIZON if nothing is bounded.
    """
    begun = now.timestamp()
    prints = [each for each in prints if each[1] > each[0]]
    where = zone(hours)
    today = datetime.fromtimestamp(begun, tz=where).date()
    monday = today - timedelta(days=today.weekday())
    left = HORIZON
    if hours.most_a_day is not None:
        left = min(left, _left(_spans(today, 1, where), hours.most_a_day * 3600, prints, begun))
    if hours.most_a_week is not None:
        left = min(left, _left(_spans(monday, 7, where), hours.most_a_week * 3600, prints, begun))
    return left


def _left(spans: Iterator[Print], most: float, prints: list[Print], now: float) -> float:
    """Through one span after the other, as long as what is left of each reaches to its end."""
    for begin, end in spans:
        used = sum(max(0.0, min(end, last) - max(begin, first)) for first, last in prints)
        reached = max(now, begin)
        if (left := max(0.0, most - used)) < end - reached:
            return min(HORIZON, reached + left - now)
    return HORIZON


def _spans(first: date, days: int, where: tzinfo | None) -> Iterator[Print]:
    """Spans of so many days, one behind the other, from midnight to midnight, as far as anybody looks ahead."""
    for number in range(int(HORIZON // 86_400) // days + 2):
        begin = first + timedelta(days=number * days)
        yield _midnight(begin, where), _midnight(begin + timedelta(days=days), where)


def _midnight(day: date, where: tzinfo | None) -> float:
    return datetime.combine(day, time(), tzinfo=where).timestamp()
