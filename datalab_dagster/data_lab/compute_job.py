"""The jobs of a lab, one per result, with parsed results; `ComputeJob` starts them and waits."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Self

from datalab.errors import DatalabError
from datalab.kinds import DatasetKind
from datalab.results import files
from datalab.results.validation import Hint
from datalab_dagster.archv2 import results
from datalab_dagster.archv2.compute_job import ComputeJob
from datalab_dagster.archv2.errors import AlreadyRun
from datalab_dagster.archv2.shared import SharedClientV2
from datalab_dagster.archv2.waiting import wait, wait_async
from datalab_dagster.client import Client
from datalab_dagster.data_lab.api import (
    IdentifiersValidationReport,
    StatisticsResultUnion,
    ValidationReport,
    parse_statistics_result,
)
from datalab_dagster.data_lab.validation_reports import ValidationReports
from datalab_dagster.service.models import RunInfo


class DataLabStatisticsJob(ComputeJob):
    """Computes the statistics of a lab."""

    def __init__(self, data_lab_id: str, client: Client) -> None:
        super().__init__(data_lab_id, results.lab_action(results.STATISTICS), files.STATISTICS.name, client)

    def result(self) -> StatisticsResultUnion | dict[str, Any]:
        """Return the statistics, V1 or V2; to a vendor's admin the disclosed JSON: a hidden count is a text."""
        content = self.get_result()
        if isinstance(self.client_v2, SharedClientV2):
            disclosed: dict[str, Any] = json.loads(content)
            return disclosed
        return parse_statistics_result(content)


class DataLabValidationStatusJob(ComputeJob):
    """Computes the plain validation status of a lab: SUCCESS or FAILED per dataset, with the reason."""

    def __init__(self, data_lab_id: str, client: Client) -> None:
        super().__init__(data_lab_id, results.lab_action(results.STATUS), files.VALIDATION_STATUS.name, client)

    def result(self) -> dict[str, Any]:
        """Return ``{"status", "datasets": {name: {"status", "reason"?}}}``."""
        status: dict[str, Any] = json.loads(self.get_result())
        return status


class DataLabEnhancedValidationStatusJob(ComputeJob):
    """Computes the validation status of a lab with error codes, numbers of rows and the statistics' findings."""

    def __init__(self, data_lab_id: str, client: Client) -> None:
        super().__init__(data_lab_id, results.lab_action(results.ENHANCED_STATUS), files.VALIDATION_STATUS.name, client)

    def result(self) -> dict[str, Any]:
        """Return status and findings of the datasets and the statistics, as the file of a result has them."""
        status: dict[str, Any] = json.loads(self.get_result())
        return status


class ValidationReportJob(ComputeJob):
    """Computes the private validation report of one dataset."""

    def __init__(self, data_lab_id: str, action: Any, client: Client) -> None:
        super().__init__(data_lab_id, action, files.VALIDATION_REPORT.name, client)

    def get_validation_report(self) -> ValidationReport:
        """Return the report of segments, demographics or embeddings."""
        return ValidationReport.model_validate_json(self.get_result()).with_hints(self._hints())

    def _hints(self) -> list[Hint]:
        """Return the hints of the report; an earlier deployment has none."""
        with contextlib.suppress(DatalabError):
            return self.client_v2.hints(self._ended_run(), str(results.action_name(self.action)))
        return []


class DataLabIdentifiersValidationReportJob(ValidationReportJob):
    """Computes the validation report of the identifiers."""

    def __init__(self, data_lab_id: str, client: Client) -> None:
        super().__init__(data_lab_id, results.lab_action(results.REPORTS[DatasetKind.IDENTIFIERS]), client)

    def get_validation_report(self) -> IdentifiersValidationReport:  # type: ignore[override]  # the vendor's raises
        """Return the report of the identifiers, which has a shape of its own."""
        return IdentifiersValidationReport.model_validate_json(self.get_result()).with_hints(self._hints())

    def result(self) -> IdentifiersValidationReport:
        """Return the report."""
        return self.get_validation_report()


class DataLabSegmentsValidationReportJob(ValidationReportJob):
    """Computes the validation report of the segments."""

    def __init__(self, data_lab_id: str, client: Client) -> None:
        super().__init__(data_lab_id, results.lab_action(results.REPORTS[DatasetKind.SEGMENTS]), client)

    def result(self) -> ValidationReport:
        """Return the report."""
        return self.get_validation_report()


