"""Deployments for tests of the SDK: a real one, also over HTTP, and one in memory whose runs obey."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from datalab.deployment import Deployment
from datalab.home.settings import PortalSettings
from datalab.registry import EmbeddedPostgres
from datalab.registry.accounts import Role
from datalab_dagster.client import Client
from datalab_dagster.data_lab import DataLab
from datalab_dagster.portal.app import create_app
from datalab_dagster.service.http import HttpService
from datalab_dagster.service.local import LocalService
from datalab_dagster.service.open import open_service
from datalab_dagster.storage import Key
from tests.fakes import MemoryService
from tests.portal.clients import HERE
from tests.sdk.labs import COLLEAGUE, MATCH, ME, SEGMENT, SEGMENTS, two_ids, upload
from tests.service.conftest import Wire


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A home directory; beside pytest's, which other sessions close to the database's user."""
    path = Path(tempfile.mkdtemp(prefix="datalab-sdk-"))
    yield path
    EmbeddedPostgres(path).stop()
    shutil.rmtree(path)


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    return environment_of(home)


def environment_of(home: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("DATALAB_", "DAGSTER_"))}
    return {**kept, "DATALAB_HOME": str(home)}


@pytest.fixture(scope="session")
def opened(home: Path) -> Iterator[Deployment]:
    """The deployment behind the portal."""
    with Deployment.open(environment_of(home)) as deployment:
        yield deployment


@pytest.fixture(scope="session")
def wire(opened: Deployment, home: Path) -> Wire:
    """Carries requests to the deployment's portal, in this process."""
    service = LocalService(opened, ME, environment_of(home))
    return Wire(create_app(service, PortalSettings(local_owner=ME)))


@pytest.fixture(scope="session")
def tokens(opened: Deployment) -> dict[str, str]:
    """User → API token."""
    accounts, found = opened.registry.accounts, {}
    for email in (ME, COLLEAGUE):
        accounts.add(email, Role.PUBLISHER, by="root@localhost")
        _, found[email] = accounts.tokens.create(email, "sdk", lifetime=timedelta(hours=1), by="root@localhost")
    return found


@pytest.fixture
def way() -> str:
    """How the deployment is asked; modules that ask it both ways have a fixture of this name with parameters."""
    return "embedded"


@pytest.fixture
def connect(
    way: str, request: pytest.FixtureRequest, environment: dict[str, str], tokens: dict[str, str]
) -> Iterator[Callable[[str], Client]]:
    """Opens the same deployment for a user: on this machine, or over HTTP; both users always exist."""
    with ExitStack() as stack:

        def open_for(user: str) -> Client:
            if way == "embedded":
                return stack.enter_context(Client(open_service(user, environment)))
            service = HttpService(HERE, tokens[user], transport=request.getfixturevalue("wire"))
            return stack.enter_context(Client(service))

        yield open_for


@pytest.fixture
def client(connect: Callable[[str], Client]) -> Client:
    """A client of a real deployment."""
    return connect(ME)


@pytest.fixture
def colleague(connect: Callable[[str], Client]) -> Client:
    """A client of the same deployment for another user."""
    return connect(COLLEAGUE)


@pytest.fixture
def memory() -> MemoryService:
    return MemoryService(ME)


@pytest.fixture
def quick(memory: MemoryService) -> Client:
    """A client of a deployment in memory."""
    return Client(memory)


@pytest.fixture
def ready_to_run(quick: Client) -> DataLab:
    """A lab with identifiers and segments provisioned."""
    lab = two_ids(quick).with_segments().build()
    lab.provision_dataset(upload(quick), Key(), MATCH)
    lab.provision_dataset(upload(quick, SEGMENTS), Key(), SEGMENT)
    return lab
