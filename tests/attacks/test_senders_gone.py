"""A sender who goes away is no error of the deployment, and the log says no more than that (docs/security.md)."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from tests.attacks.served import Served, serving
from tests.portal.conftest import app, client, database, deployment, registry, server, service, tokens, url
from tests.portal.deployments import PUBLISHER, QuietService
from tests.up.processes import within

__all__ = ["app", "client", "database", "deployment", "registry", "server", "service", "tokens", "url"]
pytestmark = pytest.mark.attack

PLANTED = b"planted.row@publisher.example"


@pytest.fixture
def served(app: FastAPI, tokens: dict[str, str]) -> Iterator[Served]:
    with serving(app, tokens[PUBLISHER]) as served:
        yield served


def test_a_sender_who_goes_away_is_told_apart_from_a_failure(
    served: Served, service: QuietService, caplog: pytest.LogCaptureFixture
) -> None:
    upload, _ = service.uploads.begin(PLANTED.decode(), 10_000_000)
    requests = {
        ("PUT", "/api/datasets"): f"/api/datasets?name={PLANTED.decode()}",
        ("PUT", "/api/uploads/{upload_id}/parts/{number}"): f"/api/uploads/{upload.upload_id}/parts/0",
        ("POST", "an unknown address"): "/api/labs",  # the body is read before the route is known
    }
    with caplog.at_level(logging.INFO):
        for (method, route), path in requests.items():
            served.begin(method, path, PLANTED * 1000, length=100_000 if "labs" in path else 10_000_000).close()
            assert within(20, lambda line=f"{method} {route} 499": line in caplog.text), caplog.text
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []
    assert "disk" not in caplog.text and PLANTED.decode() not in caplog.text
    assert service.datasets() == []
