"""The same deployment in process and over HTTP: what is asked of a service is asked of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi import FastAPI

from datalab_dagster.service import LabService
from datalab_dagster.service.http import HttpService
from tests.portal.clients import HERE, TestClient
from tests.portal.conftest import app, database, deployment, quick_hashes, registry, server, service, tokens, url
from tests.portal.deployments import PUBLISHER, QuietService

__all__ = ["app", "database", "deployment", "quick_hashes", "registry", "server", "service", "tokens", "url"]


class Wire(httpx.BaseTransport):
    """Carries requests to an app in this process; `break_at` lets the connection break before the n-th one."""

    def __init__(self, app: FastAPI) -> None:
        self._inner = TestClient(app, base_url=HERE, client=("127.0.0.1", 50000))._transport
        self.asked: list[str] = []
        self.break_at = range(0)
        self.before: Callable[[httpx.Request], None] = lambda request: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        if len(self.asked) in self.break_at:
            raise httpx.ReadError("a text with the token in it")
        self.before(request)
        return self._inner.handle_request(request)


@pytest.fixture
def wire(app: FastAPI) -> Wire:
    return Wire(app)


@pytest.fixture
def remote(wire: Wire, tokens: dict[str, str]) -> Iterator[HttpService]:
    """The deployment over HTTP."""
    with HttpService(HERE, tokens[PUBLISHER], transport=wire) as remote:
        yield remote


@pytest.fixture(params=["embedded", "http"])
def lab_service(request: pytest.FixtureRequest, service: QuietService) -> LabService:
    """The deployment, once on this machine and once over HTTP."""
    found: LabService = service if request.param == "embedded" else request.getfixturevalue("remote")
    return found
