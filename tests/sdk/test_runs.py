"""A lab's run: one serves all its jobs, results of the same data are taken, provisioning forgets them."""

from __future__ import annotations

import json

import pytest

from datalab.registry import RunState
from datalab_dagster.archv2.errors import JobNotCreated, NotCompleteInTime
from datalab_dagster.client import Client
from datalab_dagster.data_lab import (
    DataLab,
    StatisticsResultV2,
)
from datalab_dagster.storage import Key
from tests.fakes import MemoryService
from tests.sdk.labs import EMBEDDING, SEGMENT, expected, finish, open_runs, runs, two_ids, upload, when_asked


@pytest.fixture
def lab(ready_to_run: DataLab) -> DataLab:
    return ready_to_run


def test_run_returns_at_once_and_starts_one_run(memory: MemoryService, lab: DataLab) -> None:
    assert lab.run() is None  # type: ignore[func-returns-value]
    (run_id,) = runs(memory, lab)
    assert memory.run(run_id).state is RunState.STARTED
    when_asked(memory, 2, lambda: finish(memory, run_id))
    reports = lab.get_validation_report()
    assert list(reports) == ["identifiers", "segments"]
    assert reports["segments"]["report"]["numInvalidRowsByErrorCode"] == {"EMPTY_CELL": 1}
    assert reports["segments"]["report"]["dropInvalidRows"] is None
    assert json.loads(json.dumps(reports))["identifiers"]["report"]["outcome"] == "PASSED"
    assert lab.get_statistics_report() == StatisticsResultV2.model_validate(expected("statistics.json")).model_dump()
    assert lab.get_enhanced_validation_status() == expected("validation-status.json")
    assert lab.get_validation_status() == expected("validation-status-legacy.json")
    assert runs(memory, lab) == [run_id]


def test_reports_start_what_was_not_run(memory: MemoryService, lab: DataLab) -> None:
    memory.before_poll = lambda service: [finish(memory, run_id) for run_id in open_runs(memory, lab)] and None
    assert lab.get_statistics_report()["status"] == expected("statistics.json")["status"]
    assert lab.is_validation_passed(lab.get_validation_report())
    assert len(runs(memory, lab)) == 1


def test_results_of_the_same_data_are_taken_without_a_new_run(memory: MemoryService, lab: DataLab) -> None:
    lab.run()
    (run_id,) = runs(memory, lab)
    finish(memory, run_id)
    lab.run()
    assert lab.get_statistics_report()
    assert runs(memory, lab) == [run_id]
    lab.run(again=True)
    assert len(runs(memory, lab)) == 2


def test_provisioning_forgets_the_jobs(quick: Client, memory: MemoryService, lab: DataLab) -> None:
    lab.run()
    (first,) = runs(memory, lab)
    finish(memory, first)
    lab.get_validation_report()
    lab.provision_dataset(upload(quick, "u1,other\n"), Key(), SEGMENT)
    assert not DataLab.is_data_lab_validated(quick.client_v2, lab.id, b"")
    with pytest.raises(NotCompleteInTime):
        lab.get_validation_report(timeout=0.01)  # type: ignore[arg-type]
    second, same = runs(memory, lab)
    assert same == first
    finish(memory, second)
    assert lab.get_validation_report()
    assert DataLab.is_data_lab_validated(quick.client_v2, lab.id, b"")


def test_deprovisioning_forgets_the_jobs(memory: MemoryService, lab: DataLab) -> None:
    lab.run()
    finish(memory, runs(memory, lab)[0])
    lab.deprovision_dataset(SEGMENT)
    with pytest.raises(JobNotCreated, match=r"^Failed to create job: 409 .*segments is not provisioned"):
        lab.get_statistics_report()


def test_a_call_that_changes_nothing_forgets_nothing(memory: MemoryService, lab: DataLab) -> None:
    lab.run()
    finish(memory, runs(memory, lab)[0])
    with pytest.raises(FileNotFoundError):
        lab.provision_local_datasets(Key(), "nowhere.csv")
    with pytest.raises(ValueError, match="embeddings"):
        lab.deprovision_dataset(EMBEDDING)
    memory.validate = None  # type: ignore[assignment, method-assign]
    assert lab.get_statistics_report(), "nothing is started"


def test_a_lab_without_data_cannot_run(quick: Client) -> None:
    lab = two_ids(quick).build()
    with pytest.raises(JobNotCreated, match="identifiers is not provisioned"):
        lab.run()


def test_what_a_run_cannot_take(memory: MemoryService, lab: DataLab) -> None:
    with pytest.raises(ValueError, match="without test datasets"):
        lab.run(dry_run={"test_datasets": {"matching": {"manifest_hash": "0" * 64, "key": Key()}}})
    with pytest.raises(ValueError, match="without parameters"):
        lab.run(parameters={"a": "b"})
    assert runs(memory, lab) == []
    lab.run(dry_run=None, parameters={})
    assert len(runs(memory, lab)) == 1


def test_a_lab_is_validated_when_its_run_has_ended_passed_or_not(
    quick: Client, memory: MemoryService, lab: DataLab
) -> None:
    validated = DataLab.is_data_lab_validated
    assert validated(quick.client_v2, lab.id, b"") is False
    lab.run()
    assert validated(quick.client_v2, lab.id, b"") is False
    finish(memory, runs(memory, lab)[0], outcome="FAILED")
    assert validated(quick.client_v2, lab.id, b"") is True
    assert lab.is_validation_passed(lab.get_validation_report()) is False
