"""The jobs that fetch the private validation reports of a room's datasets."""

from __future__ import annotations

from typing import Any, Self

from datalab.results import files
from datalab_dagster.client import Client
from datalab_dagster.media.api import IdentifiersValidationReport, ValidationReport
from datalab_dagster.media.helper import media_action
from datalab_dagster.media.job import MediaJob, wait_for_all
from datalab_dagster.media.validation_reports import ValidationReports


class ValidationReportJob(MediaJob):
    """Fetches the private validation report of one dataset."""

    def __init__(self, dcr_id: str, action: Any, client: Client, as_decentriq_admin: bool = False) -> None:
        super().__init__(dcr_id, action, files.VALIDATION_REPORT.name, client, as_decentriq_admin)

    def get_validation_report(self) -> ValidationReport:
        """Return the report of segments, demographics or seed audiences."""
        return ValidationReport.model_validate_json(self.get_result())

    def result(self) -> ValidationReport:
        """Return the report."""
        return self.get_validation_report()


class MediaMatchingValidationReportJob(MediaJob):
    """Fetches the validation report of the identifiers."""

    def __init__(self, dcr_id: str, client: Client, as_decentriq_admin: bool = False) -> None:
        action = media_action("getIdentifiersValidationReport")
        super().__init__(dcr_id, action, files.VALIDATION_REPORT.name, client, as_decentriq_admin)

    def result(self) -> IdentifiersValidationReport:
        """Return the report."""
        return IdentifiersValidationReport.model_validate_json(self.get_result())


class MediaSegmentsValidationReportJob(ValidationReportJob):
    """Fetches the validation report of the segments."""

    def __init__(self, dcr_id: str, client: Client, as_decentriq_admin: bool = False) -> None:
        super().__init__(dcr_id, media_action("getSegmentsValidationReport"), client, as_decentriq_admin)


class MediaDemographicsValidationReportJob(ValidationReportJob):
    """Fetches the validation report of the demographics."""

    def __init__(self, dcr_id: str, client: Client, as_decentriq_admin: bool = False) -> None:
        super().__init__(dcr_id, media_action("getDemographicsValidationReport"), client, as_decentriq_admin)


class MediaAudiencesValidationReportJob(ValidationReportJob):
    """Fetches the validation report of the seed dataset."""

    def __init__(self, dcr_id: str, client: Client, as_decentriq_admin: bool = False) -> None:
        super().__init__(dcr_id, media_action("getAudiencesValidationReport"), client, as_decentriq_admin)


class MediaBaseAudienceValidationReportsJob:
    """All validation report jobs of the base audience; a vendor's admin never gets that of the identifiers.

    Attributes:
        validation_jobs: dataset → its job.
    """

    def __init__(self, dcr_id: str, client: Client, as_decentriq_admin: bool = False) -> None:
        self.dcr_id = dcr_id
        self.client = client
        self._matching = None if as_decentriq_admin else MediaMatchingValidationReportJob(dcr_id, client)
        self._segments = MediaSegmentsValidationReportJob(dcr_id, client, as_decentriq_admin)
        self._demographics = MediaDemographicsValidationReportJob(dcr_id, client, as_decentriq_admin)
        self.validation_jobs: dict[str, MediaJob] = {"segments": self._segments, "demographics": self._demographics}
        if self._matching is not None:
            self.validation_jobs["matching"] = self._matching

    def run(self) -> None:
        """Start the jobs; return immediately."""
        for job in self.validation_jobs.values():
            job.run()

    def wait_for_completion(self, timeout: int | None = None, sleep_interval: int = 1) -> Self:
        """Wait until all jobs have ended; see `ComputeJob.wait_for_completion`."""
        wait_for_all(self.client, list(self.validation_jobs.values()), timeout, sleep_interval)
        return self

    def result(self) -> ValidationReports:
        """Return the reports; raises as `ComputeJob.get_result`."""
        return ValidationReports(
            self._matching.result() if self._matching else None, self._segments.result(), self._demographics.result()
        )
