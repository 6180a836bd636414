"""Keys are handed to those on their access list, rewrapped once, and never written in a text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from datalab.registry import KeyRole, Registry, WrappedKey
from datalab.registry.errors import AccessListWrong, DatasetNotFound, KeyAccessDenied, KeyNotFound

from .conftest import ME, hash_number


def test_the_uploader_owns_the_key(registry: Registry, upload: Callable[..., str]) -> None:
    manifest_hash = upload()
    entry = registry.keychain.entry(manifest_hash, user=ME)
    assert entry.wrapped.startswith(b"wrapped") and entry.master_key_id == "master-1"
    assert entry.access == {ME: KeyRole.OWNER}
    assert entry.secret_id == registry.datasets.get(manifest_hash).secret_id
    assert registry.keychain.entry(manifest_hash) == entry, "runs of the project itself"
    with pytest.raises(KeyAccessDenied, match="you may not use the key"):
        registry.keychain.entry(manifest_hash, user="you")


def test_only_owners_change_the_access_list(registry: Registry, upload: Callable[..., str]) -> None:
    manifest_hash = upload()
    registry.keychain.set_access(manifest_hash, {ME: KeyRole.OWNER, "you": KeyRole.USER}, by=ME)
    assert registry.keychain.entry(manifest_hash, user="you").access["you"] is KeyRole.USER
    for by in ("you", "stranger"):
        with pytest.raises(KeyAccessDenied):
            registry.keychain.set_access(manifest_hash, {by: KeyRole.OWNER}, by=by)
    for wrong in ({}, {ME: KeyRole.USER}, {ME: KeyRole.OWNER, " ": KeyRole.USER}):
        with pytest.raises(AccessListWrong):
            registry.keychain.set_access(manifest_hash, wrong, by=ME)
    assert set(registry.keychain.entry(manifest_hash).access) == {ME, "you"}


def test_rotation_of_the_master_key(registry: Registry, upload: Callable[..., str]) -> None:
    one, two = sorted((upload(), upload()))
    assert registry.keychain.not_wrapped_by("master-2") == [one, two]
    entry = registry.keychain.entry(one)
    assert registry.keychain.rewrap(entry, b"new", "master-2") is True
    assert registry.keychain.rewrap(entry, b"late", "master-3") is False, "another process was faster"
    assert registry.keychain.not_wrapped_by("master-2") == [two]
    after = registry.keychain.entry(one, user=ME)
    assert (after.wrapped, after.master_key_id, after.secret_id) == (b"new", "master-2", entry.secret_id)
    stale = registry.keychain.entry(two)
    registry.datasets.delete(two, by=ME)
    assert registry.keychain.rewrap(stale, b"new", "master-2") is False, "it was deleted meanwhile"
    assert registry.keychain.not_wrapped_by("master-2") == []


def test_no_key_no_dataset(registry: Registry, upload: Callable[..., str]) -> None:
    with pytest.raises(KeyNotFound):
        registry.keychain.entry(upload(key=False))
    with pytest.raises(DatasetNotFound):
        registry.keychain.entry(hash_number(1))


def test_keys_stay_out_of_texts(registry: Registry, upload: Callable[..., str]) -> None:
    assert "wrapped=" not in repr(WrappedKey(b"secret", "m")) and "secret" not in repr(WrappedKey(b"secret", "m"))
    assert "wrapped" not in repr(registry.keychain.entry(upload()))
