"""A deployment on a real database, with its store and keys in a directory of its own."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from datalab.deployment import Deployment
from datalab.home.settings import Settings
from datalab.registry import Registry
from tests.unit.registry.conftest import ME, database, registry, server, url

__all__ = ["database", "registry", "server", "url"]


@pytest.fixture
def deployment(tmp_path: Path, registry: Registry) -> Deployment:
    return Deployment(tmp_path / "home", Settings(), registry, {})


@pytest.fixture
def upload(deployment: Deployment) -> Callable[..., str]:
    """Uploads a text and returns its manifest hash."""

    def upload(text: str, name: str = "file.csv", **options: object) -> str:
        source = io.BytesIO(text.encode())
        return deployment.datasets.upload(source, name, by=ME, **options).manifest_hash  # type: ignore[arg-type]

    return upload
