"""The HTTP API: every question of `LabService` has a route here, and every route one of its questions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from datalab_dagster.portal.answers import ErrorAnswer
from datalab_dagster.portal.api import account, datasets, labs, results, runs, shared, uploads

_ERRORS = (400, 401, 403, 404, 405, 408, 409, 413, 415, 421, 422, 429, 500, 503)
_RESPONSES: dict[int | str, dict[str, Any]] = {status: {"model": ErrorAnswer} for status in _ERRORS}

router = APIRouter(responses=_RESPONSES)
for part in (datasets, uploads, labs, runs, results, shared, account):
    router.include_router(part.router)
