"""The validation status of a lab, enhanced and plain."""

from __future__ import annotations

from pydantic import BaseModel

from datalab.results.base import OmitsNone, Status
from datalab.results.statistics import Finding


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


class LegacyDatasetStatus(OmitsNone):
    status: Status
    reason: str | None = None


class LegacyValidationStatus(BaseModel):
    """The plain status of a lab: SUCCESS or FAILED per dataset, with the reason."""

    status: Status
    datasets: dict[str, LegacyDatasetStatus]
