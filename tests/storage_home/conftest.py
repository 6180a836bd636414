"""A home whose durable files are in a directory, and one in an object store: moto's S3 server, a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
import s3fs

from datalab.registry import Lab
from tests.living.conftest import FILES, Living, living
from tests.storage_home.proxy import Proxy
from tests.unit.registry.conftest import server, url
from tests.up.processes import free_port

__all__ = ["living", "server", "url"]

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "tester",
    "AWS_SECRET_ACCESS_KEY": "planted-secret",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the directory to the modules that the tests come from, except when only these tests are run."""
    for item in items:
        if "storage_home" in item.path.parts:
            is_repeated = "[directory" in item.name and item.path.stem != "test_faults"
            item.add_marker(pytest.mark.repeated if is_repeated else pytest.mark.long)


@dataclass
class ObjectStore:
    """An object store that answers, until its process is killed."""

    endpoint: str
    process: subprocess.Popen[bytes]

    @property
    def environment(self) -> dict[str, str]:
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": self.endpoint}

    def bucket(self) -> str:
        """Make a bucket and return its name."""
        name = f"bucket-{uuid.uuid4().hex}"
        self.files().mkdir(name)
        return name

    def files(self) -> s3fs.S3FileSystem:
        return s3fs.S3FileSystem(
            endpoint_url=self.endpoint,
            key=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            secret=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            client_kwargs={"region_name": CREDENTIALS["AWS_DEFAULT_REGION"]},
            skip_instance_cache=True,
            use_listings_cache=False,
        )


def started_store() -> ObjectStore:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    store = ObjectStore(f"http://127.0.0.1:{port}", process)
    for _ in range(600):
        try:
            httpx.get(store.endpoint)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return store
    raise AssertionError("moto's server did not start")


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
