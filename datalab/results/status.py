"""The validation status of a lab, enhanced and plain."""

from __future__ import annotations

from pydantic import BaseModel

from datalab.results.base import OmitsNone, Status
from datalab.results.statistics import Finding

EMPTY_DATASET = "EMPTY_DATASET"
"""The error of a dataset that passed its validation without a valid row, and may not be empty."""


class DatasetStatus(BaseModel):
    status: Status
    errors: list[Finding] = []
    valid_rows: int
    invalid_rows: int


class StatisticsStatus(BaseModel):
    status: Status
    data_errors: list[Finding] = []
    quality_warnings: list[Finding] = []


class ValidationStatus(OmitsNone):
    """The enhanced status of a lab: every dataset's, and that of its statistics.

    See docs/spec/statistics.md#8-validation-status.
    """

    status: Status
    datasets: dict[str, DatasetStatus]
    statistics: StatisticsStatus | None = None

    def plain(self) -> PlainValidationStatus:
        """Return the plain status: that of the datasets alone, each with the reason of its failure.

        >>> found = Finding(code="EMPTY_DATASET", message="segments: 0 valid rows (at least 1 needed)")
        >>> segments = DatasetStatus(status="FAILED", errors=[found], valid_rows=0, invalid_rows=0)
        >>> ValidationStatus(status="FAILED", datasets={"segments": segments}).plain().model_dump()
        {'status': 'FAILED', 'datasets': {'segments': {'status': 'FAILED', 'reason': 'segments: no valid row'}}}
        """
        datasets = {
            name: PlainDatasetStatus(status=dataset.status, reason=_reason(name, dataset))
            for name, dataset in self.datasets.items()
        }
        failed = any(dataset.status == "FAILED" for dataset in datasets.values())
        return PlainValidationStatus(status="FAILED" if failed else "SUCCESS", datasets=datasets)


class PlainDatasetStatus(OmitsNone):
    status: Status
    reason: str | None = None


class PlainValidationStatus(BaseModel):
    """The plain status of a lab: SUCCESS or FAILED per dataset, with the reason."""

    status: Status
    datasets: dict[str, PlainDatasetStatus]


def _reason(name: str, dataset: DatasetStatus) -> str | None:
    """Return why a dataset failed; None when it did not."""
    if dataset.status == "SUCCESS":
        return None
    codes = [error.code for error in dataset.errors]
    if codes == [EMPTY_DATASET]:
        return f"{name}: no valid row"
    return f"{name}: validation failed ({', '.join(codes)})" if codes else f"{name}: validation failed"
