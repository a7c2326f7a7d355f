"""Hours a day and hours a week."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from agent.consent.allowance import allowance
from agent.consent.hours import HORIZON, Hours

NOON = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)
"""A Wednesday."""
HOUR = 3600.0


def span(begin: datetime, hours: float) -> tuple[float, float]:
    return begin.timestamp(), begin.timestamp() + hours * HOUR


def test_who_sets_no_bound_has_none():
    assert allowance(Hours(zone="UTC"), [span(NOON - timedelta(hours=12), 12)], NOON) == HORIZON


def test_what_was_printed_today_is_taken_off():
    hours = Hours(zone="UTC", most_a_day=6)
    assert allowance(hours, [], NOON) == 6 * HOUR
    assert allowance(hours, [span(NOON - timedelta(hours=4), 2.5)], NOON) == 3.5 * HOUR
    assert allowance(hours, [span(NOON - timedelta(hours=7), 7)], NOON) == 0


def test_yesterdays_hours_do_not_count_today():
    late = NOON - timedelta(hours=14)  # ten in the evening
    assert allowance(Hours(zone="UTC", most_a_day=6), [span(late, 4)], NOON) == 4 * HOUR


def test_a_job_may_reach_into_tomorrow_if_todays_hours_reach_to_midnight():
    evening = NOON + timedelta(hours=9)
    assert allowance(Hours(zone="UTC", most_a_day=6), [], evening) == 3 * HOUR + 6 * HOUR
    assert allowance(Hours(zone="UTC", most_a_day=2), [], evening) == 2 * HOUR


def test_a_week_begins_on_monday():
    sunday = NOON - timedelta(days=3)
    hours = Hours(zone="UTC", most_a_week=10)
    assert allowance(hours, [span(sunday - timedelta(hours=6), 9)], NOON) == 10 * HOUR
    assert allowance(hours, [span(NOON - timedelta(days=1), 9)], NOON) == 1 * HOUR


def test_the_tighter_of_both_holds():
    assert allowance(Hours(zone="UTC", most_a_day=8, most_a_week=5), [], NOON) == 5 * HOUR


def test_days_are_the_owners():
    """In Auckland it is midnight at noon in UTC."""
    hours = Hours(zone="Pacific/Auckland", most_a_day=6)
    assert NOON.astimezone(ZoneInfo("Pacific/Auckland")).hour == 0
    assert allowance(hours, [span(NOON - timedelta(hours=5), 5)], NOON) == 6 * HOUR


def test_a_clock_that_was_set_back_in_a_print_takes_nothing_off():
    assert allowance(Hours(zone="UTC", most_a_day=6), [span(NOON, -3)], NOON) == 6 * HOUR


@given(
    st.floats(0.5, 24),
    st.floats(0.5, 168),
    st.floats(0, 14 * 24),
    st.lists(st.tuples(st.floats(0, 200), st.floats(0, 30))),
)
def test_a_job_as_long_as_allowed_never_exceeds_a_day_or_a_week(day, week, ahead, before):
    now = datetime(2026, 3, 20, tzinfo=UTC) + timedelta(hours=ahead)
    hours = Hours(
        zone="Europe/Madrid", most_a_day=day, most_a_week=week
    )  # clocks are set forward on the 29th
    prints = [span(now - timedelta(hours=ago), min(lasts, ago)) for ago, lasts in before]
    left = allowance(hours, prints, now)
    job = (now.timestamp(), now.timestamp() + left)
    where = ZoneInfo("Europe/Madrid")
    first = now.astimezone(where).date()
    for number in range(16):
        begin = datetime.combine(first + timedelta(days=number), datetime.min.time(), where).timestamp()
        end = datetime.combine(first + timedelta(days=number + 1), datetime.min.time(), where).timestamp()
        ours = max(0.0, min(end, job[1]) - max(begin, job[0]))
        used = sum(max(0.0, min(end, b) - max(begin, a)) for a, b in prints)
        assert ours <= max(0.0, day * HOUR - used) + 1e-3
