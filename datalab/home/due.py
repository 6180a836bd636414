"""When a schedule is due: cron in a time zone, also where the clock is changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

_NEAR = timedelta(hours=2)
"""More than a clock is set forward or back."""
_MINUTE = timedelta(minutes=1)


def due_after(cron: str, timezone: str, moment: datetime) -> datetime:
    """Return the first moment after `moment`, in UTC, at which a schedule is due.

    A time that is left out when clocks are set forward counts as the moment of the change. A time that comes twice
    when clocks are set back counts once, the first time; every hour (`*`) means both hours.

    Args:
        cron: five fields, see `datalab.home.rules.cron`.
        timezone: an IANA name.
        moment: with a time zone.

    >>> due_after("30 2 * * *", "Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC)).isoformat()
    '2026-03-29T01:00:00+00:00'
    """
    zone = ZoneInfo(timezone)
    every_hour = cron.split()[1] == "*"
    is_changed = (moment - _NEAR).astimezone(zone).utcoffset() != (moment + _NEAR).astimezone(zone).utcoffset()
    near = _NEAR if every_hour and is_changed else timedelta(0)  # local times are not in the order of their moments
    found: datetime | None = None
    for local in croniter(cron, _local(moment, zone) - near).all_next(datetime):
        later = [one for one in _moments(local, zone, every_hour=every_hour) if one > moment]
        found = min(later if found is None else [found, *later], default=None)
        if found is not None and (not near or local - near > _local(found, zone)):
            return found
    raise AssertionError(f"'{cron}' is never due")


def _moments(local: datetime, zone: ZoneInfo, *, every_hour: bool) -> Iterator[datetime]:
    """Yield the moments of a local time: one, two if it comes twice and both count, none if it has none of its own."""
    moments = sorted({local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)})
    if _local(moments[0], zone) == local:
        yield from moments if every_hour else moments[:1]
    elif not every_hour:
        while _local(local.replace(tzinfo=zone).astimezone(UTC), zone) != local:
            local += _MINUTE
        yield local.replace(tzinfo=zone).astimezone(UTC)


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the time on the clock of a zone."""
    return moment.astimezone(zone).replace(tzinfo=None)
