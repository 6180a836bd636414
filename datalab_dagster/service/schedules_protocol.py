"""The interface of schedules, as `LabService.schedules` offers it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from datalab_dagster.service.models import ServiceModel


class ScheduleInfo(ServiceModel):
    """A schedule, and what came of the last time."""

    name: str
    """Of the schedule in Dagster, which is one for all labs."""
    lab_id: str | None
    """The lab that is validated; None: it is one of the deployment."""
    lab_name: str = ""
    cron: str
    timezone: str
    """IANA name of the time zone of `cron`."""
    set_by: str = ""
    """Who has set it; empty: the settings."""
    set_at: datetime | None = None
    next_at: datetime
    last_at: datetime | None
    """When it was due last; None: not yet, or it is not known."""
    last: str
    """What came of it, or why nothing was started; empty: it was not due yet."""
    run_id: str | None = None
    """The run of the last time, once it has started."""
    is_on: bool | None = None
    """Whether it is switched on in Dagster; None: not known."""
    obstacle: str = ""
    """Why nothing is started at its times, although it is expected."""


class Schedules(Protocol):
    """The schedules of the deployment, and those of labs: a lab has one or none. At its times it is validated again."""

    def all(self) -> list[ScheduleInfo]:
        """Return the schedules of the deployment, then those of the labs that the user may read, the oldest first."""

    def of(self, lab: str) -> ScheduleInfo | None:
        """Return the schedule of a lab, if it has one; whether it is switched on may not be known.

        Raises:
            LabNotFound, LabNameAmbiguous, LabNotYours: as their names say.
        """

    def set(self, lab: str, cron: str, timezone: str | None = None) -> ScheduleInfo:
        """Give a lab a schedule, in place of the one it has.

        Args:
            lab: which lab.
            cron: minute, hour, day of the month, month, day of the week.
            timezone: an IANA name; None: that of the settings.

        Raises:
            LabNotFound, LabNameAmbiguous, LabNotYours: as their names say.
            ScheduleWrong: the cron is wrong or never due, or the time zone is unknown; nothing was changed.
        """

    def remove(self, lab: str) -> None:
        """Take the schedule of a lab away, if it has one.

        Raises:
            LabNotFound, LabNameAmbiguous, LabNotYours: as their names say.
        """
