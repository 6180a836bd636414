"""Routes of schedules: all of them, and that of a lab."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from datalab_dagster.portal.access import Changer, Reader, Record, Service
from datalab_dagster.portal.api.values import LabName
from datalab_dagster.service.models import ServiceModel
from datalab_dagster.service.schedules_protocol import ScheduleInfo

router = APIRouter(tags=["schedules"])


class ScheduleWanted(ServiceModel):
    """When a lab is to be validated again."""

    cron: Annotated[str, Field(max_length=100)]
    """Minute, hour, day of the month, month, day of the week, such as `0 2 * * mon-fri`."""
    timezone: Annotated[str, Field(max_length=100)] | None = None
    """IANA name of its time zone; null: that of the settings."""


@router.get("/schedules")
def list_schedules(visitor: Reader, service: Service) -> list[ScheduleInfo]:
    """Return the schedules of the deployment, then those of your labs; of all labs to a viewer."""
    return service.schedules.all()


@router.get("/labs/{lab}/schedule")
def get_schedule(lab: LabName, visitor: Reader, service: Service) -> ScheduleInfo | None:
    """Return the schedule of a lab; null if it has none."""
    return service.schedules.of(lab)


@router.put("/labs/{lab}/schedule")
def set_schedule(
    lab: LabName, wanted: ScheduleWanted, visitor: Changer, service: Service, record: Record
) -> ScheduleInfo:
    """Give a lab a schedule, in place of the one it has: at its times the lab is validated again."""
    lab_id = service.lab(lab).id
    now = service.schedules.set(lab_id, wanted.cron, wanted.timezone)
    record("lab.schedule", lab_id, cron=now.cron, timezone=now.timezone)
    return now


@router.delete("/labs/{lab}/schedule", status_code=204)
def remove_schedule(lab: LabName, visitor: Changer, service: Service, record: Record) -> Response:
    """Take the schedule of a lab away, if it has one."""
    lab_id = service.lab(lab).id
    service.schedules.remove(lab_id)
    record("lab.unschedule", lab_id)
    return Response(status_code=204)
