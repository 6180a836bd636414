"""Jobs run once, give zips with the vendor's names and tell why they failed."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from datalab.errors import DatalabError
from datalab.registry import RunState
from datalab_dagster.api import NotFoundError
from datalab_dagster.archv2.client import JobStatus
from datalab_dagster.archv2.errors import JobFailed
from datalab_dagster.archv2.results import TASKS, lab_action
from datalab_dagster.client import Client
from datalab_dagster.data_lab import (
    ComputeJob,
    DataLab,
    DataLabIdentifiersValidationReportJob,
    DataLabSegmentsValidationReportJob,
    DataLabStatisticsJob,
    DataLabValidationReportsJob,
)
from datalab_dagster.data_lab.compute_job import DataLabEnhancedValidationStatusJob, DataLabValidationStatusJob
from datalab_dagster.storage import Key
from tests.fakes import MemoryService
from tests.sdk.labs import MATCH, finish, runs, upload


@pytest.fixture
def lab(ready_to_run: DataLab) -> DataLab:
    return ready_to_run


# ----------------------------------------------------------------------------------------------------- single jobs


def test_a_job_runs_once_and_has_the_runs_id(quick: Client, memory: MemoryService, lab: DataLab) -> None:
    job = DataLabStatisticsJob(lab.id, quick)
    assert job.job_id is None and job.dcr_id == lab.id and job.result_zip_file_name == "statistics.json"
    for early in (job.is_complete, job.wait_for_completion):
        with pytest.raises(Exception, match=r"^Computation has not been run$"):
            early()
    with pytest.raises(Exception, match=r"^Job 'None' has not been run$"):
        job.get_result_as_zipfile()
    job.run()
    assert [job.job_id] == runs(memory, lab)
    with pytest.raises(Exception, match=r"^Computation has already been run$"):
        job.run()
    assert job.is_complete() is False
    with pytest.raises(Exception, match=rf"^Job '{job.job_id}' is not complete$"):
        job.get_result()
    finish(memory, str(job.job_id))
    assert job.is_complete() is True
    assert job.wait_for_completion() is job


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (DataLabStatisticsJob, "statistics.json"),
        (DataLabIdentifiersValidationReportJob, "validation-report.json"),
        (DataLabSegmentsValidationReportJob, "validation-report.json"),
        (DataLabValidationStatusJob, "validation-status.json"),
        (DataLabEnhancedValidationStatusJob, "validation-status.json"),
    ],
)
def test_results_are_zips_with_the_vendors_names(
    quick: Client, memory: MemoryService, lab: DataLab, kind: Any, name: str
) -> None:
    job = kind(lab.id, quick)
    job.run()
    finish(memory, job.job_id)
    with job.get_result_as_zipfile() as archive:
        assert archive.namelist() == [name]
        assert archive.read(name) == job.get_result()
    assert job.result() is not None
    tasks = quick.client_v2.get_job_tasks(job.job_id)
    action = next(key for key in job.action if key in TASKS)
    raw = job.download_result(tasks["tasks"][action]["results"]["success"])
    with raw, io.BytesIO(raw.read()) as stream:
        assert stream.getvalue().startswith(b"PK")
    with pytest.raises(Exception, match=r"^Did not find nonsense in zip$"):
        job.download_result("nonsense")


@pytest.mark.parametrize("kind", [DataLabIdentifiersValidationReportJob, DataLabSegmentsValidationReportJob])
def test_a_report_is_the_same_by_both_names(quick: Client, memory: MemoryService, lab: DataLab, kind: Any) -> None:
    job = kind(lab.id, quick)
    job.run()
    finish(memory, job.job_id)
    assert job.get_validation_report() == job.result()


class _OtherFile(ComputeJob):
    def result(self) -> bytes:
        return self.get_result()


def test_a_job_of_ones_own(quick: Client, memory: MemoryService, lab: DataLab) -> None:
    job = _OtherFile(lab.id, lab_action("computeStatistics"), "nothing.json", quick)
    job.run()
    finish(memory, str(job.job_id))
    with pytest.raises(Exception, match=r"^Did not find nothing\.json in zip$"):
        job.result()
    strange = _OtherFile(lab.id, {"kind": "mediaInsights", "estimateAudienceSize": {}}, "x", quick)
    with pytest.raises(Exception, match=r"(?s)^Failed to create job: 422 .*Unknown action. Actions of a Data Lab"):
        strange.run()
    assert strange.job_id is None


def test_the_reports_job_holds_one_job_per_dataset(quick: Client, memory: MemoryService, lab: DataLab) -> None:
    job = DataLabValidationReportsJob(lab.id, quick)
    assert list(job.validation_jobs) == ["identifiers", "segments"]
    assert list(DataLabValidationReportsJob(lab.id, quick, False, True, True).validation_jobs) == [
        "identifiers",
        "demographics",
        "embeddings",
    ]
    with pytest.raises(Exception, match=r"^Computation has not been run$"):
        job.is_complete()
    job.run()
    assert {one.job_id for one in job.validation_jobs.values()} == set(runs(memory, lab))
    with pytest.raises(Exception, match=r"^Computation has already been run$"):
        job.run()
    with pytest.raises(TimeoutError) as error:
        job.wait_for_completion(timeout=0.01)  # type: ignore[arg-type]
    assert str(error.value) == "Computation did not complete within timeout"
    finish(memory, runs(memory, lab)[0])
    reports = job.wait_for_completion().result()
    assert reports.is_passed() and reports.demographics is None
    assert json.loads(str(reports)) == json.loads(reports.model_dump_json())


# -------------------------------------------------------------------------------------------------------- failures


def test_a_failed_run_tells_why_and_where(quick: Client, memory: MemoryService, lab: DataLab) -> None:
    job = DataLabStatisticsJob(lab.id, quick)
    job.run()
    run_id = str(job.job_id)
    memory.break_run(run_id, "The disk is full.")
    memory._runs[run_id] = memory._runs[run_id].model_copy(update={"url": "http://127.0.0.1:3000/runs/1"})
    assert job.wait_for_completion().is_complete()
    with pytest.raises(JobFailed) as error:
        job.result()
    assert str(error.value) == (
        f"Job '{run_id}' failed with errors: validation: The disk is full. See http://127.0.0.1:3000/runs/1."
    )
    assert error.value.run.reason == "The disk is full."
    assert quick.client_v2.get_job_status(run_id)["status"] is JobStatus.FAILED


def test_a_run_that_failed_after_its_verdict_has_given_its_results(
    quick: Client, memory: MemoryService, lab: DataLab
) -> None:
    job = DataLabStatisticsJob(lab.id, quick)
    job.run()
    run_id = str(job.job_id)
    finish(memory, run_id)
    memory.break_run(run_id, "The dashboard could not be drawn.")
    assert job.wait_for_completion().result()
    assert quick.client_v2.get_job_status(run_id)["status"] is JobStatus.SUCCESS
    assert all(task["completed"] for task in quick.client_v2.get_job_tasks(run_id)["tasks"].values())


def test_after_a_failed_run_another_one_can_be_started(memory: MemoryService, lab: DataLab) -> None:
    lab.run()
    memory.break_run(runs(memory, lab)[0], "The disk is full.")
    for _ in range(2):
        with pytest.raises(JobFailed):
            lab.get_validation_report()
    lab.run()
    assert len(runs(memory, lab)) == 2
    finish(memory, runs(memory, lab)[0])
    assert lab.get_validation_report()


def test_a_cancelled_run_has_failed(quick: Client, memory: MemoryService, lab: DataLab) -> None:
    lab.run()
    memory.cancel_run(runs(memory, lab)[0])
    with pytest.raises(JobFailed, match="cancelled by hand"):
        lab.get_statistics_report()
    admin = _OtherFile(lab.id, lab_action("computeStatistics"), "statistics.json", quick, True)
    admin.attach(memory.runs(lab.id)[0])
    with pytest.raises(Exception, match=rf"^Job '{admin.job_id}' has status: Cancelled$"):
        admin.get_result()


def test_a_run_whose_data_were_replaced_still_gives_its_result(
    quick: Client, memory: MemoryService, lab: DataLab
) -> None:
    job = DataLabStatisticsJob(lab.id, quick)
    job.run()
    lab.provision_dataset(upload(quick), Key(), MATCH)
    finish(memory, str(job.job_id))
    assert memory.run(str(job.job_id)).state is RunState.SUPERSEDED
    assert job.result()
    assert quick.client_v2.get_job_status(str(job.job_id))["status"] is JobStatus.SUCCESS


def test_a_run_that_was_stopped_for_new_data_has_failed(quick: Client, memory: MemoryService, lab: DataLab) -> None:
    job = DataLabStatisticsJob(lab.id, quick)
    job.run()
    memory._end(str(job.job_id), RunState.SUPERSEDED, "Its data were replaced.")
    with pytest.raises(JobFailed, match="Its data were replaced"):
        job.result()
    assert quick.client_v2.get_job_status(str(job.job_id))["status"] is JobStatus.FAILED


# ------------------------------------------------------------------------------------------------- the lower level


def test_jobs_by_the_low_level_client(quick: Client, memory: MemoryService, lab: DataLab) -> None:
    created = quick.client_v2.create_job(lab.id, lab_action("computeStatistics"))
    assert created["id"] == created["run_id"] and created["run_status"] == "COMPUTING"
    status = quick.client_v2.get_job_status(created["id"])
    assert status["status"] is JobStatus.RUNNING and status["completed_at"] is None
    finish(memory, created["id"])
    assert quick.client_v2.get_job_status(created["id"])["completed_at"] is not None
    assert quick.client_v2.create_job(lab.id, lab_action("getValidationStatus"))["run_status"] == "COMPLETED"
    assert quick.client_v2.create_job(lab.id, lab_action("getValidationStatus"), mode="always")["id"] != created["id"]
    assert quick.client_v2.get_job(created["id"]) == {"id": created["id"]}
    actions = quick.client_v2.get_data_room_actions(lab.id)["actions"].values()
    assert {json.loads(action["action"])["kind"] for action in actions} == {"dataLab"}
    assert all(action["jobs"] == [created["id"]] for action in actions)
    with pytest.raises(DatalabError, match="not found"):
        quick.client_v2.check_data_labs_compatibility("room", [lab.id])


@pytest.mark.parametrize("ask", ["get_job", "get_job_status", "get_job_tasks"])
def test_jobs_that_there_are_not(quick: Client, ask: str) -> None:
    with pytest.raises(NotFoundError, match=r"^Job with id nowhere not found$"):
        getattr(quick.client_v2, ask)("nowhere")
