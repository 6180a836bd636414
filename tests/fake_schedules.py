"""The schedules of a deployment in memory; their rules are the real ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from datalab.home.due import due_after
from datalab.home.rules import cron as checked_cron
from datalab.home.rules import time_zone
from datalab.registry import ScheduleWrong
from datalab_dagster.service.schedules_protocol import ScheduleInfo

if TYPE_CHECKING:
    from tests.fakes import MemoryService


class MemorySchedules:
    """The schedules of labs in memory, which are never due."""

    def __init__(self, service: MemoryService) -> None:
        self._service = service
        self._schedules: dict[str, ScheduleInfo] = {}

    def all(self) -> list[ScheduleInfo]:
        nightly = ScheduleInfo(
            name="nightly",
            lab_id=None,
            cron="0 3 * * *",
            timezone="UTC",
            next_at=datetime(2026, 11, 23, 3, tzinfo=UTC),
            last_at=datetime(2026, 11, 22, 3, tzinfo=UTC),
            last="No lab is stale.",
            is_on=True,
        )
        return [nightly, *(one.model_copy(update={"is_on": False}) for one in self._schedules.values())]

    def of(self, lab: str) -> ScheduleInfo | None:
        return self._schedules.get(self._service.lab(lab).id)

    def set(self, lab: str, cron: str, timezone: str | None = None) -> ScheduleInfo:
        found, now = self._service.lab(lab), datetime.now(UTC)
        try:
            cron, timezone = checked_cron(cron), time_zone(timezone or "UTC")
        except ValueError as error:
            raise ScheduleWrong(str(error)) from None
        self._schedules[found.id] = ScheduleInfo(
            name="lab_schedules",
            lab_id=found.id,
            lab_name=found.name,
            cron=cron,
            timezone=timezone,
            set_by=self._service.user,
            set_at=now,
            next_at=due_after(cron, timezone, now),
            last_at=None,
            last="",
            run_id=None,
        )
        return self._schedules[found.id]

    def remove(self, lab: str) -> None:
        self._schedules.pop(self._service.lab(lab).id, None)
