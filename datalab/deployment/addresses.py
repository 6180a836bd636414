"""Addresses of computed files: the datasets or the run a file was made from, and its name.

This module does not know where the files are; `datalab.deployment.places` does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from datalab.deployment.versions import COMPARISON, STATISTICS_REPORT, USERS, VALIDATION, earlier, version_of
from datalab.kinds import DatasetKind

__all__ = [
    "COMPARISON",
    "INVALID_ROWS",
    "REPORT",
    "ROWS",
    "STATISTICS_REPORT",
    "SUMMARY",
    "USERS",
    "Address",
    "Datasets",
    "Layer",
    "combination",
    "computed",
    "result",
    "validated",
]

Datasets = Mapping[DatasetKind, str]
"""Kind → manifest hash."""

ROWS, REPORT, SUMMARY = "rows", "report", "summary"
"""The results of validating a dataset: valid rows, private report, counts. The summary is written last."""
INVALID_ROWS = "invalid_rows"
"""The invalid rows; a validation of an earlier version has none."""


class Layer(StrEnum):
    """The input of a computed file."""

    VALIDATED = "validated"
    """One dataset."""
    COMPUTED = "computed"
    """All datasets of a lab."""
    RESULTS = "results"
    """A run: the files for people."""


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a computed file of a lab.

    Attributes:
        layer: the input of the file.
        name: the name of the file in its layer; with suffix only in the layer of results.
        datasets: the datasets that the file was made from.
        run_id: the run of a result; two runs on the same datasets have two results.
        version: of the code that makes the file (`datalab.deployment.versions`); a result has none.
    """

    layer: Layer
    name: str
    datasets: Datasets = field(default_factory=dict)
    run_id: str = ""
    version: str = ""

    @property
    def is_private(self) -> bool:
        """Whether the file may contain values of rows."""
        return self.layer is Layer.VALIDATED and self.name != SUMMARY

    @property
    def is_rows(self) -> bool:
        """Whether the file is Parquet, not a document."""
        return self.layer is not Layer.RESULTS and self.name in (ROWS, INVALID_ROWS, USERS)

    @property
    def earlier(self) -> Iterator[Address]:
        """The address in this version of the code and in earlier ones, the newest first; a result has no version.

        >>> [address.version for address in validated(DatasetKind.SEGMENTS, "ab", REPORT).earlier]
        ['2', '1']
        """
        versions = earlier(self.version) if self.version else [self.version]
        return (replace(self, version=version) for version in versions)

    @property
    def dataset(self) -> tuple[DatasetKind, str]:
        """The dataset of a validated file."""
        [found] = self.datasets.items()
        return found

    def beside(self, name: str) -> Address:
        """Return the address of another file of the same step."""
        return replace(self, name=name)

    def of_run(self, run_id: str) -> Address:
        """Return the address of the same file in the result of another run."""
        return replace(self, run_id=run_id)


def validated(kind: DatasetKind, manifest_hash: str, name: str) -> Address:
    """Return the address of a file of a validated dataset."""
    return Address(Layer.VALIDATED, name, {kind: manifest_hash}, version=VALIDATION)


def computed(datasets: Datasets, name: str) -> Address:
    """Return the address of a file that is computed from all datasets of a lab."""
    return Address(Layer.COMPUTED, name, datasets, version=version_of(name))


def result(run_id: str, name: str) -> Address:
    """Return the address of a file of a run's result."""
    return Address(Layer.RESULTS, name, run_id=run_id)


def combination(datasets: Datasets) -> str:
    """Return a name that is unique to these datasets.

    >>> combination({DatasetKind.IDENTIFIERS: "ab"}) == combination({DatasetKind.IDENTIFIERS: "ab"})
    True
    """
    text = json.dumps({kind.value: manifest_hash for kind, manifest_hash in datasets.items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
