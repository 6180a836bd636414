"""What an open page of a lab asks every few seconds: whether there is something newer than what it shows."""

from __future__ import annotations

import hashlib

from fastapi import Request, Response

from datalab_dagster.portal.access import Reader, Service
from datalab_dagster.portal.pages.page import PageModel
from datalab_dagster.portal.pages.texts import dataset_title, done_to
from datalab_dagster.service import LabInfo, LabService

SEPARATOR = "."


class Now(PageModel):
    """The version of what the pages of a lab show."""

    version: str
    """Changes with the datasets, the state and the result of the lab."""
    said: str
    """What is newer than the version that was seen, in a sentence; empty: nothing."""


def show(lab: str, request: Request, visitor: Reader, service: Service) -> Response:
    """Whether a lab has changed since `?seen=`, and what."""
    del visitor
    info = service.lab(lab)
    version = version_of(service, info)
    seen = request.query_params.get("seen", version)
    now = Now(version=version, said=_said(service, info, seen, version))
    return Response(now.model_dump_json(by_alias=True), media_type="application/json")


def version_of(service: LabService, info: LabInfo) -> str:
    """Return the version of what the pages of a lab show: its datasets, its result, its state."""
    result = service.current_result(info.id)
    parts = (
        [(slot.kind, slot.sequence) for slot in info.slots],
        result.run_id if result else "",
        (info.state.state, info.state.reason, info.owners),
    )
    return SEPARATOR.join(hashlib.sha256(repr(part).encode()).hexdigest()[:12] for part in parts)


def _said(service: LabService, info: LabInfo, seen: str, version: str) -> str:
    if seen == version:
        return ""
    (datasets, result, *_), before = version.split(SEPARATOR), [*seen.split(SEPARATOR), "", ""]
    if datasets != before[0] and (events := service.events(info.id)):
        last = events[-1]
        return f"{last.by} {done_to(last)} {dataset_title(last.kind)}."
    if result != before[1]:
        return "There is a newer result."
    return f"The state is now: {info.state.title}."
