"""Unfinished uploads: kept until they are datasets, found again, wrapped again."""

from __future__ import annotations

import pytest

from datalab.registry import KeyRole, Registry
from datalab.registry.errors import UploadNotFound

from .conftest import ME


def test_an_upload_is_kept_until_it_is_forgotten(registry: Registry) -> None:
    begun = registry.uploads.begin(
        "a" * 32, name="ids.csv", size_bytes=7, by=ME, wrapped=b"w", master_key_id="m", access={ME: KeyRole.OWNER}
    )
    assert registry.uploads.get("a" * 32) == begun
    assert registry.uploads.all(by=ME) == [begun]
    assert registry.uploads.all(by="other@else.example") == []
    registry.uploads.forget(["a" * 32, "b" * 32])
    with pytest.raises(UploadNotFound, match="finished, or was removed"):
        registry.uploads.get("a" * 32)


def test_its_key_is_wrapped_anew_once(registry: Registry) -> None:
    begun = registry.uploads.begin("a" * 32, name="x", size_bytes=None, by=ME, wrapped=b"old", master_key_id="1")
    assert registry.uploads.rewrap(begun, b"new", "2")
    assert not registry.uploads.rewrap(begun, b"other", "3")
    assert registry.uploads.get("a" * 32).wrapped == b"new"


def test_neither_key_nor_access_list_is_printed(registry: Registry) -> None:
    begun = registry.uploads.begin("a" * 32, name="x", size_bytes=None, by=ME, wrapped=b"secret", master_key_id="1")
    assert "secret" not in repr(begun)
