"""A store in a directory and a key; everything is small, chunks have 16 bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from datalab.storage import DatasetStore, Key


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> DatasetStore:
    return DatasetStore(root)


@pytest.fixture
def key() -> Key:
    return Key(bytes(range(32)))


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk: thousands of tiny files are written here."""
    monkeypatch.setattr("os.fsync", lambda handle: None)
