"""The validation reports of one lab. This module does not know their source."""

from __future__ import annotations

import json
from typing import Any

from datalab_dagster.data_lab.api import IdentifiersValidationReport, ValidationOutcome, ValidationReport


class ValidationReports:
    """The private reports of a lab's datasets.

    Attributes:
        identifiers, segments, demographics, embeddings: the reports; None: the lab has no such dataset.
        formatted_reports: dataset → its report as a dictionary; only existing reports.
    """

    def __init__(
        self,
        identifiers: IdentifiersValidationReport,
        segments: ValidationReport | None = None,
        demographics: ValidationReport | None = None,
        embeddings: ValidationReport | None = None,
    ) -> None:
        self.identifiers = identifiers
        self.segments = segments
        self.demographics = demographics
        self.embeddings = embeddings
        reports = {
            "identifiers": identifiers,
            "segments": segments,
            "demographics": demographics,
            "embeddings": embeddings,
        }
        self._reports = {name: report for name, report in reports.items() if report is not None}
        self.formatted_reports: dict[str, dict[str, Any]] = {
            name: report.model_dump() for name, report in self._reports.items()
        }

    def is_passed(self) -> bool:
        """Return whether every report's outcome is PASSED."""
        return all(report.report.outcome is ValidationOutcome.PASSED for report in self._reports.values())

    def model_dump_json(self) -> str:
        """Return the reports as JSON, like pydantic's models."""
        return json.dumps(self.formatted_reports, indent=2)

    def __str__(self) -> str:
        return self.model_dump_json()
