"""Uploads by parts to the deployment on this machine, behind `Uploads`, which documents every call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from datalab.deployment.parts import PartUploads
from datalab.registry import KeyRole, Upload
from datalab.registry.ownership import User
from datalab.storage import Key
from datalab.storage.chunks import CHUNK_BYTES
from datalab.storage.errors import PartMissing
from datalab.storage.parts import PartUpload
from datalab_dagster.service.infos import stored_info
from datalab_dagster.service.models import DatasetInfo, PartInfo, PartStored, UploadInfo

PART_BYTES = CHUNK_BYTES
"""Of every part but the last."""


class LocalUploads:
    """The unfinished uploads of `user`; `parts` serves all users of a process."""

    def __init__(self, parts: PartUploads, user: User) -> None:
        self._parts = parts
        self._asker = user
        self._user = user.name

    def begin(
        self,
        name: str,
        size: int,
        *,
        key: Key | None = None,
        description: str = "",
        usage: str = "PUBLISHED",
        store_key: bool = True,
        access: Mapping[str, KeyRole] | None = None,
    ) -> tuple[UploadInfo, bool]:
        upload, is_new = self._parts.begin(
            name,
            size,
            by=self._user,
            key=key,
            description=description,
            usage=usage,
            keep_key=store_key,
            access=access,
        )
        return self.get(upload.upload_id), is_new

    def all(self) -> list[UploadInfo]:
        return [self.get(upload.upload_id) for upload in self._parts.all(by=self._user)]

    def get(self, upload_id: str) -> UploadInfo:
        upload, parts = self._find(upload_id)
        return UploadInfo(
            upload_id=upload.upload_id,
            name=upload.name,
            size=parts.size,
            part_size=PART_BYTES,
            parts=parts.count,
            stored=_ranges(parts.stored()),
            created_at=upload.created_at,
        )

    def part_size(self, upload_id: str, number: int) -> int:
        return self._find(upload_id)[1].length_of(number)

    def put(self, upload_id: str, number: int, part: bytes | bytearray) -> PartStored:
        self._parts.put(upload_id, number, part, by=self._user)
        return PartStored(number=number, size=len(part))

    def part(self, upload_id: str, number: int) -> PartInfo:
        _, parts = self._find(upload_id)
        size, sha256 = parts.length_of(number), parts.digest(number)
        if sha256 is None:
            raise PartMissing(upload_id, [number], parts.count)
        return PartInfo(number=number, size=size, sha256=sha256)

    def complete(self, upload_id: str, *, sha256: str | None = None) -> DatasetInfo:
        dataset = self._parts.complete(upload_id, by=self._user, expected=sha256)
        return stored_info(self._parts.registry, dataset, self._asker)

    def abandon(self, upload_id: str) -> None:
        self._parts.abandon(upload_id, by=self._user)

    def _find(self, upload_id: str) -> tuple[Upload, PartUpload]:
        return self._parts.find(upload_id, by=self._user)


def _ranges(numbers: Sequence[int]) -> list[list[int]]:
    """Return ranges of consecutive numbers as first and last.

    >>> _ranges([0, 1, 2, 5, 7, 8])
    [[0, 2], [5, 5], [7, 8]]
    """
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found
