"""The places of computed files: read, write, open rows, keep rows, by address; encrypted below the home, else plain.

Below the home, rows and reports are encrypted with the key of their dataset, and aggregates are not encrypted:

labs/<lab>/validated/<kind>-<manifest hash>/   rows.parquet, invalid_rows.parquet and report.bin (encrypted),
                                               summary.json (counts)
labs/<lab>/computed/<combination>/             users.parquet (encrypted), panels/<name>.json (aggregates)
labs/<lab>/results/<run>/                      files for people: aggregates only

The folder of a dataset is named by its content, so a run for new segments finds the validated identifiers of an earlier
run. Deleting a dataset deletes its key; afterwards, files computed from its rows cannot be read.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from datalab.deployment.addresses import (
    INVALID_ROWS,
    REPORT,
    ROWS,
    SUMMARY,
    Address,
    Layer,
    combination,
    result,
    validated,
)
from datalab.deployment.errors import DatasetNotValidated, NoScratch
from datalab.deployment.folders import make_folder, one_name
from datalab.errors import InputMissing, InputUnreadable, OutputFailed
from datalab.kinds import MATCHING, DatasetKind
from datalab.scratch import forget, publish, why, write_whole
from datalab.storage import Key, ParquetCipher, read_encrypted, write_encrypted
from datalab.storage.files import private_file

KeyOf = Callable[[str], Key]
"""Returns the key of a dataset, by its manifest hash."""


class Place(Protocol):
    """The computed files of one lab.

    Documents are text; rows are Parquet, which a run writes and reads as plain files in its private scratch. A file is
    written completely or not at all. A validation is complete when its summary, which is written last, exists.
    """

    @property
    def root(self) -> Path | UPath:
        """The folder of all of them."""

    def path(self, address: Address) -> Path | UPath:
        """Return where a document or rows are."""

    def read(self, address: Address) -> bytes:
        """Return a document.

        Raises:
            InputMissing: the document does not exist.
            DatasetNotValidated: the document is the summary of a validation that is not complete.
            EncryptedFileDamaged: the document was changed, or belongs to another key or place.
        """

    def write(self, address: Address, text: str) -> None:
        """Store a document, and replace an earlier one.

        Raises:
            OutputFailed: the disk is full, or the place cannot be written to.
        """

    def open_rows(self, address: Address) -> Path:
        """Return plain Parquet that can be read until the run ends.

        Raises:
            InputMissing: the rows do not exist.
            DatasetNotValidated: the validation of the dataset is not complete.
            EncryptedFileDamaged, InputUnreadable: the file was changed or truncated.
        """

    def keep_rows(self, address: Address, rows: Path) -> None:
        """Store plain Parquet that was written in scratch; the file at `rows` is moved.

        Raises:
            OutputFailed: the disk is full, or the place cannot be written to.
        """


class Files(ABC):
    """The common part of both places: documents without row values, and the check that a validation is complete."""

    def __init__(self, root: Path, lab: str) -> None:
        self.root = root
        self._lab = lab

    def path(self, address: Address) -> Path:
        """Return where a document or rows are."""
        return self._rows(address) if address.is_rows else self._document(address)

    @abstractmethod
    def _document(self, address: Address) -> Path:
        """Return the path of a document."""

    @abstractmethod
    def _rows(self, address: Address) -> Path:
        """Return the path of rows."""

    def read(self, address: Address) -> bytes:
        if address.layer is Layer.VALIDATED and address.name == SUMMARY:
            self.must_be_complete(address)
        path = self._document(address)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise InputMissing(path) from None
        except OSError as error:
            raise InputUnreadable(path, why(error)) from None

    def write(self, address: Address, text: str) -> None:
        self.becomes_incomplete(address)
        write_whole(self._document(address), text)

    def has(self, address: Address) -> bool:
        """Return whether a document exists."""
        return self._document(address).exists()

    def is_validated(self, kind: DatasetKind, manifest_hash: str) -> bool:
        """Return whether all results of validating a dataset exist."""
        address = validated(kind, manifest_hash, ROWS)
        return self._rows(address).exists() and all(self.has(address.beside(name)) for name in (REPORT, SUMMARY))

    def must_be_complete(self, address: Address) -> None:
        if address.layer is Layer.VALIDATED and not self.is_validated(*address.dataset):
            raise DatasetNotValidated(self._lab, address.dataset[0], provisioned=True)

    def becomes_incomplete(self, address: Address) -> None:
        if not address.is_private:
            return
        path = self._document(address.beside(SUMMARY))
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputFailed(path, why(error)) from None


class EncryptedPlace(Files):
    """The files of a lab in `folder`, below the home.

    Args:
        folder: the folder of the lab.
        lab: the id of the lab; every encrypted file is bound to it.
        key_of: returns the key of a dataset.
        scratch: a private directory of the run for plain rows; None: rows cannot be opened or stored.
    """

    def __init__(self, folder: Path, lab: str, key_of: KeyOf, scratch: Path | None = None) -> None:
        super().__init__(folder, lab)
        self._key_of = key_of
        self._scratch = scratch

    def read(self, address: Address) -> bytes:
        if not address.is_private:
            return super().read(address)
        return read_encrypted(self._document(address), self._key(address), self._context(address))

    def write(self, address: Address, text: str) -> None:
        path = self._document(address)
        make_folder(path.parent)
        if not address.is_private:
            super().write(address, text)
            return
        self.becomes_incomplete(address)
        write_encrypted(path, text.encode(), self._key(address), self._context(address))

    def open_rows(self, address: Address) -> Path:
        plain = self._plain(address)
        if not plain.exists():
            self.must_be_complete(address)
            self._cipher(address).decrypt_to(self._rows(address), plain)
        return plain

    def read_rows(self, address: Address, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield columns of rows in batches, decrypted in memory; raises the errors of `open_rows`."""
        self.must_be_complete(address)
        yield from self._cipher(address).read_batches(self._rows(address), columns)

    def keep_rows(self, address: Address, rows: Path) -> None:
        plain, path = self._plain(address), self._rows(address)
        make_folder(path.parent)
        self.becomes_incomplete(address)
        try:
            with pq.ParquetFile(rows) as file, private_file(path) as (_, part):
                self._cipher(address).encrypt_to(file, part)  # row group by row group
                publish(part, path)
        except OSError as error:
            raise OutputFailed(path, why(error)) from None
        if address.name == INVALID_ROWS:
            forget(rows)  # no run reads them
        else:
            publish(rows, plain)  # so that this run does not decrypt it

    @contextlib.contextmanager
    def stored_rows(self, address: Address) -> Iterator[pq.ParquetFile]:
        """Open encrypted rows, which are decrypted in memory only; raises as `open_rows`."""
        self.must_be_complete(address)
        with self._cipher(address).open(self._rows(address)) as file:
            yield file

    def result_names(self, run_id: str) -> list[str]:
        """Return the names of the files of a run's result."""
        folder = self._document(result(run_id, "_")).parent
        return sorted(path.name for path in folder.glob("[!.]*")) if folder.is_dir() else []

    def _made_from(self, address: Address) -> tuple[str, ...]:
        """Return the parts of the folder's name; an encrypted file is bound to them."""
        if address.layer is Layer.VALIDATED:
            kind, manifest_hash = address.dataset
            return kind.value, one_name(manifest_hash)
        return (combination(address.datasets) if address.layer is Layer.COMPUTED else one_name(address.run_id),)

    def _within(self, address: Address) -> Path:
        return self.root / address.layer / "-".join(self._made_from(address))

    def _document(self, address: Address) -> Path:
        name = one_name(address.name)
        match address.layer:
            case Layer.VALIDATED:
                return self._within(address) / f"{name}.{'bin' if address.is_private else 'json'}"
            case Layer.COMPUTED:
                return self._within(address) / "panels" / f"{name}.json"
            case Layer.RESULTS:
                return self._within(address) / name

    def _rows(self, address: Address) -> Path:
        return self._within(address) / f"{one_name(address.name)}.parquet"

    def _plain(self, address: Address) -> Path:
        if self._scratch is None:
            raise NoScratch
        return self._scratch / f"{'-'.join(self._made_from(address))}-{one_name(address.name)}.parquet"

    def _key(self, address: Address) -> Key:
        """Return the key of the dataset; for files made of several datasets, the key of the identifiers."""
        return self._key_of(address.dataset[1] if address.layer is Layer.VALIDATED else address.datasets[MATCHING])

    def _context(self, address: Address) -> str:
        return "/".join((self._lab, *self._made_from(address), address.name))

    def _cipher(self, address: Address) -> ParquetCipher:
        return ParquetCipher(self._key(address), self._context(address))
