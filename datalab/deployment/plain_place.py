"""The place of a computation that ends with its process, such as a preflight: plain files in a private folder."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from datalab.deployment.addresses import REPORT, ROWS, Address, Layer
from datalab.deployment.folders import one_name
from datalab.deployment.places import Files
from datalab.errors import InputMissing, InputUnreadable
from datalab.results.files import VALIDATION_REPORT
from datalab.scratch import publish


class PlainPlace(Files):
    """The files of one computation, in plain text below the private folder `root`.

    Result files, including the private reports, are in the folder `results`.
    """

    def __init__(self, root: Path, lab: str) -> None:
        super().__init__(root, lab)
        self._whole: set[Path] = set()
        self.results = root / Layer.RESULTS

    def open_rows(self, address: Address) -> Path:
        self.must_be_complete(address)
        path = self._rows(address)
        if path not in self._whole:  # every panel opens the rows, and the size of the footer grows with the file
            self._must_be_whole(path)
            self._whole.add(path)
        return path

    def keep_rows(self, address: Address, rows: Path) -> None:
        self.becomes_incomplete(address)
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
            raise InputUnreadable(path, "it is not complete") from None  # pyarrow's message may quote parts of the file

    def _document(self, address: Address) -> Path:
        name = one_name(address.name)
        match address.layer:
            case Layer.VALIDATED if name == REPORT:
                return self.results / address.dataset[0] / VALIDATION_REPORT.name
            case Layer.VALIDATED:
                return self.root / f"{address.dataset[0]}.json"
            case Layer.COMPUTED:
                return self.root / "panels" / f"{name}.json"
            case Layer.RESULTS:
                return self.results / name

    def _rows(self, address: Address) -> Path:
        name = one_name(address.name)
        if address.layer is Layer.VALIDATED:
            name = address.dataset[0] if name == ROWS else f"{address.dataset[0]}-{name}"
        return self.root / f"{name}.parquet"
