"""The dataset store: encrypted, content-addressed datasets at any fsspec URL. It does not know who may use them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from datalab.errors import OutputFailed
from datalab.scratch import PART, publish, why
from datalab.storage.chunks import CHUNK_BYTES, ChunkCipher, chunk_name
from datalab.storage.errors import DatasetNotFound, ManifestDamaged
from datalab.storage.files import make_private, private_file
from datalab.storage.keys import Key
from datalab.storage.layout import DATASETS, MANIFEST_PREFIX, PARALLEL, UPLOADS, dataset_path, upload_directory
from datalab.storage.manifest import DatasetDescription, Labels, Manifest, is_hash, parse
from datalab.storage.objects import Entry, Objects
from datalab.storage.parts import PartUpload
from datalab.storage.reader import DatasetReader, StoredChunks
from datalab.storage.upload import Digested, Progress, Upload, is_upload_id, new_upload_id

STALE_AFTER = timedelta(days=1)


class DatasetStore:
    """Datasets at one URL, each encrypted with a data key that the caller keeps; threads may share it.

    Args:
        url: a directory (made if missing), or a URL such as `s3://bucket/prefix`.
        options: what the fsspec driver needs; for S3 for example `endpoint_url`, `key`, `secret`.

    >>> import io
    >>> store = DatasetStore("memory://doctest")
    >>> key = Key()
    >>> dataset = store.upload(io.BytesIO(b"user1"), key, "identifiers.csv")
    >>> store.open(dataset, key).read()
    b'user1'
    """

    def __init__(self, url: str | os.PathLike[str], options: Mapping[str, Any] | None = None) -> None:
        self._objects = Objects(url, options)
        self.where = self._objects.where

    def upload(
        self,
        source: BinaryIO,
        key: Key,
        name: str,
        *,
        description: str = "",
        upload_id: str | None = None,
        chunk_size: int = CHUNK_BYTES,
        parallel: int = PARALLEL,
        progress: Progress | None = None,
        digested: Digested | None = None,
    ) -> str:
        """Store what `source` yields, from its present position to its end, and return the manifest hash.

        The dataset appears after everything is stored, or not at all. Memory: about three chunks per parallel upload.
        With the `upload_id` and key of an earlier upload, its stored chunks are not sent again; if that upload was
        finished and the content, name and description are the same, its manifest hash is returned.

        Args:
            upload_id: see `new_upload_id`; random if None.
            progress: called with the plain bytes of every chunk that is stored.
            digested: called at the end with the SHA-256 of the SHA-256 digests of all plain chunks, in order.

        Raises:
            UploadInterrupted: the store failed; holds the upload id to continue with.
            InputUnreadable: the source failed.
        """
        labels = Labels(name=_text(name), description=_text(description))
        upload = Upload(self._objects, key, upload_id or new_upload_id(), chunk_size)
        return upload.run(source, labels, parallel, progress, digested)

    def parts(self, upload_id: str, key: Key, size: int, chunk_size: int = CHUNK_BYTES) -> PartUpload:
        """Return a new or unfinished upload of `size` bytes whose parts arrive one by one."""
        return PartUpload(self._objects, key, upload_id, size, chunk_size)

    def has_upload(self, upload_id: str) -> bool:
        """Return whether anything of an upload is stored."""
        return is_upload_id(upload_id) and bool(self._objects.list(upload_directory(upload_id)))

    def made_of(self, upload_id: str) -> list[str]:
        """Return the manifest hashes of the datasets that an upload became: empty while it is unfinished."""
        entries = self._objects.list(upload_directory(upload_id)) if is_upload_id(upload_id) else {}
        prepared = [entry.removeprefix(MANIFEST_PREFIX) for entry in entries if entry.startswith(MANIFEST_PREFIX)]
        return [manifest_hash for manifest_hash in prepared if self.exists(manifest_hash)]

    def open(self, manifest_hash: str, key: Key) -> DatasetReader:
        """Open a dataset for reading; every chunk is verified when it is read.

        Raises:
            DatasetNotFound: the dataset does not exist.
            ManifestDamaged: the manifest was changed.
            KeyMismatch: the key does not fit the dataset.
            ChunkDamaged: when a damaged chunk is read.
        """
        return DatasetReader(self._chunks(manifest_hash, key))

    def download_to(self, manifest_hash: str, key: Key, path: Path, parallel: int = PARALLEL) -> None:
        """Write the plain text to `path`, which only its owner may read; it appears whole or not at all.

        Raises:
            DatasetNotFound: the dataset does not exist.
            ManifestDamaged, ChunkDamaged: the stored data were changed.
            KeyMismatch: the key does not fit the dataset.
            OutputFailed: the file cannot be written.
        """
        chunks = self._chunks(manifest_hash, key)
        try:
            make_private(path.parent)
            with private_file(path) as (file, part), contextlib.closing(chunks.stream(parallel)) as pieces:
                for plain in pieces:
                    left = memoryview(plain)
                    while left:
                        left = left[file.write(left) :]
                publish(part, path)
        except OSError as error:
            raise OutputFailed(path, why(error)) from None

    def describe(self, manifest_hash: str, key: Key | None = None) -> DatasetDescription:
        """Return the description in the manifest; name and description only with the key.

        Raises:
            DatasetNotFound: the dataset does not exist.
            ManifestDamaged: the manifest was changed.
            KeyMismatch: the key does not fit the dataset.
        """
        manifest = self._manifest(manifest_hash)
        labels = manifest.labels(key, manifest_hash) if key else None
        return DatasetDescription(
            manifest_hash,
            size=manifest.size,
            created=datetime.fromisoformat(manifest.created),
            chunks=len(manifest.chunks),
            name=labels.name if labels else None,
            description=labels.description if labels else None,
        )

    def exists(self, manifest_hash: str) -> bool:
        """Return whether there is a dataset with this manifest hash."""
        return is_hash(manifest_hash) and self._objects.exists(dataset_path(manifest_hash))

    def list_hashes(self) -> list[str]:
        """Return the manifest hashes of all datasets, in order."""
        return [found for found in self._objects.list(DATASETS) if is_hash(found)]

    def delete(self, manifest_hash: str) -> None:
        """Remove a dataset: first its manifest, so that it disappears immediately, then its chunks.

        `sweep` removes what a crash in between leaves. The registry knows whether the dataset is still in use.

        Raises:
            DatasetNotFound: the dataset does not exist.
        """
        try:
            manifest = self._manifest(manifest_hash)
        except ManifestDamaged:  # its chunks are unknown; `sweep` removes them when nothing refers to them
            self._objects.delete(dataset_path(manifest_hash))
            return
        self._objects.delete(dataset_path(manifest_hash))
        directory = upload_directory(manifest.upload)
        others = self._published_in(self._objects.list(directory), set(self.list_hashes()))
        if not others:
            self._objects.delete_directory(directory)
            return
        # Two processes resumed the same upload at once, and each made a dataset.
        needed = {entry for other in others for entry in _chunk_names(self._manifest(other))}
        self._objects.delete(f"{directory}/{MANIFEST_PREFIX}{manifest_hash}")
        for entry in _chunk_names(manifest) - needed:
            self._objects.delete(f"{directory}/{entry}")

    def sweep(self, older_than: timedelta = STALE_AFTER) -> list[str]:
        """Remove uploads that never became a dataset and were not used for `older_than`.

        Returns:
            Their upload ids.

        Raises:
            ManifestDamaged: it is unknown which uploads are needed, so nothing was removed.
        """
        limit = datetime.now(UTC) - older_than
        found = {entry.name: entry for entry in self._objects.list(UPLOADS).values() if entry.is_directory}
        # Read after the uploads were listed: an upload that is published in between counts as published.
        published = set(self.list_hashes())
        needed = set()
        for manifest_hash in published:
            with contextlib.suppress(DatasetNotFound):  # deleted in the meantime
                needed.add(self._manifest(manifest_hash).upload)
        swept = []
        for upload_id, directory in found.items():
            entries = self._objects.list(upload_directory(upload_id))
            if upload_id in needed or self._published_in(entries, published):
                continue
            if all(_older(entry, limit) for entry in entries.values() or [directory]):
                self._objects.delete_directory(upload_directory(upload_id))
                swept.append(upload_id)
        for entry in self._objects.list(DATASETS).values():
            if PART in entry.name and _older(entry, limit):  # a manifest whose writing was interrupted by a crash
                self._objects.delete(f"{DATASETS}/{entry.name}")
        return swept

    def _manifest(self, manifest_hash: str) -> Manifest:
        data = self._objects.get(dataset_path(manifest_hash)) if is_hash(manifest_hash) else None
        if data is None:
            raise DatasetNotFound(manifest_hash)
        return parse(data, manifest_hash)

    def _chunks(self, manifest_hash: str, key: Key) -> StoredChunks:
        manifest = self._manifest(manifest_hash)
        manifest.labels(key, manifest_hash)  # distinguishes a wrong key from damaged chunks
        cipher = ChunkCipher(key, manifest.upload, manifest.chunk_size)
        chunks = StoredChunks(self._objects, manifest, manifest_hash, cipher)
        chunks.check_layout()
        return chunks

    @staticmethod
    def _published_in(entries: Mapping[str, Entry], published: set[str]) -> list[str]:
        """Return the datasets that were made of an upload, given the entries of its directory."""
        prepared = (entry.removeprefix(MANIFEST_PREFIX) for entry in entries if entry.startswith(MANIFEST_PREFIX))
        return [manifest_hash for manifest_hash in prepared if manifest_hash in published]


def _older(entry: Entry, limit: datetime) -> bool:
    return entry.modified is not None and entry.modified < limit


def _text(text: str) -> str:
    """Return `text` in a form that can be encoded: file names may contain bytes that are not characters."""
    return text.encode("utf-8", "replace").decode()


def _chunk_names(manifest: Manifest) -> set[str]:
    return {chunk_name(number, chunk.sha256) for number, chunk in enumerate(manifest.chunks)}
