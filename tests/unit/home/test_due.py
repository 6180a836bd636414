"""When a schedule is due, where clocks are changed above all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalab.home.due import due_after

BERLIN = "Europe/Berlin"
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
ZONES = st.sampled_from([BERLIN, "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"])
CRONS = st.sampled_from(
    [
        "* * * * *",
        "*/7 * * * *",
        "30 2 * * *",
        "0,59 1-3 * * *",
        "15 */2 * * sun",
        "0 3 l * *",
        "0 0 1 1 *",
        "0 3 29 2 *",
    ]
)


def times(cron: str, timezone: str, after: str, number: int) -> list[str]:
    """The next times on the clock of the zone, with its offset."""
    moment, found = datetime.fromisoformat(after).replace(tzinfo=UTC), []
    for _ in range(number):
        moment = due_after(cron, timezone, moment)
        found.append(moment.astimezone(ZoneInfo(timezone)).isoformat(timespec="minutes"))
    return found


def test_every_day_at_a_time_of_the_zone() -> None:
    assert times("0 2 * * *", BERLIN, "2026-06-01T00:00", 2) == ["2026-06-02T02:00+02:00", "2026-06-03T02:00+02:00"]
    assert times("0 2 * * *", "UTC", "2026-06-01T02:00", 1) == ["2026-06-02T02:00+00:00"]


def test_a_time_that_is_left_out_counts_once_when_the_clock_is_changed() -> None:
    assert times("30 2 * * *", BERLIN, "2026-03-28T12:00", 2) == ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]
    assert times("15,45 2,3 * * *", BERLIN, "2026-03-29T00:00", 3) == [
        "2026-03-29T03:00+02:00",
        "2026-03-29T03:15+02:00",
        "2026-03-29T03:45+02:00",
    ]


def test_a_time_that_comes_twice_counts_once() -> None:
    assert times("30 2 * * *", BERLIN, "2026-10-24T12:00", 2) == ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]
    assert times("30 2 * * *", BERLIN, "2026-10-25T01:10", 1) == ["2026-10-26T02:30+01:00"]


def test_every_hour_means_both_hours_and_leaves_none_out() -> None:
    assert times("30 * * * *", BERLIN, "2026-10-24T23:40", 4) == [
        "2026-10-25T02:30+02:00",
        "2026-10-25T02:30+01:00",
        "2026-10-25T03:30+01:00",
        "2026-10-25T04:30+01:00",
    ]
    assert times("30 * * * *", BERLIN, "2026-03-29T00:00", 2) == ["2026-03-29T01:30+01:00", "2026-03-29T03:30+02:00"]


def test_a_day_that_comes_every_four_years() -> None:
    assert times("0 3 29 2 *", "UTC", "2026-01-01T00:00", 2) == ["2028-02-29T03:00+00:00", "2032-02-29T03:00+00:00"]


@given(CRONS, ZONES, MOMENTS)
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_it_is_the_first_time_after_the_moment(cron: str, timezone: str, moment: datetime) -> None:
    found = due_after(cron, timezone, moment)
    assert found > moment
    zone = ZoneInfo(timezone)
    local = found.astimezone(zone).replace(tzinfo=None)
    changed = (found - timedelta(minutes=1)).astimezone(zone).utcoffset() != found.astimezone(zone).utcoffset()
    assert changed or croniter.match(cron, local)
    between = found - timedelta(seconds=1)
    assert due_after(cron, timezone, between) == found, "nothing lies between the two"


@pytest.mark.parametrize(
    ("timezone", "changes"),
    [
        (BERLIN, ("2026-03-29T01:00", "2026-10-25T01:00")),
        ("America/New_York", ("2026-03-08T07:00", "2026-11-01T06:00")),
        ("Australia/Lord_Howe", ("2026-10-03T15:30", "2026-04-04T15:00")),
    ],
)
def test_no_minute_around_a_change_is_left_out_or_comes_twice(timezone: str, changes: tuple[str, str]) -> None:
    zone = ZoneInfo(timezone)
    for change in changes:
        moment = datetime.fromisoformat(change).replace(tzinfo=UTC) - timedelta(minutes=3)
        before = moment.astimezone(zone).utcoffset()
        for _ in range(40):
            after = due_after("* * * * *", timezone, moment)
            assert after - moment == timedelta(minutes=1)
            moment = after
        assert moment.astimezone(zone).utcoffset() != before, "the clock was changed meanwhile"
