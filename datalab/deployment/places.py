"""The places of computed files: read, write, open rows, keep rows, verify, by address.

A deployment has an `EncryptedPlace` per lab, a preflight a `PlainPlace`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from upath import UPath

from datalab.deployment.addresses import Address


@dataclass(frozen=True)
class Intact:
    """What a check of stored rows has counted."""

    rows: int
    parts: int


class Place(Protocol):
    """The computed files of one lab.

    Documents are text; rows are Parquet, which a run writes and reads as plain files in its private scratch. A file is
    written completely or not at all. A validation is complete when its summary, which is written last, exists.
    """

    @property
    def root(self) -> UPath:
        """The folder of all of them."""

    def location(self, address: Address) -> UPath:
        """Return where a document, or the folder of rows, is."""

    def read(self, address: Address) -> bytes:
        """Return a document.

        Raises:
            InputMissing: the document does not exist.
            DatasetNotValidated: the document is the summary of a validation that is not complete.
            EncryptedFileDamaged: the document was changed, or belongs to another key or place.
            StoreUnreachable: the object store does not answer.
        """

    def write(self, address: Address, text: str) -> None:
        """Store a document, and replace an earlier one.

        Raises:
            OutputFailed: the disk is full, or the place cannot be written to.
            StoreUnreachable: the object store does not answer.
        """

    def open_rows(self, address: Address) -> Path:
        """Return plain Parquet that can be read until the run ends.

        Raises:
            InputMissing: the rows do not exist.
            DatasetNotValidated: the validation of the dataset is not complete.
            EncryptedFileDamaged, InputUnreadable: the file was changed or truncated.
            StoreUnreachable: the object store does not answer.
        """

    def keep_rows(self, address: Address, rows: Path) -> None:
        """Store plain Parquet that was written in scratch; the file at `rows` is moved.

        Raises:
            OutputFailed: the disk is full, or the place cannot be written to.
            StoreUnreachable: the object store does not answer.
        """

    def verify(self, address: Address) -> Intact:
        """Read stored rows, and all that was stored with them, and compare them with what was recorded.

        Raises:
            InputMissing, DatasetNotValidated, EncryptedFileDamaged, InputUnreadable: as `open_rows`.
        """
