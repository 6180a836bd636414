"""Addresses of computed files: what a file was made from, and its name. Where it is: `datalab.deployment.places`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from datalab.kinds import DatasetKind

Datasets = Mapping[DatasetKind, str]
"""Kind → manifest hash."""

ROWS, REPORT, SUMMARY = "rows", "report", "summary"
"""What validation keeps of a dataset: valid rows, private report, counts. The summary says that all three are there."""
USERS, STATISTICS_REPORT, COMPARISON = "users", "statistics_report", "comparison"
"""What is computed besides panels: users, all statistics in the second format, changes since the last refresh."""


class Layer(StrEnum):
    """What a computed file was made from."""

    VALIDATED = "validated"
    """One dataset."""
    COMPUTED = "computed"
    """All datasets of a lab."""
    RESULTS = "results"
    """A run: what people read."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a computed file of a lab is.

    Attributes:
        layer: what it was made from.
        name: of the file in its layer, without a suffix; of a result: with it.
        datasets: exactly those it was made from.
        run_id: of a result; two runs on the same datasets have two results.
    """

    layer: Layer
    name: str
    datasets: Datasets = field(default_factory=dict)
    run_id: str = ""

    @property
    def is_private(self) -> bool:
        """Whether the file may hold values of rows."""
        return self.layer is Layer.VALIDATED and self.name != SUMMARY

    @property
    def dataset(self) -> tuple[DatasetKind, str]:
        """The one dataset of a validated file."""
        [found] = self.datasets.items()
        return found

    def beside(self, name: str) -> Address:
        """Return the address of another file that was made from the same."""
        return replace(self, name=name)


def validated(kind: DatasetKind, manifest_hash: str, name: str) -> Address:
    """Return the address of what validation keeps of a dataset."""
    return Address(Layer.VALIDATED, name, {kind: manifest_hash})


def computed(datasets: Datasets, name: str) -> Address:
    """Return the address of what is computed from all datasets of a lab."""
    return Address(Layer.COMPUTED, name, datasets)


def result(run_id: str, name: str) -> Address:
    """Return the address of a file of a run's result."""
    return Address(Layer.RESULTS, name, run_id=run_id)


def combination(datasets: Datasets) -> str:
    """Return a name for exactly these datasets.

    >>> combination({DatasetKind.IDENTIFIERS: "ab"}) == combination({DatasetKind.IDENTIFIERS: "ab"})
    True
    """
    text = json.dumps({kind.value: manifest_hash for kind, manifest_hash in datasets.items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
