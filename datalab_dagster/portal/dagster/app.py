"""Assembles Dagster's pages: the sign-in of the portal, whether Dagster works, and behind the guard everything else."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp

from datalab.errors import DatalabError
from datalab_dagster.portal import answers
from datalab_dagster.portal.dagster.guard import GRAPHQL, Guard
from datalab_dagster.portal.login import TokenInAddress
from datalab_dagster.portal.pages import error_page, session, static
from datalab_dagster.portal.security import Security
from datalab_dagster.portal.state import Doorway

HEALTH = """{
  workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError { __typename } } } }
  instance { daemonHealth { allDaemonStatuses { daemonType required healthy lastHeartbeatTime } } }
}"""
"""Whether the code is loaded and the daemon works: everything that is answered without a sign-in."""


def create_app(dagster: ASGIApp, doorway: Doorway) -> FastAPI:
    """Return Dagster's pages as they may be served.

    Args:
        dagster: Dagster's web application.
        doorway: who may enter, and how the pages are served.
    """
    app = FastAPI(title="Dagster's pages", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.doorway = doorway
    answers.register(app, _error_page)
    app.add_api_route("/login", session.show, methods=["GET", "HEAD"], response_model=None)
    app.add_api_route("/login", session.submit, methods=["POST"], response_model=None)
    app.add_api_route("/logout", session.end_form, methods=["GET", "HEAD"], response_model=None)
    app.add_api_route("/logout", session.end, methods=["POST"], response_model=None)
    app.add_api_route("/health", _health_of(dagster), methods=["GET"], response_model=None)
    app.mount("/static", static, name="static")
    app.mount("/", Guard(dagster))
    app.add_middleware(TokenInAddress, doorway=doorway)
    app.add_middleware(Security, settings=doorway.settings)
    return app


def _error_page(request: Request, status: int, error: DatalabError) -> Response:
    request.state.visitor = None  # the links of the portal's pages lead nowhere here
    return error_page(request, status, error)


def _health_of(dagster: ASGIApp) -> Any:
    async def health() -> Response:
        """Answer with what Dagster itself answers to `HEALTH`."""
        transport = httpx.ASGITransport(dagster)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answer = await client.post(GRAPHQL, json={"query": HEALTH})
        return Response(answer.content, answer.status_code, media_type="application/json")

    return health
