"""The action that sets and removes the schedule of a lab; the page of the lab shows it."""

from __future__ import annotations

from fastapi import Request, Response

from datalab.errors import UsageError
from datalab.formats import moment
from datalab_dagster.portal.access import Changer, Record, Service
from datalab_dagster.portal.pages.lab import page_of
from datalab_dagster.portal.pages.page import Fields, go, render
from datalab_dagster.portal.pages.texts import lab_name
from datalab_dagster.service.http_errors import status_of


def schedule(lab: str, request: Request, visitor: Changer, service: Service, record: Record, form: Fields) -> Response:
    """Gives a lab a schedule, in place of the one it has, or takes it away."""
    info = service.lab(lab)
    where = f"/datalabs/{info.id}#schedule"
    if form.get("remove"):
        service.schedules.remove(info.id)
        record("lab.unschedule", info.id)
        return go(request, where, f"{lab_name(info)} has no schedule any more.")
    cron, timezone = (str(form.get(name, "")).strip() for name in ("cron", "timezone"))
    try:
        now = service.schedules.set(info.id, cron, timezone or None)
    except UsageError as error:
        page = page_of(service, info, visitor).model_copy(update={"problems": [str(error)]})
        return render(request, "lab.html.j2", page, status=status_of(error))
    record("lab.schedule", info.id, cron=now.cron, timezone=now.timezone)
    return go(request, where, f"{lab_name(info)} has a schedule. Next validation: {moment(now.next_at)}.")
