"""The place of a computation that ends with its process, such as a preflight: plain files in a private folder."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from datalab.deployment.addresses import REPORT, ROWS, SUMMARY, Address, Layer, validated
from datalab.deployment.errors import DatasetNotValidated
from datalab.deployment.folders import one_name
from datalab.deployment.places import Intact
from datalab.errors import InputMissing, InputUnreadable, OutputFailed
from datalab.kinds import DatasetKind
from datalab.results.files import VALIDATION_REPORT
from datalab.scratch import publish, why, write_whole


class PlainPlace:
    """The files of one computation, in plain text below the private folder `folder`.

    Result files, including the private reports, are in the folder `results`.
    """

    def __init__(self, folder: Path, lab: str) -> None:
        self._folder = folder
        self._lab = lab
        self._whole: dict[Path, int] = {}
        """Rows that were found whole, and how many."""
        self.results = folder / Layer.RESULTS

    @property
    def root(self) -> UPath:
        return UPath(self._folder)

    def location(self, address: Address) -> UPath:
        return UPath(self._rows(address) if address.is_rows else self._document(address))

    def has(self, address: Address) -> bool:
        """Return whether a document exists."""
        return self._document(address).exists()

    def is_validated(self, kind: DatasetKind, manifest_hash: str) -> bool:
        """Return whether all results of validating a dataset exist."""
        address = validated(kind, manifest_hash, ROWS)
        return self._rows(address).exists() and all(self.has(address.beside(name)) for name in (REPORT, SUMMARY))

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

    def open_rows(self, address: Address) -> Path:
        self._must_be_complete(address)
        path = self._rows(address)
        if path not in self._whole:  # every panel opens the rows, and the size of the footer grows with the file
            self._whole[path] = self._count(path)
        return path

    def keep_rows(self, address: Address, rows: Path) -> None:
        self._becomes_incomplete(address)
        path = self._rows(address)
        self._whole.pop(path, None)
        publish(rows, path)

    def verify(self, address: Address) -> Intact:
        return Intact(rows=self._whole[self.open_rows(address)], parts=1)

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

    @staticmethod
    def _count(path: Path) -> int:
        try:
            rows: int = pq.read_metadata(path).num_rows
        except FileNotFoundError:
            raise InputMissing(path) from None
        except (OSError, pa.ArrowException):
            raise InputUnreadable(path, "it is not complete") from None  # pyarrow's message may quote parts of the file
        return rows

    def _document(self, address: Address) -> Path:
        name = one_name(address.name)
        match address.layer:
            case Layer.VALIDATED if name == REPORT:
                return self.results / address.dataset[0] / VALIDATION_REPORT.name
            case Layer.VALIDATED:
                return self._folder / f"{address.dataset[0]}.json"
            case Layer.COMPUTED:
                return self._folder / "panels" / f"{name}.json"
            case Layer.RESULTS:
                return self.results / name

    def _rows(self, address: Address) -> Path:
        name = one_name(address.name)
        if address.layer is Layer.VALIDATED:
            name = address.dataset[0] if name == ROWS else f"{address.dataset[0]}-{name}"
        return self._folder / f"{name}.parquet"