class DataLabDemographicsValidationReportJob(ValidationReportJob):
    """Computes the validation report of the demographics."""

    def __init__(self, data_lab_id: str, client: Client) -> None:
        super().__init__(data_lab_id, results.lab_action(results.REPORTS[DatasetKind.DEMOGRAPHICS]), client)

    def result(self) -> ValidationReport:
        """Return the report."""
        return self.get_validation_report()


class DataLabEmbeddingsValidationReportJob(ValidationReportJob):
    """Computes the validation report of the embeddings."""

    def __init__(self, data_lab_id: str, client: Client) -> None:
        super().__init__(data_lab_id, results.lab_action(results.REPORTS[DatasetKind.EMBEDDINGS]), client)

    def result(self) -> ValidationReport:
        """Return the report."""
        return self.get_validation_report()


class DataLabValidationReportsJob:
    """All validation report jobs of a lab, which share one run.

    Attributes:
        validation_jobs: dataset → its job.
    """

    def __init__(
        self,
        data_lab_id: str,
        client: Client,
        has_segments: bool = True,
        has_demographics: bool = False,
        has_embeddings: bool = False,
    ) -> None:
        self.data_lab_id = data_lab_id
        self.client = client
        self.has_segments = has_segments
        self.has_demographics = has_demographics
        self.has_embeddings = has_embeddings
        self._identifiers = DataLabIdentifiersValidationReportJob(data_lab_id, client)
        self._segments = DataLabSegmentsValidationReportJob(data_lab_id, client) if has_segments else None
        self._demographics = DataLabDemographicsValidationReportJob(data_lab_id, client) if has_demographics else None
        self._embeddings = DataLabEmbeddingsValidationReportJob(data_lab_id, client) if has_embeddings else None
        jobs = {
            "identifiers": self._identifiers,
            "segments": self._segments,
            "demographics": self._demographics,
            "embeddings": self._embeddings,
        }
        self.validation_jobs: dict[str, ValidationReportJob] = {name: job for name, job in jobs.items() if job}

    def run(self) -> None:
        """Start the jobs; return immediately.

        Raises:
            AlreadyRun: the jobs were started before.
            JobNotCreated: the deployment refused.
        """
        if any(job.job_id is not None for job in self.validation_jobs.values()):
            raise AlreadyRun
        self.attach(self.client.client_v2.validate(self.data_lab_id))

    def attach(self, run: RunInfo) -> None:
        """Make these jobs part of `run`, which was started already.

        Raises:
            AlreadyRun: the jobs were started before.
        """
        for job in self.validation_jobs.values():
            job.attach(run)

    def is_complete(self) -> bool:
        """Return whether all jobs have ended; raises as `ComputeJob.is_complete`."""
        return all(job.is_complete() for job in self._one_per_run())

    def wait_for_completion(self, timeout: int | None = None, sleep_interval: int = 1) -> Self:
        """Wait until all jobs have ended; see `ComputeJob.wait_for_completion`."""
        wait(
            self.is_complete,
            lambda: self._identifiers.last_seen,
            timeout=timeout,
            sleep_interval=sleep_interval,
            shown=self.client.shows_progress,
        )
        return self

    async def wait(self, timeout: float | None = None, sleep_interval: float = 1) -> Self:
        """Do as `wait_for_completion` without blocking the event loop."""
        await wait_async(
            self.is_complete,
            lambda: self._identifiers.last_seen,
            timeout=timeout,
            sleep_interval=sleep_interval,
            shown=self.client.shows_progress,
        )
        return self

    def result(self) -> ValidationReports:
        """Return the reports; raises as `ComputeJob.get_result`."""
        return ValidationReports(
            identifiers=self._identifiers.result(),
            segments=self._segments.result() if self._segments else None,
            demographics=self._demographics.result() if self._demographics else None,
            embeddings=self._embeddings.result() if self._embeddings else None,
        )

    def _one_per_run(self) -> list[ValidationReportJob]:
        """Return one job of each run: the others would report the same."""
        return list({job.job_id: job for job in reversed(self.validation_jobs.values())}.values())
