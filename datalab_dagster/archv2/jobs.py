"""The part of the low-level client that concerns jobs: runs of a deployment in the vendor's dictionaries."""

from __future__ import annotations

import io
from typing import Any, Literal

from datalab.errors import ConfigurationError, DatalabError
from datalab.results.validation import Hint
from datalab_dagster.archv2 import results
from datalab_dagster.archv2.errors import (
    JobNotCreated,
    JobUnknown,
    MediaNotComputed,
    ResultFileMissing,
    failures,
)
from datalab_dagster.archv2.models import (
    CreatedJob,
    Job,
    JobStatus,
    JobStatusView,
    JobTasksView,
    RunStatus,
    TaskView,
)
from datalab_dagster.archv2.streams import RawBytes
from datalab_dagster.service import RunNotFound, RunState
from datalab_dagster.service.models import RunInfo
from datalab_dagster.service.protocol import LabService


class Jobs:
    """The jobs of labs. Those of Media DCRs are refused: a deployment does not compute them."""

    def __init__(self, service: LabService) -> None:
        self.service = service

    def create_job(
        self,
        data_room_id: str,
        data_room_compute_action: Any,
        freshness_token: str | None = None,
        mode: Literal["always", "if_stale"] | None = None,
    ) -> CreatedJob:
        """Start the run for an action of a lab, or join the run on the datasets provisioned now, active or finished.

        Args:
            data_room_id: the lab's id.
            data_room_compute_action: such as ``{"kind": "dataLab", "computeStatistics": {}}``.
            freshness_token: accepted and ignored: the datasets' hashes show whether a result is current.
            mode: ``always`` starts a new run in every case.

        Raises:
            JobNotCreated: it is not an action of a lab, or the deployment refused.
        """
        del freshness_token
        if results.is_of_media(data_room_compute_action):
            raise JobNotCreated(MediaNotComputed())
        if results.action_name(data_room_compute_action) is None:
            known = ", ".join(sorted(results.TASKS))
            raise JobNotCreated(ConfigurationError("The action", [f"Unknown action. Actions of a Data Lab: {known}"]))
        run = self.validate(data_room_id, again=mode == "always")
        status = RunStatus.COMPLETED if run.is_complete else RunStatus.COMPUTING
        return {"id": run.run_id, "run_id": run.run_id, "run_status": status}

    def validate(self, data_lab_id: str, *, again: bool = False) -> RunInfo:
        """Start the run that computes all results of a lab, or join it.

        Raises:
            JobNotCreated: the deployment refused, for instance because a dataset is missing.
        """
        try:
            return self.service.validate(data_lab_id, again=again)
        except DatalabError as error:
            raise JobNotCreated(error) from error

    def run(self, job_id: str) -> RunInfo:
        """Return the current state of the run of a job.

        Raises:
            JobUnknown: there is none.
        """
        try:
            return self.service.run(job_id)
        except RunNotFound as error:
            raise JobUnknown(job_id) from error

    def get_job(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            JobUnknown: there is none.
        """
        return {"id": self.run(job_id).run_id}

    def get_job_status(self, job_id: str) -> JobStatusView:
        """Return the status of a job.

        Raises:
            JobUnknown: there is none.
        """
        run = self.run(job_id)
        return {
            "status": self._status(run),
            "registered_at": run.started_at.isoformat(),
            "completed_at": run.ended_at.isoformat() if run.ended_at else None,
        }

    def get_job_tasks(self, job_id: str) -> JobTasksView:
        """Return the results of a job, one task each.

        Raises:
            JobUnknown: there is none.
        """
        run = self.run(job_id)
        completed = ["success"] if self._status(run) is JobStatus.SUCCESS else []
        tasks: dict[str, TaskView] = {}
        for action, name in results.TASKS.items():
            kind = results.KINDS_OF_REPORTS.get(action)
            if kind is None or kind in run.datasets:
                tasks[action] = {
                    "name": name,
                    "results": {"success": results.result_id(run.run_id, action)},
                    "dependencies": [],
                    "completed": completed,
                }
        return {"tasks": tasks, "target_task": results.ENHANCED_STATUS}

    def get_job_errors(self, job_id: str) -> dict[str, str]:
        """Return failed step → reason of a job that failed.

        Raises:
            JobUnknown: there is none.
        """
        return failures(self.run(job_id))

    def download_job_result(self, job_id: str, task_result_hash: str) -> io.RawIOBase:
        """Open the zip of a result of a job, which `get_job_tasks` names.

        Raises:
            JobUnknown: there is no such job.
            ResultFileMissing: the job has no such result.
        """
        run = self.run(job_id)
        action = results.action_of_result(run.run_id, task_result_hash)
        if action is None:
            raise ResultFileMissing(task_result_hash)
        return RawBytes(self.result(run, action))

    def result(self, run: RunInfo, action: str) -> bytes:
        """Return the result of a run for an action, as the vendor's zip.

        Raises:
            ResultNotFound: the run has no such result, or the result was removed.
        """
        return results.zipped_result(self.service, run, action)

    def hints(self, run: RunInfo, action: str) -> list[Hint]:
        """Return the hints in addition to the report that an action of a run requested.

        Raises:
            ResultNotFound: as `result`.
        """
        return self.service.hints(run.lab_id, results.KINDS_OF_REPORTS[action], run_id=run.run_id)

    def _status(self, run: RunInfo) -> JobStatus:
        if not run.is_complete:
            return JobStatus.RUNNING
        if run.state is RunState.FINISHED:
            return JobStatus.SUCCESS
        kept = any(result.run_id == run.run_id for result in self.service.results(run.lab_id))
        return JobStatus.SUCCESS if kept else JobStatus.FAILED  # a run may fail after its verdict
