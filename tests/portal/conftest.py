"""The portal over a real deployment: database, store and keys; a client per role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from datalab.deployment import Deployment
from datalab.home.settings import PortalSettings, Settings
from datalab.registry import Registry, passwords
from datalab.registry.accounts import Role
from datalab_dagster.graph.access import DagsterAccess
from datalab_dagster.portal.app import create_app
from tests.portal.clients import TestClient, visitor
from tests.portal.deployments import ADMIN, PUBLISHER, SECRET, VIEWER, QuietService
from tests.unit.registry.conftest import database, registry, server, url

__all__ = ["database", "registry", "server", "url"]

Client = Callable[..., TestClient]


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords that are hashed in a millisecond instead of a tenth of a second and 64 MiB."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    passwords._dummy_hash.cache_clear()


@pytest.fixture
def deployment(tmp_path: Path, registry: Registry) -> Deployment:
    return Deployment(tmp_path, Settings(), registry, {})


@pytest.fixture
def service(deployment: Deployment, url: str) -> Iterator[QuietService]:
    """The deployment as the publisher sees it."""
    environment = {"DATALAB_HOME": str(deployment.home), "DATALAB_POSTGRES_URL": url}
    dagster = DagsterAccess(environment)
    yield QuietService(deployment, PUBLISHER, environment, dagster)
    dagster.close()


@pytest.fixture
def app(deployment: Deployment, service: QuietService) -> FastAPI:
    """The portal of a deployment without users."""
    settings = PortalSettings(local_owner="owner@localhost")
    return create_app(service, settings, secret=SECRET)


@pytest.fixture
def tokens(registry: Registry) -> dict[str, str]:
    """A user of each role, and their API token."""
    found = {}
    for email, role in ((PUBLISHER, Role.PUBLISHER), (VIEWER, Role.VIEWER), (ADMIN, Role.ADMIN)):
        registry.accounts.add(email, role, by="root@localhost")
        _, found[email] = registry.accounts.tokens.create(
            email, "test", lifetime=timedelta(hours=1), by="root@localhost"
        )
    return found


@pytest.fixture
def signed_out(app: FastAPI) -> TestClient:
    """A client on this machine without a login."""
    return visitor(app)


@pytest.fixture
def owner(app: FastAPI) -> TestClient:
    """A program of the account that started the deployment."""
    return visitor(app, SECRET)


@pytest.fixture
def owners_browser(app: FastAPI) -> TestClient:
    """A browser in which the address with the secret was opened."""
    client = visitor(app)
    assert client.get(f"/?token={SECRET}").status_code == 303
    return client


@pytest.fixture
def client(app: FastAPI, tokens: dict[str, str]) -> Client:
    """Returns a client with the API token of a user, by default the publisher's."""
    return lambda email=PUBLISHER: visitor(app, tokens[email])
