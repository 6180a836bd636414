"""A deployment on a real database, with its store and keys in a directory of its own."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from datalab.deployment import Deployment
from datalab.deployment.lab_folders import LabFolders
from datalab.deployment.places import Place
from datalab.deployment.plain_place import PlainPlace
from datalab.home.settings import Settings
from datalab.registry import Registry
from datalab.storage import Key
from datalab.storage.objects import Objects
from tests.unit.deployment.kept import DATASETS, LAB, Kept
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


@pytest.fixture(params=["encrypted", "plain"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    root, scratch = tmp_path / "root", tmp_path / "scratch"
    root.mkdir(mode=0o700)
    scratch.mkdir()
    if request.param == "plain":
        return Kept(root, lambda _: PlainPlace(root, LAB), scratch)
    keys = {manifest_hash: Key() for manifest_hash in DATASETS.values()}
    folders = LabFolders(Objects(root), keys.__getitem__)
    return Kept(root, lambda run: folders.place(LAB, run), scratch)


@pytest.fixture
def place(kept: Kept) -> Place:
    return kept.later()
