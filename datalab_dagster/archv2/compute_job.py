"""A job: one requested result of a lab, and the run of the deployment that computes it. Parses no result."""

from __future__ import annotations

import io
import zipfile
from abc import ABC, abstractmethod
from typing import Any, Self

from datalab_dagster.archv2 import results
from datalab_dagster.archv2.errors import (
    AlreadyRun,
    JobFailed,
    NotComplete,
    NotRun,
    ResultFileMissing,
    TaskResultMissing,
    UnexpectedJobStatus,
)
from datalab_dagster.archv2.protocol import DeploymentClient
from datalab_dagster.archv2.streams import RawBytes
from datalab_dagster.archv2.waiting import wait, wait_async
from datalab_dagster.service import RunState
from datalab_dagster.service.errors import ResultNotFound
from datalab_dagster.service.models import RunInfo


class ComputeJob(ABC):
    """One requested result of a lab. All jobs on the same datasets share one run and its id.

    Args:
        dcr_id: the lab's id.
        action: the requested result, such as ``{"kind": "dataLab", "computeStatistics": {}}``.
        result_zip_file_name: the file that `get_result` reads from the result's zip.
        client: calls the deployment.
        as_decentriq_admin: report only the status of a failed job, not the reason.
    """

    def __init__(
        self,
        dcr_id: str,
        action: Any,
        result_zip_file_name: str,
        client: DeploymentClient,
        as_decentriq_admin: bool = False,
    ) -> None:
        self.dcr_id = dcr_id
        self.client = client
        self.client_v2 = client.client_v2
        self.session = client.create_session_v2()
        self.action = action
        self.result_zip_file_name = result_zip_file_name
        self.as_decentriq_admin = as_decentriq_admin
        self.job_id: str | None = None
        self.last_seen: RunInfo | None = None
        """The state of the run at the last poll."""

    def run(self) -> None:
        """Start the job; return immediately.

        If a result of exactly the datasets provisioned now exists or is being computed, the job joins its run.

        Raises:
            AlreadyRun: the job was started before.
            JobNotCreated: the deployment refused.
        """
        if self.job_id is not None:
            raise AlreadyRun
        self.job_id = self.client_v2.create_job(self.dcr_id, self.action)["id"]

    def attach(self, run: RunInfo) -> None:
        """Make this job part of `run`, which was started already.

        Raises:
            AlreadyRun: the job was started before.
        """
        if self.job_id is not None:
            raise AlreadyRun
        self.job_id, self.last_seen = run.run_id, run

    def is_complete(self) -> bool:
        """Return whether the job has ended, successfully or not.

        Raises:
            NotRun: the job was not started.
        """
        if self.job_id is None:
            raise NotRun
        self.last_seen = self.client_v2.run(self.job_id)
        return self.last_seen.is_complete

    def wait_for_completion(self, timeout: int | None = None, sleep_interval: int = 1) -> Self:
        """Wait until the job has ended, also through a loss of connection of less than a minute.

        Args:
            timeout: maximum seconds; None and 0: wait indefinitely.
            sleep_interval: maximum seconds between two polls; the first polls are closer together.

        Raises:
            NotRun: the job was not started.
            NotCompleteInTime: the time is over; the job is still running.
            ConnectionLost: the deployment does not answer; the job is still running.
        """
        wait(
            self.is_complete,
            lambda: self.last_seen,
            timeout=timeout,
            sleep_interval=sleep_interval,
            shown=self.client.shows_progress,
        )
        return self

    async def wait(self, timeout: float | None = None, sleep_interval: float = 1) -> Self:
        """Do as `wait_for_completion` without blocking the event loop."""
        await wait_async(
            self.is_complete,
            lambda: self.last_seen,
            timeout=timeout,
            sleep_interval=sleep_interval,
            shown=self.client.shows_progress,
        )
        return self

    @abstractmethod
    def result(self) -> Any:
        """Return the parsed result."""

    def get_result_as_zipfile(self) -> zipfile.ZipFile:
        """Return the result as a zip.

        Raises:
            NotRun, NotComplete: the job was not started, or is still running.
            JobFailed: the job failed before this result was computed; the text has the reason and the run's address.
        """
        run = self._ended_run()
        action = results.action_name(self.action)
        if action is None:
            raise ResultFileMissing(self.result_zip_file_name)
        return zipfile.ZipFile(io.BytesIO(self._zip(run, action)))

    def get_result(self) -> bytes:
        """Return the file of the result; raises as `get_result_as_zipfile`.

        Raises:
            ResultFileMissing: the zip does not contain it.
        """
        with self.get_result_as_zipfile() as archive:
            if self.result_zip_file_name not in archive.namelist():
                raise ResultFileMissing(self.result_zip_file_name)
            return archive.read(self.result_zip_file_name)

    def download_result(self, task_result_hash: str) -> io.RawIOBase:
        """Open the zip of a result of the job's run, which `client_v2.get_job_tasks` names.

        Raises:
            NotRun, NotComplete, JobFailed: as `get_result_as_zipfile`.
            ResultFileMissing: the run has no such result.
        """
        run = self._ended_run()
        action = results.action_of_result(run.run_id, task_result_hash)
        if action is None:
            raise ResultFileMissing(task_result_hash)
        return RawBytes(self._zip(run, action))

    def _get_task_result_hash(self, task_name: str) -> str:
        task = self.client_v2.get_job_tasks(str(self.job_id))["tasks"].get(task_name)
        if task is None or "success" not in task["results"]:
            raise TaskResultMissing(task_name)
        return task["results"]["success"]

    def _get_result_encryption_key(self, task_result_hash: str) -> tuple[str, bytes]:
        """Return no key: your own deployment encrypts no result for its client."""
        return task_result_hash, b""

    def _ended_run(self) -> RunInfo:
        """Return the finished run; only fetching a result shows whether it exists."""
        if self.job_id is None:
            raise NotRun(result=True)
        run = self.last_seen = self.client_v2.run(self.job_id)
        if not run.is_complete:
            raise NotComplete(self.job_id)
        return run

    def _zip(self, run: RunInfo, action: str) -> bytes:
        try:
            return self.client_v2.result(run, action)
        except ResultNotFound as error:
            if self.as_decentriq_admin and run.state in (RunState.FAILED, RunState.CANCELLED):
                raise UnexpectedJobStatus(run, run.state.value.capitalize()) from error
            # Only a run that was stopped before its verdict has no results.
            reason = None if run.state is RunState.FINISHED else run.reason
            raise JobFailed(run, reason or str(error)) from error
