"""An object store for tests and benchmarks: moto's S3 server, a process of its own; no test is here."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from dataclasses import dataclass

import httpx
import s3fs

from tests.up.processes import free_port

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "tester",
    "AWS_SECRET_ACCESS_KEY": "planted-secret",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


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
