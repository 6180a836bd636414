"""A home whose durable files are in a directory, and one in an object store: moto's S3 server, a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import s3fs

from datalab.registry import Lab
from tests.living.conftest import FILES, Living, living
from tests.object_store import ObjectStore, started_store
from tests.storage_home.proxy import Proxy
from tests.unit.registry.conftest import server, url

__all__ = ["living", "server", "url"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the directory to the modules that the tests come from, except when only these tests are run."""
    for item in items:
        if "storage_home" in item.path.parts:
            is_repeated = "[directory" in item.name and item.path.stem != "test_faults"
            item.add_marker(pytest.mark.repeated if is_repeated else pytest.mark.long)


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    store = started_store()
    yield store
    store.process.kill()
    store.process.wait()


@pytest.fixture
def lab(living: Living) -> Lab:
    """A lab with a result."""
    made = living.lab()
    living.provision(made, FILES)
    assert living.execute(*living.tick()).success
    return made


@pytest.fixture
def proxy(
    request: pytest.FixtureRequest, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Proxy]:
    """A proxy before the object store that the home is in; the home in a directory has none."""
    if "s3" not in request.node.name:
        pytest.skip("a directory is not asked over HTTP")
    proxy = Proxy(object_store.endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    yield proxy
    proxy.stop()


@pytest.fixture(params=["directory", "s3"], autouse=True)
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the home's durable files are, for every test here."""
    if request.param == "s3":
        s3fs.S3FileSystem.clear_instance_cache()  # another test's may have another endpoint
        store: ObjectStore = request.getfixturevalue("object_store")
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("DATALAB_STORAGE_URL", f"s3://{store.bucket()}/home")
