"""A job of a room: requested and followed by its id, as the vendor's low-level client describes it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

from datalab_dagster.archv2.compute_job import ComputeJob
from datalab_dagster.archv2.errors import NotComplete, NotRun
from datalab_dagster.archv2.models import JobStatus
from datalab_dagster.archv2.protocol import DeploymentClient
from datalab_dagster.archv2.waiting import wait
from datalab_dagster.media.errors import RoomJobFailed, RoomJobStatus


class MediaJob(ComputeJob):
    """One requested result of a room."""

    def is_complete(self) -> bool:
        """Return whether the job has ended, successfully or not.

        Raises:
            NotRun: the job was not started.
        """
        if self.job_id is None:
            raise NotRun
        return self.client_v2.get_job_status(self.job_id)["completed_at"] is not None

    def get_result_as_zipfile(self) -> zipfile.ZipFile:
        """Return the result as a zip.

        Raises:
            NotRun, NotComplete: the job was not started, or is still running.
            RoomJobFailed: the job failed; the text has the reasons.
        """
        job_id = self._ended()
        target = self.client_v2.get_job_tasks(job_id)["target_task"]
        with self.download_result(self._get_task_result_hash(target)) as stream:
            return zipfile.ZipFile(io.BytesIO(stream.read()))

    def download_result(self, task_result_hash: str) -> io.RawIOBase:
        return self.client_v2.download_job_result(self._ended(), task_result_hash)

    def _ended(self) -> str:
        """Return the id of the job, which has ended successfully."""
        if self.job_id is None:
            raise NotRun(result=True)
        view = self.client_v2.get_job_status(self.job_id)
        status = view["status"]
        if view["completed_at"] is None:
            raise NotComplete(self.job_id)
        if status is not JobStatus.SUCCESS and self.as_decentriq_admin:
            raise RoomJobStatus(self.job_id, f"status: {status.value}")
        if status is JobStatus.FAILED:
            raise RoomJobFailed(self.job_id, self.client_v2.get_job_errors(self.job_id))
        if status is not JobStatus.SUCCESS:
            raise RoomJobStatus(self.job_id, f"an unexpected status: {status.value}")
        return self.job_id


def wait_for_all(
    client: DeploymentClient, jobs: Sequence[ComputeJob], timeout: int | None, sleep_interval: int
) -> None:
    """Wait until all jobs have ended; see `ComputeJob.wait_for_completion`."""
    wait(
        lambda: all(job.is_complete() for job in jobs),
        lambda: None,
        timeout=timeout,
        sleep_interval=sleep_interval,
        shown=client.shows_progress,
    )
