"""The schedules of a deployment over its HTTP API, behind `Schedules`, which documents every call."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import TypeAdapter

from datalab_dagster.service.http_connection import Connection
from datalab_dagster.service.schedules_protocol import ScheduleInfo

_SCHEDULES = TypeAdapter(list[ScheduleInfo])


class HttpSchedules:
    """The schedules; `path_of` returns the path of a lab."""

    def __init__(self, connection: Connection, path_of: Callable[[str], str]) -> None:
        self._connection = connection
        self._path_of = path_of

    def all(self) -> list[ScheduleInfo]:
        return _SCHEDULES.validate_python(self._connection.json("GET", "/schedules"))

    def of(self, lab: str) -> ScheduleInfo | None:
        found = self._connection.json("GET", f"{self._path_of(lab)}/schedule")
        return None if found is None else ScheduleInfo.model_validate(found)

    def set(self, lab: str, cron: str, timezone: str | None = None) -> ScheduleInfo:
        wanted = {"cron": cron, "timezone": timezone}
        return ScheduleInfo.model_validate(self._connection.json("PUT", f"{self._path_of(lab)}/schedule", json=wanted))

    def remove(self, lab: str) -> None:
        self._connection.json("DELETE", f"{self._path_of(lab)}/schedule")
