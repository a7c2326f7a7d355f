"""The owner's hours: when a printer may run, as a function of now."""

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Annotated

from msgspec import Meta, Struct

Span = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$")]
Spans = Annotated[tuple[Span, ...], Meta(max_length=12)]

HORIZON = 14 * 86_400.0
"""Seconds; as far as anybody looks ahead, and the longest window that is ever told."""
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Hours(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Quiet hours, in which nothing may print: a job must end before they begin.

    Each span is "HH:MM-HH:MM" of wall-clock time in `zone` (an IANA name; empty: the machine's own). One that
    ends at or before its beginning runs into the next day. `daily` holds on every day that has no list of its
    own; a span belongs to the day on which it begins. `most_a_day` and `most_a_week` bound the hours that each printer
    prints, see `allowance.py`.
    """

    zone: str = ""
    daily: Spans = ()
    monday: Spans | None = None
    tuesday: Spans | None = None
    wednesday: Spans | None = None
    thursday: Spans | None = None
    friday: Spans | None = None
    saturday: Spans | None = None
    sunday: Spans | None = None
    most_a_day: Annotated[float, Meta(ge=0, le=24)] | None = None
    most_a_week: Annotated[float, Meta(ge=0, le=168)] | None = None


class HoursError(Exception):
    """The owner's hours name a time zone that this machine does not know."""


def zone(hours: Hours) -> tzinfo | None:
    """The zone that the spans are read in; None is the machine's own.

    Raises:
        HoursError: no such zone.
    """
    if not hours.zone:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415  half a MB that the machine's own does without

    try:
        return ZoneInfo(hours.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise HoursError(f"no such time zone: {hours.zone!r}; write it like 'Europe/Madrid'") from None


def window(hours: Hours, now: datetime) -> float:
    """Seconds from `now` (an aware time) until the next quiet hours begin; 0 within them, HORIZON if none do.

    A job may start if this is above 0, and may last so long. When clocks are set forward or back, quiet hours
    that touch the missing or doubled hour begin at its earlier reading and end at its later one.
    """
    where = zone(hours)
    instant = now.timestamp()
    today = datetime.fromtimestamp(instant, tz=where).date()
    nearest = HORIZON
    for offset in range(-2, int(HORIZON // 86_400) + 2):
        day = today + timedelta(days=offset)
        for span in _spans(hours, day):
            begin, end = _instants(span, day, where)
            if begin <= instant < end:
                return 0.0
            if begin > instant:
                nearest = min(nearest, begin - instant)
    return nearest


def _spans(hours: Hours, day: date) -> tuple[str, ...]:
    own: tuple[str, ...] | None = getattr(hours, _DAYS[day.weekday()])
    return hours.daily if own is None else own


def _instants(span: str, day: date, where: tzinfo | None) -> tuple[float, float]:
    begin, end = (time.fromisoformat(part) for part in span.split("-"))
    last = day if end > begin else day + timedelta(days=1)
    return min(_readings(day, begin, where)), max(_readings(last, end, where))


def _readings(day: date, at: time, where: tzinfo | None) -> tuple[float, float]:
    """Both Unix times that a wall clock may mean; they differ only where clocks are set forward or back."""
    wall = datetime.combine(day, at, tzinfo=where)
    return wall.timestamp(), wall.replace(fold=1).timestamp()
