"""Assembles the portal: API, pages, access and middleware. This module defines no route."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from fastapi import FastAPI

from datalab import __version__
from datalab.home.settings import PortalSettings
from datalab_dagster.portal import answers
from datalab_dagster.portal.api import router as api_router
from datalab_dagster.portal.api.reference import router as reference_router
from datalab_dagster.portal.login import TokenInAddress
from datalab_dagster.portal.repair_jobs import RepairJobs
from datalab_dagster.portal.security import Security
from datalab_dagster.portal.state import Portal
from datalab_dagster.service import HomeService

_PAGES = "datalab_dagster.portal.pages"


def create_app(
    service: HomeService,
    settings: PortalSettings | None = None,
    *,
    secret: str | None = None,
    minimum_count: int = 0,
) -> FastAPI:
    """Return the portal of a deployment.

    In addition to the API it has the parts of `datalab_dagster.portal.pages`: `router` (the pages), `static` (an ASGI
    app for /static) and `error_page` (shows an error to a person).

    Args:
        service: the deployment; the caller closes it.
        settings: of the portal.
        secret: of this start; it signs in the owner while there are no users.
        minimum_count: of the deployment's settings; the vendor's admins get at least 10.
    """
    settings = settings or PortalSettings()
    portal = Portal(service, settings, secret, minimum_count)

    app = FastAPI(
        title="Data Lab",
        version=__version__,
        summary="Check and profile first-party datasets before a media clean room sees them.",
        docs_url=None,  # both load their scripts from a foreign server; /docs is our own page
        redoc_url=None,
    )
    app.state.doorway = portal
    app.state.repair_jobs = RepairJobs()
    pages = _pages()
    answers.register(app, getattr(pages, "error_page", None))
    app.include_router(api_router, prefix="/api")
    app.include_router(reference_router)
    if (router := getattr(pages, "router", None)) is not None:
        app.include_router(router, include_in_schema=False)
    if (static := getattr(pages, "static", None)) is not None:
        app.mount("/static", static, name="static")
    app.add_middleware(TokenInAddress, doorway=portal)
    app.add_middleware(Security, settings=settings)
    return app


def _pages() -> Any:
    return importlib.import_module(_PAGES) if importlib.util.find_spec(_PAGES) else None
