"""The validation reports of a base audience. This module does not know their source."""

from __future__ import annotations

import json
from typing import Any

from datalab_dagster.media.api import IdentifiersValidationReport, ValidationReport


class ValidationReports:
    """The private reports of a base audience's datasets; embeddings have none.

    Attributes:
        matching: of the identifiers; None for a vendor's admin.
        segments, demographics: of these datasets.
        formatted_reports: dataset → its report as a dictionary; only existing reports.
    """

    def __init__(
        self, matching: IdentifiersValidationReport | None, segments: ValidationReport, demographics: ValidationReport
    ) -> None:
        self.matching = matching
        self.segments = segments
        self.demographics = demographics
        reports = {"matching": matching, "segments": segments, "demographics": demographics}
        self.formatted_reports: dict[str, dict[str, Any]] = {
            name: report.model_dump(mode="json") for name, report in reports.items() if report is not None
        }

    def model_dump_json(self) -> str:
        """Return the reports as JSON, like pydantic's models."""
        return json.dumps(self.formatted_reports, indent=2)

    def __str__(self) -> str:
        return self.model_dump_json()
