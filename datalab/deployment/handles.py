"""What assets exchange: handles of a dataset and of rows, and models; never the rows themselves.

A handle is as cheap for a billion rows as for ten, and the same for every engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import BaseModel

from datalab.deployment.addresses import SUMMARY, Address
from datalab.deployment.places import Place
from datalab.kinds import DatasetKind
from datalab.results.large import parsed
from datalab.results.statistics import StatisticsResultV2
from datalab.results.validation import AnyValidationReport
from datalab.statistics.compare import Comparison
from datalab.statistics.datasets import ValidatedDataset

Model = TypeVar("Model", bound=BaseModel)


def load(place: Place, address: Address, model: type[Model]) -> Model:
    """Return a stored model; raises the errors of `Place.read`."""
    return parsed(model, place.read(address))


class ReadsContent(Protocol):
    """What has the plain content of datasets: a run."""

    def size(self, kind: DatasetKind) -> int:
        """Return the bytes of a dataset."""

    def content(self, kind: DatasetKind) -> AbstractContextManager[Path]:
        """Return the plain content of a dataset, as a file that exists until the block ends."""


@dataclass(frozen=True)
class UploadedDataset:
    """The dataset that a run reads for one kind.

    Attributes:
        kind: of the dataset.
        version: the manifest hash, or another name of exactly this content.
    """

    kind: DatasetKind
    version: str
    _source: ReadsContent

    @property
    def size(self) -> int:
        """Its bytes."""
        return self._source.size(self.kind)

    def content(self) -> AbstractContextManager[Path]:
        """Return its plain content, as a file that exists until the block ends."""
        return self._source.content(self.kind)


@dataclass(frozen=True)
class NewRows:
    """Rows that a step has written to its scratch: name → plain Parquet, which is moved when it is stored."""

    files: Mapping[str, Path]


@dataclass(frozen=True)
class NewReport:
    """The report of a validation, and its summary, which is stored last: with it the validation is complete."""

    report: AnyValidationReport
    summary: ValidatedDataset


@dataclass(frozen=True)
class StoredRows:
    """Rows in a place.

    Attributes:
        address: of the rows.
    """

    address: Address
    _place: Place

    def open(self) -> Path:
        """Return plain Parquet that can be read until the run ends.

        Raises:
            InputMissing, DatasetNotValidated: the rows do not exist, or their validation is not complete.
            EncryptedFileDamaged, InputUnreadable: the file was changed or truncated.
        """
        return self._place.open_rows(self.address)

    @cached_property
    def summary(self) -> ValidatedDataset:
        """The summary of the validation that kept these rows.

        Raises:
            DatasetNotValidated: it is not complete.
        """
        return load(self._place, self.address.beside(SUMMARY), ValidatedDataset)


@dataclass(frozen=True)
class Refreshed:
    """The statistics of a lab, and their changes since the previous refresh: two documents that belong together."""

    report: StatisticsResultV2
    comparison: Comparison
