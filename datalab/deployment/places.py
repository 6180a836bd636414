"""The places of computed files: read, write, open rows, keep rows, by address; below the home encrypted, else plain.

Below the home rows and reports are encrypted with their dataset's key, aggregates are as they are:

labs/<lab>/validated/<kind>-<manifest hash>/   rows.parquet and report.bin (encrypted), summary.json (counts)
labs/<lab>/computed/<combination>/             users.parquet (encrypted), panels/<name>.json (aggregates)
labs/<lab>/results/<run>/                      what people read: aggregates only

A dataset's folder is named by its content, so a run for new segments finds what an earlier one knows of identifiers.
Deleting a dataset deletes its key: what was made of its rows can never be read again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from datalab.deployment.addresses import REPORT, ROWS, SUMMARY, Address, Layer, combination, result, validated
from datalab.deployment.errors import DatasetNotValidated, NoScratch, PathRefused
from datalab.errors import InputMissing, InputUnreadable, OutputFailed
from datalab.kinds import MATCHING, DatasetKind
from datalab.results.files import VALIDATION_REPORT
from datalab.scratch import publish, why, write_whole
from datalab.storage import Key, ParquetCipher, read_encrypted, write_encrypted
from datalab.storage.files import make_private, private_file

KeyOf = Callable[[str], Key]
"""Returns the key of a dataset, by its manifest hash."""


class Place(Protocol):
    """Where the computed files of one lab are.

    Documents are text; rows are Parquet, which a run writes and reads as plain files in its private scratch. A file is
    there completely or not at all. What validation keeps of a dataset counts once its summary, written last, is there.
    """

    def read(self, address: Address) -> bytes:
        """Return a document.

        Raises:
            InputMissing: it is not there.
            DatasetNotValidated: it is the summary of a dataset whose validation is not complete.
            EncryptedFileDamaged: it was changed, or belongs to another key or place.
        """

    def write(self, address: Address, text: str) -> None:
        """Keep a document, in place of an earlier one.

        Raises:
            OutputFailed: there is no room, or the place cannot be written to.
        """

    def open_rows(self, address: Address) -> Path:
        """Return plain Parquet that can be read until the run ends.

        Raises:
            InputMissing: it is not there.
            DatasetNotValidated: the validation of the dataset is not complete.
            EncryptedFileDamaged, InputUnreadable: it was changed or cut off.
        """

    def keep_rows(self, address: Address, rows: Path) -> None:
        """Keep plain Parquet that was written in scratch; the file at `rows` is moved.

        Raises:
            OutputFailed: there is no room, or the place cannot be written to.
        """


class _Files(ABC):
    """What both places have in common: how documents without row values are kept, and when a validation is complete."""

    def __init__(self, lab: str) -> None:
        self._lab = lab

    @abstractmethod
    def _document(self, address: Address) -> Path:
        """Return the path of a document."""

    @abstractmethod
    def _rows(self, address: Address) -> Path:
        """Return the path of rows."""

    def read(self, address: Address) -> bytes:
        if address.layer is Layer.VALIDATED and address.name == SUMMARY:
            self._must_be_complete(address)
        path = self._document(address)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise InputMissing(path) from None
        except OSError as error:
            raise InputUnreadable(path, why(error)) from None

    def write(self, address: Address, text: str) -> None:
        self._becomes_incomplete(address)
        write_whole(self._document(address), text)

    def has(self, address: Address) -> bool:
        """Return whether a document is there."""
        return self._document(address).exists()

    def is_validated(self, kind: DatasetKind, manifest_hash: str) -> bool:
        """Return whether validation has kept everything of a dataset."""
        address = validated(kind, manifest_hash, ROWS)
        return self._rows(address).exists() and all(self.has(address.beside(name)) for name in (REPORT, SUMMARY))

    def _must_be_complete(self, address: Address) -> None:
        if address.layer is Layer.VALIDATED and not self.is_validated(*address.dataset):
            raise DatasetNotValidated(self._lab, address.dataset[0], provisioned=True)

    def _becomes_incomplete(self, address: Address) -> None:
        if not address.is_private:
            return
        path = self._document(address.beside(SUMMARY))
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputFailed(path, why(error)) from None


class PlainPlace(_Files):
    """Everything in plain text below `root`, a private folder that holds the files of one computation.

    Result files, the private reports among them, are in the folder `results`.
    """

    def __init__(self, root: Path, lab: str) -> None:
        super().__init__(lab)
        self._root = root
        self._whole: set[Path] = set()
        self.results = root / Layer.RESULTS

    def open_rows(self, address: Address) -> Path:
        self._must_be_complete(address)
        path = self._rows(address)
        if path not in self._whole:  # every panel opens them, and a footer grows with the file
            self._must_be_whole(path)
            self._whole.add(path)
        return path

    def keep_rows(self, address: Address, rows: Path) -> None:
        self._becomes_incomplete(address)
        path = self._rows(address)
        self._whole.discard(path)
        publish(rows, path)

    @staticmethod
    def _must_be_whole(path: Path) -> None:
        try:
            pq.read_metadata(path)
        except FileNotFoundError:
            raise InputMissing(path) from None
        except (OSError, pa.ArrowException):
            raise InputUnreadable(path, "it is not whole") from None  # the text of pyarrow may repeat parts of the file

    def _document(self, address: Address) -> Path:
        name = one_name(address.name)
        match address.layer:
            case Layer.VALIDATED if name == REPORT:
                return self.results / address.dataset[0] / VALIDATION_REPORT.name
            case Layer.VALIDATED:
                return self._root / f"{address.dataset[0]}.json"
            case Layer.COMPUTED:
                return self._root / "panels" / f"{name}.json"
            case Layer.RESULTS:
                return self.results / name

    def _rows(self, address: Address) -> Path:
        name = address.dataset[0] if address.layer is Layer.VALIDATED else one_name(address.name)
        return self._root / f"{name}.parquet"


class EncryptedPlace(_Files):
    """The files of a lab in `folder`, below the home.

    Args:
        folder: of the lab.
        lab: its id, which is bound to every encrypted file.
        key_of: returns the key of a dataset.
        scratch: a private directory of the run, for plain rows; None: no rows are opened or kept.
    """

    def __init__(self, folder: Path, lab: str, key_of: KeyOf, scratch: Path | None = None) -> None:
        super().__init__(lab)
        self._folder = folder
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
        self._becomes_incomplete(address)
        write_encrypted(path, text.encode(), self._key(address), self._context(address))

    def open_rows(self, address: Address) -> Path:
        plain = self._plain(address)
        if not plain.exists():
            self._must_be_complete(address)
            self._cipher(address).decrypt_to(self._rows(address), plain)
        return plain

    def keep_rows(self, address: Address, rows: Path) -> None:
        plain, path = self._plain(address), self._rows(address)
        make_folder(path.parent)
        self._becomes_incomplete(address)
        try:
            with pq.ParquetFile(rows) as file, private_file(path) as (_, part):
                self._cipher(address).encrypt_to(file, part)  # row group by row group
                publish(part, path)
        except OSError as error:
            raise OutputFailed(path, why(error)) from None
        publish(rows, plain)  # so that this run does not decrypt it

    def result_names(self, run_id: str) -> list[str]:
        """Return the names of the files of a run's result."""
        folder = self._document(result(run_id, "_")).parent
        return sorted(path.name for path in folder.glob("[!.]*")) if folder.is_dir() else []

    def _made_from(self, address: Address) -> tuple[str, ...]:
        """Return what names the folder of a file, and is bound to the file if it is encrypted."""
        if address.layer is Layer.VALIDATED:
            kind, manifest_hash = address.dataset
            return kind.value, one_name(manifest_hash)
        return (combination(address.datasets) if address.layer is Layer.COMPUTED else one_name(address.run_id),)

    def _within(self, address: Address) -> Path:
        return self._folder / address.layer / "-".join(self._made_from(address))

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
        """Return the key of the dataset; of the identifiers, for what is made of several."""
        return self._key_of(address.dataset[1] if address.layer is Layer.VALIDATED else address.datasets[MATCHING])

    def _context(self, address: Address) -> str:
        return "/".join((self._lab, *self._made_from(address), address.name))

    def _cipher(self, address: Address) -> ParquetCipher:
        return ParquetCipher(self._key(address), self._context(address))


def make_folder(path: Path) -> Path:
    """Make a private folder and return it.

    Raises:
        OutputFailed: it cannot be made.
    """
    try:
        make_private(path)
    except OSError as error:
        raise OutputFailed(path, why(error)) from None
    return path


def one_name(name: str) -> str:
    """Return `name` if it is a plain file name: ids and names come from outside."""
    if not name or name != Path(name).name or name.startswith("."):
        raise PathRefused
    return name
