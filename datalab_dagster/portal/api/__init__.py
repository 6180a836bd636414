"""The HTTP API: every method of `LabService` has a route, and every route calls one of its methods."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from datalab_dagster.portal.answers import ErrorAnswer
from datalab_dagster.portal.api import (
    account,
    datasets,
    labs,
    lists,
    repairs,
    results,
    runs,
    schedules,
    shared,
    uploads,
)
from datalab_dagster.service.http_errors import ERROR_STATUSES

_RESPONSES: dict[int | str, dict[str, Any]] = {status: {"model": ErrorAnswer} for status in ERROR_STATUSES}

router = APIRouter(responses=_RESPONSES)
for part in (datasets, repairs, uploads, labs, lists, schedules, runs, results, shared, account):
    router.include_router(part.router)
