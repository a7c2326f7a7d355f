from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.consent.hours import HORIZON, Hours, HoursError, window

MADRID = ZoneInfo("Europe/Madrid")
NIGHT = Hours(zone="Europe/Madrid", daily=("22:00-07:00",))
H = 3600.0


def at(*when: int, zone: ZoneInfo = MADRID) -> datetime:
    return datetime(*when, tzinfo=zone)


def test_without_quiet_hours_a_job_may_last_as_long_as_anybody_looks_ahead():
    assert window(Hours(), at(2026, 5, 1, 3, 0)) == HORIZON


def test_a_job_must_end_before_the_night_begins():
    assert window(NIGHT, at(2026, 5, 1, 20, 30)) == 1.5 * H


@pytest.mark.parametrize("hour", [22, 23, 0, 3, 6])
def test_nothing_starts_at_night(hour: int):
    assert window(NIGHT, at(2026, 5, 1, hour, 0)) == 0


def test_the_morning_opens_on_the_minute():
    assert window(NIGHT, at(2026, 5, 1, 6, 59, 59)) == 0
    assert window(NIGHT, at(2026, 5, 1, 7, 0)) == 15 * H


def test_a_day_with_hours_of_its_own_ignores_the_daily_ones():
    hours = Hours(zone="Europe/Madrid", daily=("22:00-07:00",), saturday=())
    # 2026-05-02 is a Saturday: its night is free, but Friday's lasts into its morning.
    assert window(hours, at(2026, 5, 2, 6, 0)) == 0
    assert window(hours, at(2026, 5, 2, 12, 0)) == 34 * H


def test_a_whole_day_can_be_quiet():
    sunday = Hours(zone="Europe/Madrid", sunday=("00:00-00:00",))
    assert window(sunday, at(2026, 5, 3, 12, 0)) == 0
    assert window(sunday, at(2026, 5, 4, 0, 0)) == 6 * 24 * H


def test_the_night_in_which_clocks_go_forward_is_an_hour_nearer():
    hours = Hours(zone="Europe/Madrid", daily=("05:00-06:00",))
    assert window(hours, at(2026, 3, 29, 0, 0)) == 4 * H


def test_the_night_in_which_clocks_go_back_is_an_hour_further():
    hours = Hours(zone="Europe/Madrid", daily=("05:00-06:00",))
    assert window(hours, at(2026, 10, 25, 0, 0)) == 6 * H


def test_a_doubled_hour_is_quiet_both_times():
    hours = Hours(zone="Europe/Madrid", daily=("02:15-02:45",))
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert window(hours, first) == 0
    assert window(hours, first + timedelta(hours=1)) == 0


def test_a_missing_hour_makes_quiet_hours_no_shorter():
    hours = Hours(zone="Europe/Madrid", daily=("02:30-03:30",))
    # On that day 02:00 is at once 03:00, 01:00 in UTC; from then to 03:30 it is quiet.
    assert window(hours, datetime(2026, 3, 29, 1, 0, tzinfo=UTC)) == 0
    assert window(hours, datetime(2026, 3, 29, 1, 29, tzinfo=UTC)) == 0
    assert window(hours, datetime(2026, 3, 29, 1, 31, tzinfo=UTC)) > 0


def test_the_machines_own_zone_serves_where_none_is_named(monkeypatch: pytest.MonkeyPatch):
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert window(Hours(daily=("22:00-07:00",)), at(2026, 5, 1, 21, 0, zone=ZoneInfo("Asia/Tokyo"))) == H
    finally:
        monkeypatch.undo()
        time.tzset()


def test_an_unknown_zone_is_told():
    with pytest.raises(HoursError, match="Europe/Atlantis"):
        window(Hours(zone="Europe/Atlantis"), at(2026, 5, 1, 0, 0))


clock = st.times().map(lambda time: time.strftime("%H:%M"))
spans = st.lists(st.tuples(clock, clock).map("-".join), max_size=3).map(tuple)
zones = st.sampled_from(["Europe/Madrid", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
hours = st.builds(Hours, zone=zones, daily=spans, monday=st.none() | spans, sunday=st.none() | spans)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(hours, moments, st.floats(0, 1))
def test_a_job_that_fits_the_window_meets_no_quiet_moment(hours: Hours, now: datetime, share: float):
    window_ = window(hours, now)
    assert 0 <= window_ <= HORIZON
    if window_ > 1:
        within = now + timedelta(seconds=(window_ - 1) * share)
        assert window(hours, within) > 0
        if window_ < HORIZON:
            assert window(hours, now + timedelta(seconds=window_)) == 0
