"""The dataset store: encrypted, content-addressed datasets at any fsspec URL; who may use them is not known here."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from datalab.errors import OutputFailed
from datalab.scratch import why
from datalab.storage.chunks import CHUNK_BYTES, ChunkCipher, chunk_name
from datalab.storage.errors import DatasetNotFound, ManifestDamaged
from datalab.storage.files import PART, make_private, private_file
from datalab.storage.keys import Key
from datalab.storage.layout import DATASETS, MANIFEST_PREFIX, PARALLEL, UPLOADS, dataset_path, upload_directory
from datalab.storage.manifest import DatasetDescription, Labels, Manifest, is_hash, parse
from datalab.storage.objects import Entry, Objects
from datalab.storage.parts import PartUpload
from datalab.storage.reader import DatasetReader, StoredChunks
from datalab.storage.upload import Progress, Upload, is_upload_id, new_upload_id

STALE_AFTER = timedelta(days=1)


class DatasetStore:
    """Datasets at one place, each encrypted with a data key that the caller keeps; threads may share it.

    Args:
        url: a directory (made when needed), or a URL such as `s3://bucket/prefix`.
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
    ) -> str:
        """Store what `source` yields, from its present position to its end, and return the manifest hash.

        The dataset appears when everything is stored, or not at all. Memory: about three chunks per parallel upload.
        With the `upload_id` and key of an earlier upload, chunks that it has stored are not sent again; if that
        upload was finished and the content, name and description are the same, its manifest hash is returned.

        Args:
            upload_id: see `new_upload_id`; random if None.
            progress: called with the plain bytes of every chunk that is stored.

        Raises:
            UploadInterrupted: the store failed; tells the upload id to go on with.
            InputUnreadable: the source failed.
        """
        labels = Labels(name=_text(name), description=_text(description))
        upload = Upload(self._objects, key, upload_id or new_upload_id(), chunk_size)
        return upload.run(source, labels, parallel, progress)

    def parts(self, upload_id: str, key: Key, size: int, chunk_size: int = CHUNK_BYTES) -> PartUpload:
        """Return an upload of `size` bytes whose parts come one by one, to be begun or gone on with."""
        return PartUpload(self._objects, key, upload_id, size, chunk_size)

    def has_upload(self, upload_id: str) -> bool:
        """Tell whether anything of an upload is stored."""
        return is_upload_id(upload_id) and bool(self._objects.list(upload_directory(upload_id)))

    def made_of(self, upload_id: str) -> list[str]:
        """Return the manifest hashes of the datasets that an upload became: none while it is under way."""
        entries = self._objects.list(upload_directory(upload_id)) if is_upload_id(upload_id) else {}
        prepared = [entry.removeprefix(MANIFEST_PREFIX) for entry in entries if entry.startswith(MANIFEST_PREFIX)]
        return [manifest_hash for manifest_hash in prepared if self.exists(manifest_hash)]

    def open(self, manifest_hash: str, key: Key) -> DatasetReader:
        """Open a dataset for reading; every chunk is verified when it is read.

        Raises:
            DatasetNotFound, ManifestDamaged, KeyMismatch: as their names say.
            ChunkDamaged: when a damaged chunk is read.
        """
        return DatasetReader(self._chunks(manifest_hash, key))

    def download_to(self, manifest_hash: str, key: Key, path: Path, parallel: int = PARALLEL) -> None:
        """Write the plain text to `path`, which only its owner may read; it is there completely or not at all.

        Raises:
            DatasetNotFound, ManifestDamaged, KeyMismatch, ChunkDamaged: as their names say.
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
                part.replace(path)
        except OSError as error:
            raise OutputFailed(path, why(error)) from None

    def describe(self, manifest_hash: str, key: Key | None = None) -> DatasetDescription:
        """Tell what the manifest says; name and description only with the key.

        Raises:
            DatasetNotFound, ManifestDamaged, KeyMismatch: as their names say.
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
        """Tell whether there is a dataset with this manifest hash."""
        return is_hash(manifest_hash) and self._objects.exists(dataset_path(manifest_hash))

    def list_hashes(self) -> list[str]:
        """Return the manifest hashes of all datasets, in order."""
        return [found for found in self._objects.list(DATASETS) if is_hash(found)]

    def delete(self, manifest_hash: str) -> None:
        """Remove a dataset: first its manifest, so that it is gone at once, then its chunks.

        What a crash leaves in between is swept later. Whether it is still in use is the registry's to know.

        Raises:
            DatasetNotFound: there is none.
        """
        try:
            manifest = self._manifest(manifest_hash)
        except ManifestDamaged:  # its chunks cannot be known, but are swept once nothing refers to them
            self._objects.delete(dataset_path(manifest_hash))
            return
        self._objects.delete(dataset_path(manifest_hash))
        directory = upload_directory(manifest.upload)
        others = self._published_in(self._objects.list(directory), set(self.list_hashes()))
        if not others:
            self._objects.delete_directory(directory)
            return
        # Two processes have resumed the same upload at once, and each of them made a dataset.
        needed = {entry for other in others for entry in _chunk_names(self._manifest(other))}
        self._objects.delete(f"{directory}/{MANIFEST_PREFIX}{manifest_hash}")
        for entry in _chunk_names(manifest) - needed:
            self._objects.delete(f"{directory}/{entry}")

    def sweep(self, older_than: timedelta = STALE_AFTER) -> list[str]:
        """Remove uploads that never became a dataset and have not been worked on for `older_than`.

        Returns:
            Their upload ids.

        Raises:
            ManifestDamaged: it is uncertain which uploads are needed, so nothing was removed.
        """
        limit = datetime.now(UTC) - older_than
        found = {entry.name: entry for entry in self._objects.list(UPLOADS).values() if entry.is_directory}
        # Read after the uploads were listed: one that is published in between is seen as published.
        published = set(self.list_hashes())
        needed = set()
        for manifest_hash in published:
            with contextlib.suppress(DatasetNotFound):  # deleted meanwhile
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
            if PART in entry.name and _older(entry, limit):  # a manifest that a crash kept from being written whole
                self._objects.delete(f"{DATASETS}/{entry.name}")
        return swept

    def _manifest(self, manifest_hash: str) -> Manifest:
        data = self._objects.get(dataset_path(manifest_hash)) if is_hash(manifest_hash) else None
        if data is None:
            raise DatasetNotFound(manifest_hash)
        return parse(data, manifest_hash)

    def _chunks(self, manifest_hash: str, key: Key) -> StoredChunks:
        manifest = self._manifest(manifest_hash)
        manifest.labels(key, manifest_hash)  # tells a wrong key from damaged chunks
        cipher = ChunkCipher(key, manifest.upload, manifest.chunk_size)
        chunks = StoredChunks(self._objects, manifest, manifest_hash, cipher)
        chunks.check_layout()
        return chunks

    @staticmethod
    def _published_in(entries: Mapping[str, Entry], published: set[str]) -> list[str]:
        """Return the datasets that were made of an upload, given what lies in its directory."""
        prepared = (entry.removeprefix(MANIFEST_PREFIX) for entry in entries if entry.startswith(MANIFEST_PREFIX))
        return [manifest_hash for manifest_hash in prepared if manifest_hash in published]


def _older(entry: Entry, limit: datetime) -> bool:
    return entry.modified is not None and entry.modified < limit


def _text(text: str) -> str:
    """Return `text` as it can be encoded: names of files may hold bytes that are no characters."""
    return text.encode("utf-8", "replace").decode()


def _chunk_names(manifest: Manifest) -> set[str]:
    return {chunk_name(number, chunk.sha256) for number, chunk in enumerate(manifest.chunks)}
