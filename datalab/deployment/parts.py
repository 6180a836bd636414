"""Uploads in parts, as one user sees them; this module does not know how parts are transferred."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from datalab.deployment import recognition
from datalab.deployment.datasets import StoredDatasets
from datalab.registry import Dataset, KeyRole, Upload
from datalab.registry.errors import AccessListWrong, UploadNotFound
from datalab.storage import Key
from datalab.storage.parts import PartUpload

_KEPT = 64


class PartUploads:
    """The uploads in parts of a deployment; threads may share it, and one object should serve all users.

    Args:
        datasets: the uploaded datasets; a completed upload is added to them.
    """

    def __init__(self, datasets: StoredDatasets) -> None:
        self._datasets = datasets
        self.registry = datasets.registry
        self._open: OrderedDict[str, PartUpload] = OrderedDict()
        self._lock = threading.Lock()
        self._ending = threading.Lock()
        """One upload at a time is completed or abandoned: removing parts that become a dataset would damage it."""

    def begin(
        self,
        name: str,
        size: int,
        *,
        by: str,
        key: Key | None = None,
        description: str = "",
        usage: str = "PUBLISHED",
        keep_key: bool = True,
        access: Mapping[str, KeyRole] | None = None,
    ) -> tuple[Upload, bool]:
        """Begin an upload, or find the unfinished one with the same arguments; return it and whether it is new.

        Raises:
            UsageError: the name is empty.
            NotADataset: the file has no bytes.
            AccessListWrong: the key would have no owner.
        """
        if access is not None and KeyRole.OWNER not in access.values():
            raise AccessListWrong("it must contain at least one owner")  # before any part is sent
        if not size:
            recognition.refuse_empty(name)
        wanted = (size, description, usage, keep_key, dict(access) if access is not None else None)
        for upload in self.registry.uploads.all(by=by):
            known = (upload.size_bytes, upload.description, upload.usage, upload.keep_key, upload.access)
            if upload.name == name and known == wanted and (key is None or self._datasets.upload_key(upload) == key):
                self._parts(upload).begin()
                return upload, False
        upload = self._datasets.begin(
            name, size, by=by, key=key, description=description, usage=usage, keep_key=keep_key, access=access
        )
        self._parts(upload).begin()
        return upload, True

    def all(self, *, by: str) -> list[Upload]:
        """Return the unfinished uploads of a user that have a known size, the newest first."""
        return [upload for upload in self.registry.uploads.all(by=by) if upload.size_bytes is not None]

    def find(self, upload_id: str, *, by: str) -> tuple[Upload, PartUpload]:
        """Return an unfinished upload of a user and its parts.

        Raises:
            UploadNotFound: the upload does not exist, or belongs to another user.
        """
        upload = self.registry.uploads.get(upload_id)
        if upload.created_by != by or upload.size_bytes is None:
            raise UploadNotFound(upload_id)
        return upload, self._parts(upload)

    def put(self, upload_id: str, number: int, part: bytes | bytearray, *, by: str) -> None:
        """Store a part; from the first one the file is recognised.

        Raises:
            NotADataset: the file is a picture, a PDF or a spreadsheet, or has no row; the part is not stored.
            UploadNotFound: the user has no such upload.
            PartUnknown, PartSizeWrong: the upload has no such part.
        """
        upload, parts = self.find(upload_id, by=by)
        facts = None
        if number == 0 and len(part) == parts.length_of(0):
            facts = recognition.first_part(bytes(part), upload.name, is_whole=parts.count == 1)
        parts.put(number, part)
        if facts is not None:
            self.registry.uploads.set_facts(upload_id, facts)

    def complete(self, upload_id: str, *, by: str, expected: str | None = None) -> Dataset:
        """Make a dataset of an upload; if an earlier call completed it, return that dataset.

        Args:
            upload_id: the upload.
            by: the user who began it.
            expected: see `PartUpload.publish`.

        Raises:
            UploadNotFound: the user has no such upload.
            PartMissing, PartsDiffer: parts are missing or not the expected ones; stored parts are kept.
        """
        with self._ending:
            try:
                upload, parts = self.find(upload_id, by=by)
            except UploadNotFound:
                # The response to an earlier call may have been lost.
                for manifest_hash in self._datasets.store.made_of(upload_id):
                    dataset = self.registry.datasets.get(manifest_hash)
                    if dataset.created_by == by:
                        return dataset
                raise
            digests: list[bytes] = []
            manifest_hash = parts.publish(upload.name, upload.description, expected, digests.append)
            dataset = self._datasets.finish(upload, manifest_hash, digests)
            self._forget(upload_id)
            return dataset

    def abandon(self, upload_id: str, *, by: str) -> None:
        """Abandon an upload and remove its parts.

        Raises:
            UploadNotFound: the user has no such unfinished upload.
        """
        with self._ending:
            _, parts = self.find(upload_id, by=by)
            self.registry.uploads.forget([upload_id])
            self._forget(upload_id)
            if not self._datasets.store.made_of(upload_id):
                parts.abandon()

    def _parts(self, upload: Upload) -> PartUpload:
        """Return the parts of an upload from a cache, so that the store is asked once which of them exist."""
        with self._lock:
            parts = self._open.get(upload.upload_id)
        if parts is None:
            key = self._datasets.upload_key(upload)
            made = self._datasets.store.parts(upload.upload_id, key, upload.size_bytes or 0)
            with self._lock:
                parts = self._open.setdefault(upload.upload_id, made)
        with self._lock:
            if upload.upload_id in self._open:
                self._open.move_to_end(upload.upload_id)
            while len(self._open) > _KEPT:
                self._open.popitem(last=False)
        return parts

    def _forget(self, upload_id: str) -> None:
        with self._lock:
            self._open.pop(upload_id, None)
