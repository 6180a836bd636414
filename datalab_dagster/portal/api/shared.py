"""Routes for the vendor's admins: what labs share; see `datalab_dagster.portal.shared`."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from fastapi import APIRouter, Request, Response

from datalab.results import files
from datalab_dagster.portal import shared
from datalab_dagster.portal.access import Admin, SharedService
from datalab_dagster.portal.api.results import Download, file_answer
from datalab_dagster.portal.api.values import LabName
from datalab_dagster.portal.state import portal_of
from datalab_dagster.service.models import SharedLab

router = APIRouter(prefix="/shared/labs", tags=["shared"])
_FILE: dict[str, Any] = {"content": {"application/json": {"schema": {}}, "text/html": {"schema": {"type": "string"}}}}


class SharedName(StrEnum):
    """A file that labs share."""

    STATISTICS = files.STATISTICS.name
    STATUS = files.VALIDATION_STATUS.name
    DASHBOARD = files.DASHBOARD.name
    MATCHABLE_USERS = files.MATCHABLE_USERS.name


@router.get("")
def list_shared_labs(visitor: Admin, service: SharedService) -> list[SharedLab]:
    """Return the labs that were created with sharing on."""
    return shared.shared_labs(service)


@router.get("/{lab}/{name}", response_class=Response, responses={200: _FILE})
def shared_file(
    lab: LabName,
    name: SharedName,
    request: Request,
    visitor: Admin,
    service: SharedService,
    download: Download = False,
) -> Response:
    """Return a shared file of the current result; counts below 10 are hidden."""
    content = shared.shared_file(service, lab, name.value, portal_of(request).admin_minimum)
    return file_answer(files.SHARED[name.value], content, download=download)
