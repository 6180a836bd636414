"""The interface of uploads by parts, as `LabService.uploads` offers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from datalab.registry import KeyRole
from datalab.storage import Key
from datalab_dagster.service.models import DatasetInfo, PartInfo, PartStored, UploadInfo


class Uploads(Protocol):
    """The user's unfinished uploads by parts: each part may be sent in any order and more than once."""

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
        """Start an upload, or find the unfinished one with the same arguments; return it, and whether it is new.

        Raises:
            AccessListWrong: the key would have no owner.
        """

    def all(self) -> list[UploadInfo]:
        """Return all unfinished uploads, the newest first."""

    def get(self, upload_id: str) -> UploadInfo:
        """Return an upload and which of its parts are stored. Raises UploadNotFound, as all methods below."""

    def part_size(self, upload_id: str, number: int) -> int:
        """Return the required size of a part in bytes. Raises PartUnknown."""

    def put(self, upload_id: str, number: int, part: bytes | bytearray) -> PartStored:
        """Store a part; replace an earlier one. Raises PartUnknown, PartSizeWrong, StoreUnreachable."""

    def part(self, upload_id: str, number: int) -> PartInfo:
        """Return the description of a stored part, for comparison. Raises PartUnknown, PartMissing."""

    def complete(self, upload_id: str, *, sha256: str | None = None) -> DatasetInfo:
        """Create the dataset from all parts; a repeated call returns the same dataset.

        Args:
            sha256: SHA-256 of the concatenated SHA-256 digests of all parts; detects mixed files.

        Raises:
            PartMissing, PartsDiffer: parts are missing, or do not match `sha256`; stored parts are kept.
        """

    def abandon(self, upload_id: str) -> None:
        """Discard an upload and its parts."""
