"""The schedules of labs in the registry: set, due once, moved on, removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from datalab.registry import Lab, Registry, ScheduleWrong
from datalab.registry.errors import LabNotFound

from .conftest import ME

DAILY, UTC_ZONE = "0 2 * * *", "UTC"


def later(days: int = 0, hours: int = 0) -> datetime:
    return datetime.now(UTC) + timedelta(days=days, hours=hours)


def test_set_changed_and_removed(registry: Registry, lab: Lab) -> None:
    schedules = registry.schedules
    assert schedules.of(lab.id) is None and schedules.all() == []
    first = schedules.set(lab.id, "  0   2 * *  * ", "Europe/Berlin", by=ME)
    assert (first.cron, first.timezone, first.set_by) == (DAILY, "Europe/Berlin", ME)
    assert later() < first.next_at <= later(days=1, hours=2)
    assert (first.due_at, first.requested, first.run_id, first.outcome) == (None, False, None, "")
    second = schedules.set(lab.id, "30 4 * * *", UTC_ZONE, by="you@publisher.example")
    assert schedules.of(lab.id) == second and schedules.all() == [second]
    assert (second.next_at.hour, second.next_at.minute, second.set_by) == (4, 30, "you@publisher.example")
    schedules.remove(lab.id)
    schedules.remove(lab.id)
    assert schedules.of(lab.id) is None


@pytest.mark.parametrize(
    ("cron", "timezone", "says"),
    [
        ("* * * * * *", UTC_ZONE, "must have five fields"),
        ("@daily", UTC_ZONE, "must have five fields"),
        ("61 * * * *", UTC_ZONE, "'61' is not a minute; write 0 to 59"),
        ("0 3 30 2 *", UTC_ZONE, "names a day that never comes"),
        ("0 3 31 4 *", UTC_ZONE, "names a day that never comes"),
        (DAILY, "Mars/Base", "'Mars/Base' is not a time zone"),
        (DAILY, "Europe/Berln", "did you mean 'Europe/Berlin'"),
        (DAILY, "", "is not a time zone"),
        (DAILY, "../../etc/passwd", "is not a time zone"),
        ("0\0 3 * * *", UTC_ZONE, "is not a minute"),
        ("0 " * 60, UTC_ZONE, "at most 100 characters"),
    ],
)
def test_what_cannot_be_used_changes_nothing(registry: Registry, lab: Lab, cron: str, timezone: str, says: str) -> None:
    before = registry.schedules.set(lab.id, DAILY, UTC_ZONE, by=ME)
    with pytest.raises(ScheduleWrong) as refused:
        registry.schedules.set(lab.id, cron, timezone, by=ME)
    assert str(refused.value).startswith("The schedule of the lab was not changed: ") and says in str(refused.value)
    assert registry.schedules.of(lab.id) == before


def test_a_deleted_lab_has_none_and_gets_none(registry: Registry, lab: Lab) -> None:
    registry.schedules.set(lab.id, DAILY, UTC_ZONE, by=ME)
    registry.labs.delete(lab.id, by=ME)
    assert registry.schedules.all() == [] and registry.schedules.due(later(days=9)) == []
    for unknown in (lab.id, "no-such-lab"):
        with pytest.raises(LabNotFound):
            registry.schedules.set(unknown, DAILY, UTC_ZONE, by=ME)


def test_what_was_missed_is_taken_once(registry: Registry, lab: Lab) -> None:
    schedules = registry.schedules
    given = schedules.set(lab.id, DAILY, UTC_ZONE, by=ME)
    assert schedules.due(later()) == []
    now = later(days=30)
    [due] = schedules.due(now)
    [taken] = schedules.take([due], now)
    assert (taken.due_at, taken.requested) == (given.next_at, True)
    assert now < taken.next_at <= now + timedelta(days=1)
    assert schedules.take([due], now) == [], "another tick was faster"
    assert schedules.due(now) == [taken], "its run may not exist"
    schedules.answer(taken, run_id="run-1")
    assert schedules.due(now) == []
    assert (found := schedules.of(lab.id)) and (found.requested, found.run_id, found.due_at) == (
        False,
        "run-1",
        given.next_at,
    )


def test_a_schedule_that_was_changed_meanwhile_is_not_taken(registry: Registry, lab: Lab) -> None:
    schedules = registry.schedules
    schedules.set(lab.id, DAILY, UTC_ZONE, by=ME)
    due = schedules.due(now := later(days=2))
    schedules.set(lab.id, DAILY, UTC_ZONE, by=ME)
    assert schedules.take(due, now) == []


def test_a_late_answer_does_not_count_for_the_next_time(registry: Registry, lab: Lab) -> None:
    schedules = registry.schedules
    schedules.set(lab.id, DAILY, UTC_ZONE, by=ME)
    [first] = schedules.take(schedules.due(later(days=2)), later(days=2))
    [second] = schedules.take(schedules.due(later(days=4)), later(days=4))
    schedules.answer(first, outcome="Too late.")
    assert schedules.of(lab.id) == second
    schedules.answer(second, outcome="Nothing to do.")
    assert (found := schedules.of(lab.id)) and (found.outcome, found.requested) == ("Nothing to do.", False)
