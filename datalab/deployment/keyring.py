"""The wrapped keys of a deployment: what each is bound to, how it is unwrapped, and all of them for a rotation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from datalab.registry import KeyEntry, Registry, Upload
from datalab.registry.contents import ContentKey
from datalab.registry.errors import DatasetNotFound, KeyNotFound
from datalab.storage import Key, KeyService, Rewrapped, WrappedKey
from datalab.storage.errors import MasterKeyMissing

CONTENTS = "contents"
"""What the key of the hashes of contents is bound to."""
_ATTEMPTS = 3


class Entry(Protocol):
    """A wrapped key as the registry keeps it."""

    @property
    def wrapped(self) -> bytes:
        """The bytes that the master key wrapped."""

    @property
    def master_key_id(self) -> str:
        """Which master key."""


def upload_context(upload_id: str) -> str:
    """Return what the key of an unfinished upload is bound to."""
    return f"upload {upload_id}"


def dataset_context(manifest_hash: str) -> str:
    """Return what the key of a dataset is bound to."""
    return f"dataset {manifest_hash}"


def unwrapped(keys: KeyService, read_entry: Callable[[], Entry], context: str) -> Key:
    """Unwrap the key of an entry; read the entry again if the master key was rotated in between.

    Raises:
        MasterKeyMissing, KeyMismatch: it cannot be unwrapped.
    """
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(MasterKeyMissing):
            return _unwrap(keys, read_entry(), context)
    return _unwrap(keys, read_entry(), context)


def _unwrap(keys: KeyService, entry: Entry, context: str) -> Key:
    return keys.unwrap(WrappedKey(entry.master_key_id, entry.wrapped), context)


class RegistryKeyring:
    """The wrapped keys of the registry, each with its context."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def wrapped_keys(self) -> Iterable[tuple[str, WrappedKey]]:
        for context, entry in self._entries():
            yield context, WrappedKey(entry.master_key_id, entry.wrapped)

    def replace(self, changes: Sequence[Rewrapped]) -> None:
        entries = dict(self._entries())
        for change in changes:
            entry = entries.get(change.context)
            if entry is None or entry.wrapped != change.before.sealed:
                continue
            after = change.after
            if isinstance(entry, Upload):
                self._registry.uploads.rewrap(entry, after.sealed, after.master_id)
            elif isinstance(entry, ContentKey):
                self._registry.contents.rewrap(entry, after.sealed, after.master_id)
            else:
                self._registry.keychain.rewrap(entry, after.sealed, after.master_id)

    def _entries(self) -> Iterator[tuple[str, KeyEntry | Upload | ContentKey]]:
        if (key := self._registry.contents.key()) is not None:
            yield CONTENTS, key
        for upload in self._registry.uploads.all():
            yield upload_context(upload.upload_id), upload
        for manifest_hash in self._registry.keychain.all():
            with contextlib.suppress(DatasetNotFound, KeyNotFound):  # deleted meanwhile
                yield dataset_context(manifest_hash), self._registry.keychain.entry(manifest_hash)
