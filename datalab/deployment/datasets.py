"""Uploaded datasets: their bytes are in the store, their records and wrapped keys in the registry.

The order of the steps keeps store and registry consistent: what a crash leaves is resumed or removed by `sweep`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from datalab.deployment import recognition
from datalab.deployment.contents import Contents
from datalab.deployment.keyring import RegistryKeyring, dataset_context, unwrapped, upload_context
from datalab.errors import UsageError
from datalab.registry import Dataset, KeyRole, Origin, Registry, Upload
from datalab.registry import WrappedKey as KeptKey
from datalab.storage import DatasetReader, DatasetStore, Key, KeyService, MasterKeyFile, size_of
from datalab.storage import new_upload_id as new_id
from datalab.storage.errors import DatasetNotFound as NotInStore
from datalab.storage.keys import rewrap
from datalab.storage.store import STALE_AFTER

Progress = Callable[[int], None]


class StoredDatasets:
    """The uploaded datasets of a deployment.

    Attributes:
        registry: holds their records.
        store: holds their bytes.
    """

    def __init__(self, registry: Registry, store: DatasetStore, keys: KeyService) -> None:
        self.registry = registry
        self.store = store
        self._keys = keys
        self._contents = Contents(registry, keys)

    # ------------------------------------------------------------------------------------------------ uploading

    def upload(
        self,
        source: BinaryIO,
        name: str,
        *,
        by: str,
        key: Key | None = None,
        description: str = "",
        usage: str = "PUBLISHED",
        keep_key: bool = True,
        access: Mapping[str, KeyRole] | None = None,
        origin: Callable[[], Origin] | None = None,
        progress: Progress | None = None,
    ) -> Dataset:
        """Store the bytes of `source` and register them as a dataset, completely or not at all.

        An interrupted upload of the same user, name and size is resumed if `source` is seekable. `origin` is called
        when all is stored.

        Raises:
            NotADataset: the file is empty, a picture, a PDF or a spreadsheet; it is not read to its end.
            UploadInterrupted: the store failed; the same call resumes the upload.
            InputUnreadable: the source failed.
            AccessListWrong: the key would have no owner.
        """
        size = size_of(source)
        facts, source = recognition.begun(source, name, seekable=size is not None)
        with contextlib.ExitStack() as stack:
            upload = self._resumable(stack, name, size, by, key) if size is not None else None
            if upload is None:
                upload = self.begin(
                    name, size, by=by, key=key, description=description, usage=usage, keep_key=keep_key, access=access
                )
                stack.enter_context(self.registry.uploads.claim(upload.upload_id))
            digests: list[bytes] = []
            manifest_hash = self.store.upload(
                source,
                self.upload_key(upload),
                upload.name,
                description=upload.description,
                upload_id=upload.upload_id,
                progress=progress,
                digested=digests.append,
            )
            return self.finish(upload, manifest_hash, digests, facts, origin() if origin else None)

    def begin(
        self,
        name: str,
        size: int | None,
        *,
        by: str,
        key: Key | None = None,
        description: str = "",
        usage: str = "PUBLISHED",
        keep_key: bool = True,
        access: Mapping[str, KeyRole] | None = None,
    ) -> Upload:
        """Record an upload's id and wrapped key before its first byte is stored, so that it can be resumed."""
        upload_id = new_id()
        with self.registry.keychain.wrapping():
            wrapped = self._keys.wrap(key or Key(), upload_context(upload_id))
            return self.registry.uploads.begin(
                upload_id,
                name=_printable(name),
                size_bytes=size,
                by=by,
                wrapped=wrapped.sealed,
                master_key_id=wrapped.master_id,
                description=description,
                usage=usage,
                keep_key=keep_key,
                access=access,
            )

    def upload_key(self, upload: Upload) -> Key:
        """Return the key that an unfinished upload is encrypted with."""
        kept, upload_id = self.registry.uploads, upload.upload_id
        return unwrapped(self._keys, lambda: kept.get(upload_id), upload_context(upload_id))

    def finish(
        self,
        upload: Upload,
        manifest_hash: str,
        digests: Sequence[bytes],
        facts: recognition.Kept | None = None,
        origin: Origin | None = None,
    ) -> Dataset:
        """Register a dataset whose bytes are stored, with what it looks like; safe to repeat after a crash.

        `digests`: what `digested` of the store was called with.
        """
        with self.store.open(manifest_hash, self.upload_key(upload)) as reader:
            facts = recognition.stored(reader, facts or upload.facts)
        size = self.store.describe(manifest_hash).size
        with self.registry.keychain.wrapping():
            kept = content = None
            if upload.keep_key:
                wrapped = self._keys.wrap(self.upload_key(upload), dataset_context(manifest_hash))
                content = self._contents.hash_of(digests[0], size) if digests else None
                kept = KeptKey(wrapped.sealed, wrapped.master_id, upload.access)
            dataset = self.registry.datasets.register(
                manifest_hash,
                name=upload.name,
                size_bytes=size,
                by=upload.created_by,
                key=kept,
                content_hash=content,
                description=upload.description,
                usage=upload.usage,
                facts=facts,
                origin=origin,
            )
        self.registry.uploads.forget([upload.upload_id])
        return dataset

    def _resumable(self, stack: contextlib.ExitStack, name: str, size: int, by: str, key: Key | None) -> Upload | None:
        """Return an unfinished upload of the same file that no process works on; `stack` holds the claim on it."""
        for upload in self.registry.uploads.all(by=by):
            if (upload.name, upload.size_bytes) != (_printable(name), size):
                continue
            if key is not None and self.upload_key(upload) != key:
                continue
            with contextlib.ExitStack() as claimed:
                if claimed.enter_context(self.registry.uploads.claim(upload.upload_id)):
                    stack.enter_context(claimed.pop_all())
                    return upload
        return None

    # -------------------------------------------------------------------------------------------------- reading

    def key(self, manifest_hash: str, *, user: str | None = None) -> Key:
        """Return the key of a dataset; `user` must be on its access list, None means the deployment's own runs.

        Raises:
            DatasetNotFound, KeyNotFound: the dataset or its key does not exist.
            KeyAccessDenied: the user is not on the access list.
            MasterKeyMissing, KeyMismatch: the key cannot be unwrapped.
        """
        entry = self.registry.keychain.entry
        return unwrapped(self._keys, lambda: entry(manifest_hash, user=user), dataset_context(manifest_hash))

    def open(self, manifest_hash: str, key: Key) -> DatasetReader:
        """Open a dataset for reading and verify every chunk; raises the errors of `DatasetStore.open`."""
        self.registry.datasets.get(manifest_hash)
        return self.store.open(manifest_hash, key)

    def inspect(self, manifest_hash: str, key: Key) -> None:
        """Recognise a stored dataset from its content and keep its facts; raises the errors of `DatasetStore.open`."""
        with self.open(manifest_hash, key) as reader:
            if facts := recognition.stored(reader, None):
                self.registry.datasets.set_facts(manifest_hash, facts)

    def write_to(self, manifest_hash: str, path: Path) -> None:
        """Write the plain content of a dataset to a private file; raises the errors of `DatasetStore.download_to`."""
        self.store.download_to(manifest_hash, self.key(manifest_hash), path)

    # ------------------------------------------------------------------------------------------------- deleting

    def delete(self, manifest_hash: str, *, by: str, force: bool = False) -> None:
        """Delete a dataset and its key; `force` deprovisions it first.

        Raises:
            DatasetNotFound: the dataset does not exist.
            DatasetInUse: the dataset is provisioned.
        """
        self.registry.datasets.delete(manifest_hash, by=by, force=force)
        with contextlib.suppress(NotInStore):
            self.store.delete(manifest_hash)

    def sweep(self, older_than: timedelta = STALE_AFTER) -> None:
        """Remove abandoned uploads, and bytes whose dataset was deleted or never registered."""
        limit = datetime.now(UTC) - older_than
        begun = [upload.upload_id for upload in self.registry.uploads.all() if upload.created_at < limit]
        swept = set(self.store.sweep(older_than))
        self.registry.uploads.forget(
            upload_id for upload_id in begun if upload_id in swept or not self.store.has_upload(upload_id)
        )
        stored = self.store.list_hashes()  # before the registry is read: a dataset registered in between is then kept
        known = {dataset.manifest_hash for dataset in self.registry.datasets.all()}
        for manifest_hash in stored:
            with contextlib.suppress(NotInStore):
                if manifest_hash not in known and self.store.describe(manifest_hash).created < limit:
                    self.store.delete(manifest_hash)

    # ------------------------------------------------------------------------------------------------- rotation

    def rotate_master_key(self) -> int:
        """Wrap every key with a new master key and return the number of keys of datasets and unfinished uploads.

        If the master keys are in the environment, the first one is the new one.

        Raises:
            RotationUnfinished, MasterKeyMissing, KeyMismatch: rotation failed; the old master key is kept.
        """
        with self.registry.keychain.wrapping(exclusive=True):
            contents = self.registry.contents
            contents.forget_unused_key()
            ring, before = RegistryKeyring(self.registry), contents.key()
            every = self._keys.rotate(ring) if isinstance(self._keys, MasterKeyFile) else rewrap(ring, self._keys)
            return every - (contents.key() != before)


def _printable(name: str) -> str:
    """Return the name of a dataset without line breaks and control characters.

    Raises:
        UsageError: no character is left.
    """
    cleaned = "".join(character if character.isprintable() else " " for character in name).strip()[:255]
    if not cleaned:
        raise UsageError("A dataset needs a name. Nothing was uploaded.")
    return cleaned
