"""The interface of the invalid rows of a lab's datasets, which hold values of rows and are private."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Protocol

from datalab.kinds import DatasetKind
from datalab_dagster.service.models import ServiceModel

PAGE_ROWS, MOST_PAGE_ROWS = 50, 500
"""How many rows a page has, and can have at most."""


@dataclass(frozen=True)
class RowsQuery:
    """Which invalid rows are wanted: of a dataset of a lab, in the current result or in that of a run."""

    lab: str
    kind: DatasetKind
    run_id: str | None = None
    reason: str | None = None
    """Only rows that are invalid for it, a code."""


class InvalidRowInfo(ServiceModel):
    """An invalid row; `row` counts from 1."""

    row: int
    reasons: list[str]
    """Codes of errors."""
    values: list[str]
    """The fields of the row; of identifiers, user_id, id_name and id, except if its width is wrong."""


class InvalidRowsInfo(ServiceModel):
    """Some of the invalid rows of one dataset in one result."""

    lab_id: str
    kind: DatasetKind
    run_id: str
    columns: list[str]
    """The names of the columns of the dataset."""
    total: int
    """Invalid rows of the dataset."""
    kept: int
    """Of these, how many are kept: the first 10 million."""
    reasons: dict[str, int]
    """Code → rows that are invalid for this reason."""
    reason: str | None
    """Only rows that are invalid for it."""
    matching: int
    """Kept rows that have `reason`."""
    first: int
    """How many of these come before the given ones."""
    rows: list[InvalidRowInfo]


class InvalidRows(Protocol):
    """All invalid rows; only for those who may read the validation report of the dataset.

    Every call raises ResultNotFound if there is no such result, if an earlier version validated the dataset, or if the
    dataset was deleted; UsageError if no row is invalid for `reason`.
    """

    def page(self, wanted: RowsQuery, *, first: int = 0, count: int = PAGE_ROWS) -> InvalidRowsInfo:
        """Return `count` rows after the `first` ones, in file order."""

    def csv(self, wanted: RowsQuery) -> BinaryIO:
        """Open all of them as CSV with a header, read as it is computed; close it afterwards.

        No cell of it is run as a formula by a spreadsheet: an apostrophe stands before what could begin one.
        """
